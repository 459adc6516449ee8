"""The arguments of the use cases: commands as values, made from requests by `rpc/convert`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from greenroomd.app.ports.storage import Request
from greenroomd.domain.config import JsonObject, Secret
from greenroomd.domain.errors import Violation
from greenroomd.domain.lifecycle.reconfiguration import Apply
from greenroomd.domain.rules.config_overlay import PartialConfig
from greenroomd.domain.rules.field_masks import Parts
from greenroomd.domain.rules.naming_rules import DEFAULT_WORKSPACE
from greenroomd.domain.session import StartMode


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls."""

    principal: str = "anonymous"
    """Scopes request ids; always "anonymous" while there is no authentication."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSession:
    """A session to be created."""

    config: PartialConfig
    """Only what the session sets itself; the profile's config lies below it."""
    oauth_token: Secret | None = None
    """Only a token of the session's own; else the profile's is used."""
    workspace_id: str = DEFAULT_WORKSPACE
    user_id: str = ""
    session_id: str = ""
    """The id that the caller wants; "" lets the server choose."""
    profile_id: str = ""
    """The profile whose config lies below the session's; "" for none."""
    display_name: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    metadata: JsonObject = field(default_factory=dict)
    start_mode: StartMode = StartMode.AUTO
    validate_only: bool = False
    """Whether to check everything and store nothing."""
    request: Request | None = None
    """The identity under which the answer is recorded; None if the caller gave no request id."""
    violations: tuple[Violation, ...] = ()
    """The problems found while the request was read; they are reported together with the others."""


class IfBusy(StrEnum):
    """What happens to a turn that arrives while another is not finished."""

    REJECT = "reject"
    QUEUE = "queue"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTurn:
    """A turn to be started, with a `prompt` or with `content`."""

    session_id: str
    prompt: str = ""
    """The prompt as text; "" if there is `content`."""
    content: Sequence[JsonObject] = ()
    """The prompt as content blocks in the form of the model's API."""
    if_busy: IfBusy = IfBusy.REJECT
    timeout: timedelta | None = None
    """How long the turn may take; None: as long as the server's setting says."""
    request: Request | None = None
    violations: tuple[Violation, ...] = ()
    """As in NewSession."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What the calls that change one session have in common."""

    session_id: str
    etag: str = ""
    """The etag that the session must have; "" for any."""
    actor: str = ""
    """Who is named as the cause in the events."""
    request: Request | None = None
    """The identity under which the answer is recorded."""
    answers: Request | None = None
    """An earlier request whose recorded answer becomes the session as it is after this change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Close(Change):
    """End a session for good. A running turn may finish within `grace`; `force` interrupts it at once."""

    grace: timedelta = timedelta()
    force: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspend(Change):
    """End a session's process and keep its conversation; `force` interrupts a running turn."""

    force: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start(Change):
    """Give a session a process: StartSession, ResumeSession."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart(Change):
    """End a session's process and start another with the current config generation; `force` interrupts a turn."""

    force: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Update(Change):
    """Change the parts of a session that `paths` name to the given ones; `violations` as in NewSession."""

    given: Parts
    paths: Sequence[str]
    apply: Apply = Apply.WHEN_IDLE
    violations: tuple[Violation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete(Change):
    """Remove a closed session with everything of it; `force` closes it first."""

    force: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Fork:
    """A session to be made of the one with `session_id`, whose conversation it continues as a copy.

    `config` and `oauth_token` are only what differs from the original; `new_session_id` and `violations` as in
    NewSession; an empty `display_name` means the original's.
    """

    session_id: str
    config: PartialConfig
    oauth_token: Secret | None = None
    new_session_id: str = ""
    display_name: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    metadata: JsonObject = field(default_factory=dict)
    start_mode: StartMode = StartMode.AUTO
    request: Request | None = None
    violations: tuple[Violation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupt(Change):
    """Stop the running turn; `turn_id` "" means whichever runs. A turn that only waits is taken off the queue."""

    turn_id: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decide(Change):
    """Answer a permission question; `updated_input` replaces the tool's input when allowing."""

    approval_id: str
    allow: bool
    updated_input: JsonObject | None = None
    message: str = ""
