"""What can be chosen in a session, as its CLI says at the handshake."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

_ETAG_LENGTH = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A slash command or a skill."""

    name: str
    description: str = ""
    argument_hint: str = ""
    """What arguments it takes, for people."""
    aliases: tuple[str, ...] = ()
    builtin: bool = False
    """Whether it is the CLI's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A subagent to which the model can give work."""

    name: str
    description: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChoice:
    """A model that the CLI offers."""

    model: str
    """What a session's config can name."""
    resolved_model: str = ""
    """The full name that it stands for."""
    display_name: str = ""
    description: str = ""
    efforts: tuple[str, ...] = ()
    """The levels of effort that it takes, in the CLI's words."""
    adaptive_thinking: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """Commands, agents, models and output styles. Sessions that are offered the same share one record."""

    commands: tuple[Command, ...] = ()
    agents: tuple[Agent, ...] = ()
    models: tuple[ModelChoice, ...] = ()
    output_style: str = ""
    output_styles: tuple[str, ...] = ()
    etag: str = ""
    """Differs whenever anything else differs; "" if nothing is known."""


NOTHING_OFFERED = Capabilities()


def with_etag(capabilities: Capabilities) -> Capabilities:
    """Return capabilities with the etag that their content has."""
    content = repr(replace(capabilities, etag="")).encode(errors="replace")
    return replace(capabilities, etag=hashlib.sha256(content).hexdigest()[:_ETAG_LENGTH])
