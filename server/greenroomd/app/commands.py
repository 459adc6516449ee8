"""The arguments of the use cases: commands as values, which `rpc/convert` makes from requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from greenroomd.app.ports.storage import Request
from greenroomd.domain.config import JsonObject, Secret
from greenroomd.domain.errors import Violation
from greenroomd.domain.lifecycle.reconfiguration import Apply
from greenroomd.domain.rules.config.config_overlay import PartialConfig
from greenroomd.domain.rules.field_masks import Parts
from greenroomd.domain.rules.naming_rules import DEFAULT_WORKSPACE
from greenroomd.domain.session import StartMode


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The caller of a use case."""

    principal: str
    """The name of the principal: the `actor` of the events that the call causes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSession:
    """Create a session."""

    config: PartialConfig
    """Only the options that the session sets itself; they override the profile's config."""
    oauth_token: Secret | None = None
    """The session's own token; None to use the profile's."""
    workspace_id: str = DEFAULT_WORKSPACE
    """The workspace that the session belongs to."""
    user_id: str = ""
    """The end user for whom the caller creates it; "" for none."""
    session_id: str = ""
    """The id that the caller chose; "" lets the server choose."""
    profile_id: str = ""
    """The profile that supplies the options that the session does not set; "" for none."""
    display_name: str = ""
    """A name for people; "" for none."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Its labels."""
    metadata: JsonObject = field(default_factory=dict)
    """What the caller stores with it, as JSON; Greenroom does not look at it."""
    start_mode: StartMode = StartMode.AUTO
    """Whether it queues for a process at once, or waits for StartSession or a turn."""
    validate_only: bool = False
    """Whether only to check the request, and store nothing."""
    request: Request | None = None
    """The identity under which the answer is recorded; None if the caller sent no request_id."""
    violations: tuple[Violation, ...] = ()
    """The problems found while converting the request; they are reported together with all others."""


class IfBusy(StrEnum):
    """What to do with a turn that arrives while another has not ended."""

    REJECT = "reject"
    QUEUE = "queue"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTurn:
    """Start a turn with a `prompt` or with `content`."""

    session_id: str
    """The session that it is for."""
    prompt: str = ""
    """The prompt as text; "" if there is `content`."""
    content: Sequence[JsonObject] = ()
    """The prompt as content blocks in the shape of the model's API."""
    if_busy: IfBusy = IfBusy.REJECT
    """What to do while another turn runs."""
    timeout: timedelta | None = None
    """How long the turn may take; None: as long as the session's limits or the server's setting allow."""
    request: Request | None = None
    """As in NewSession."""
    violations: tuple[Violation, ...] = ()
    """As in NewSession."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The arguments that all changes of one session share."""

    session_id: str
    """The session to change."""
    etag: str = ""
    """The etag that the session must have; "" to skip the check."""
    actor: str = ""
    """The principal that events name as the cause."""
    request: Request | None = None
    """The identity under which the answer is recorded."""
    answers: Request | None = None
    """An earlier request whose recorded answer is replaced by the session after this change."""


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
    """Delete a closed session and everything that belongs to it; `force` closes it first."""

    force: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Fork:
    """Create a session that continues a copy of the conversation of the one with `session_id`."""

    session_id: str
    """The original."""
    config: PartialConfig
    """Only the options that differ from the original's."""
    oauth_token: Secret | None = None
    """The fork's own token; None to use the original's."""
    new_session_id: str = ""
    """The id that the caller chose; "" lets the server choose."""
    display_name: str = ""
    """A name for people; "" for the original's."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Its labels; those of the original are not taken over."""
    metadata: JsonObject = field(default_factory=dict)
    """Its metadata; that of the original is not taken over."""
    start_mode: StartMode = StartMode.AUTO
    """Whether it queues for a process at once, or waits for StartSession or a turn."""
    request: Request | None = None
    """As in NewSession."""
    violations: tuple[Violation, ...] = ()
    """As in NewSession."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupt(Change):
    """Stop the running turn, or take a queued one off the queue; `turn_id` "" means whichever runs."""

    turn_id: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopTask(Change):
    """Stop a background task."""

    task_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decide(Change):
    """Allow or deny a permission request; `updated_input` replaces the tool's input when allowing."""

    approval_id: str
    allow: bool
    updated_input: JsonObject | None = None
    message: str = ""
