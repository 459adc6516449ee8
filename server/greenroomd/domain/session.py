"""A session's record: all that is durable about it but its turns, approvals and events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from greenroomd.domain.config import JsonObject, SessionConfig
from greenroomd.domain.enforcement import OptionReport
from greenroomd.domain.states import LIVE, State
from greenroomd.domain.turn import Problem, Usage


class StartMode(StrEnum):
    """Whether a new session queues for a process at once or waits to be started."""

    AUTO = "auto"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True, kw_only=True)
class LastExit:
    """How the session's last process ended; `code` or `signal` is set."""

    code: int | None
    signal: int | None
    time: datetime
    memory_limit_hit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessFacts:
    """The process that a session has, or had last."""

    node_id: str = ""
    """The server that runs it."""
    pid: int = 0
    """0: the session has no process now."""
    kernel_start: int = 0
    """Clock ticks between the boot and its start: together with `boot_id` they make the pid unmistakable."""
    boot_id: str = ""
    start_time: datetime | None = None
    cli_version: str = ""
    from_warm_pool: bool = False
    restart_count: int = 0
    """How many processes have been started in place of another, after a failure or an order."""
    last_exit: LastExit | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """How far automatic recovery has come, while it is under way or used up."""

    attempt: int = 0
    max_attempts: int = 0
    next_attempt_time: datetime | None = None
    """When the session will be started again; None: it will not be."""
    recoverable: bool = False
    """Whether StartSession can bring it back."""
    restarts: tuple[datetime, ...] = ()
    """The times of the restarts since the session last ran for a whole window, newest last; kept when it runs again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A durable session."""

    session_id: str
    workspace_id: str
    user_id: str = ""
    profile_id: str = ""
    """The profile that it was made from; "": none."""
    display_name: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    metadata: JsonObject = field(default_factory=dict)
    config: SessionConfig
    config_generation: int = 1
    """The number of `config`; it rises with every change."""
    observed_config_generation: int = 0
    """The generation that the process runs with, or ran with last; 0: none yet."""
    config_report: Sequence[OptionReport] = ()
    """How the configuration is enforced that the process runs with, or ran with last."""
    start_mode: StartMode = StartMode.AUTO
    state: State = State.CREATED
    state_reason: str = ""
    state_time: datetime
    """When the session came to its state."""
    error: Problem | None = None
    """Why the session failed; only in ERROR."""
    recovery: Recovery = Recovery()
    process: ProcessFacts = ProcessFacts()
    cli_session_id: str
    """The CLI's id of the conversation."""
    conversation: bool = False
    """Whether a turn was answered: from then on there must be a transcript under `cli_session_id`."""
    current_turn_id: str = ""
    """The turn that runs; "": none."""
    turn_count: int = 0
    usage: Usage = Usage()
    create_time: datetime
    update_time: datetime
    last_active_time: datetime
    close_time: datetime | None = None
    expiry_told: datetime | None = None
    """The `expire_time` that `session.expiring` has announced."""
    node_id: str = ""
    fence: int = 0
    """The store refuses a write with an older fence than the row's."""
    version: int = 1
    """Counts the changes that an etag covers: state, config and description, not message traffic."""
    last_sequence: int = 0
    """The number of its last event; 0: never stored."""
    revision: int = 0
    """The revision of its last commit; 0: never stored."""

    @property
    def live(self) -> bool:
        """Whether a process may exist for it."""
        return self.state in LIVE

    @property
    def unsettled(self) -> bool:
        """Whether it needs an owner although nobody orders anything: it is live, or waits for a process or restart."""
        waits = self.state is State.CREATED and self.start_mode is StartMode.AUTO
        return self.live or waits or self.recovery.next_attempt_time is not None

    @property
    def expire_time(self) -> datetime | None:
        """When `limits.max_duration` is over, which counts from the creation."""
        limit = self.config.limits.max_duration
        return None if limit is None else self.create_time + limit


def etag(session: Session) -> str:
    """Return the tag that changes whenever state, config or description do."""
    return f"v{session.version}"
