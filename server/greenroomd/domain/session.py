"""A session's record: everything durable about it except its turns, approvals and events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from greenroomd.domain.config import JsonObject, SessionConfig
from greenroomd.domain.costs.usage import Usage
from greenroomd.domain.enforcement import OptionReport
from greenroomd.domain.in_force import InForce, effective
from greenroomd.domain.plan_limit import PlanLimit
from greenroomd.domain.states import LIVE, State
from greenroomd.domain.turn import Problem


class StartMode(StrEnum):
    """Whether a new session queues for a process at once, or waits for StartSession or a turn."""

    AUTO = "auto"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True, kw_only=True)
class LastExit:
    """How the session's last process ended; `code`, `signal` or neither (its end was not seen) is set."""

    code: int | None
    signal: int | None
    time: datetime
    memory_limit_hit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessFacts:
    """The process that a session has, or its last one."""

    node_id: str = ""
    """The node that runs it."""
    pid: int = 0
    """Its process id; 0 if the session has no process now."""
    kernel_start: int = 0
    """When it started, in clock ticks since boot; with `boot_id`, this identifies the process beyond doubt."""
    boot_id: str = ""
    """The kernel's id of the boot in which it started."""
    start_time: datetime | None = None
    """When it started, by the wall clock; None if the session never had a process."""
    cli_version: str = ""
    """The version that the CLI reported at its handshake."""
    from_warm_pool: bool = False
    """Whether it was started ahead."""
    restart_count: int = 0
    """How many processes of the session replaced another one, after a failure or an order."""
    capabilities_etag: str = ""
    """The etag of what the process offered; "" before one was ready for the first time."""
    last_exit: LastExit | None = None
    """The end of the last process that has ended; None if none has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """The progress of automatic recovery, while it is in progress or exhausted."""

    attempt: int = 0
    """How many restarts were tried within the policy's window."""
    max_attempts: int = 0
    """The most restarts within the window; 0 if it does not restart automatically."""
    next_attempt_time: datetime | None = None
    """When the session restarts; None if it does not."""
    recoverable: bool = False
    """Whether StartSession can restart it."""
    restarts: tuple[datetime, ...] = ()
    """The restarts since the session last ran for a whole window, newest last; kept when it runs again."""


@dataclass(frozen=True, kw_only=True)  # without slots: see `evolve`
class Session:
    """A durable session."""

    session_id: str
    """Its id: the one that the caller chose, or a new UUID."""
    workspace_id: str
    """The workspace that it belongs to."""
    user_id: str = ""
    """The end user for whom it was created; "" for none."""
    profile_id: str = ""
    """The profile that it was created with; "" for none."""
    display_name: str = ""
    """A name for people; "" for none."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels by which callers can list sessions."""
    metadata: JsonObject = field(default_factory=dict)
    """Any JSON of the caller's."""
    config: SessionConfig
    """Its complete configuration."""
    config_generation: int = 1
    """The generation of `config`; every change adds one."""
    observed_config_generation: int = 0
    """The generation that the process uses, or used last; 0: none yet."""
    config_report: Sequence[OptionReport] = ()
    """How the configuration of the process, or of the last one, is enforced."""
    in_force: InForce = InForce()
    """The model and the permission mode in force in its process, or in the last one."""
    start_mode: StartMode = StartMode.AUTO
    """Whether it was started at its creation."""
    state: State = State.CREATED
    """Its state; only `decision.transition.decide` changes it."""
    state_reason: str = ""
    """Why it is in this state, such as `IDLE_TIMEOUT`; "" for no particular reason."""
    state_time: datetime
    """When it entered its state."""
    error: Problem | None = None
    """Why it failed; only set in ERROR."""
    recovery: Recovery = Recovery()
    """The progress of automatic recovery."""
    process: ProcessFacts = ProcessFacts()
    """Its process, or its last one."""
    cli_session_id: str
    """The CLI's id of its conversation."""
    conversation: bool = False
    """Whether a turn has been answered; from then on there must be a transcript under `cli_session_id`."""
    current_turn_id: str = ""
    """The running turn; "" for none."""
    turn_count: int = 0
    """How many turns it has accepted."""
    background_task_count: int = 0
    """How many of its background tasks are open."""
    lost_task_ids: tuple[str, ...] = ()
    """The background tasks that ended LOST with its last process; empty again from the next turn on."""
    usage: Usage = Usage()
    """What its turns have used that have ended, and what was used while none ran; only `lifecycle.book` changes it."""
    running_usage: Usage = Usage()
    """What has been used since and is not in `usage` yet: that of the running turn, which gets it when it ends."""
    plan_limits: Sequence[PlanLimit] = ()
    """The limits of the subscription that pays for it, as the model's API told them last; empty if it told none."""
    profile_token: bool = False
    """Whether its token is the one of its profile, which so learns its limits too."""
    create_time: datetime
    """When it was created."""
    update_time: datetime
    """When its record last changed."""
    last_active_time: datetime
    """When it last accepted a turn or worked on one."""
    close_time: datetime | None = None
    """When it was CLOSED; None if it is not."""
    expiry_told: datetime | None = None
    """The `expire_time` that `session.expiring` has announced; None: none yet."""
    node_id: str = ""
    """Reserved for several nodes: always "" today."""
    fence: int = 0
    """Reserved for several nodes: always 0 today. The store refuses a write with a lower fence than the row's."""
    version: int = 1
    """Counts the changes that the etag covers: of state, config and description, but not message traffic."""
    last_sequence: int = 0
    """The sequence of its last event; 0: never stored."""
    revision: int = 0
    """The revision of its last commit; 0: never stored."""

    @property
    def live(self) -> bool:
        """Whether it may have a process."""
        return self.state in LIVE

    @property
    def unsettled(self) -> bool:
        """Whether it needs an owner even without an order: it is live, or waits for a process or a restart."""
        waits = self.state is State.CREATED and self.start_mode is StartMode.AUTO
        return self.live or waits or self.recovery.next_attempt_time is not None

    @property
    def effective_config(self) -> SessionConfig:
        """The config that its process is to have: `config`, with what the CLI chose by itself since."""
        return effective(self.config, self.in_force)

    @property
    def spent_usd(self) -> float:
        """What it has cost so far in US dollars, with the running turn."""
        return self.usage.cost_usd + self.running_usage.cost_usd

    @property
    def expire_time(self) -> datetime | None:
        """When `limits.max_duration` ends, counted from its creation; None for no limit."""
        limit = self.config.limits.max_duration
        return None if limit is None else self.create_time + limit


def etag(session: Session) -> str:
    """Return a tag that changes whenever state, config or description change."""
    return f"v{session.version}"
