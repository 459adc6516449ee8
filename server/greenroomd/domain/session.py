"""A session: its record, the one table of its states, and the pure functions that move it.

Nobody sets a state. `decide` looks the move up in TRANSITIONS and returns the session after it together with the event
that tells of it; whoever calls it stores both in one commit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from greenroomd.domain.config import JsonObject, SessionConfig
from greenroomd.domain.enforcement import OptionReport
from greenroomd.domain.errors import IllegalTransition
from greenroomd.domain.events import Event, EventType, SessionNoted, StateChanged
from greenroomd.domain.turn import Problem, Usage


class State(StrEnum):
    """Where a session stands. Only LIVE states may have a process."""

    CREATED = "created"
    INITIALIZING = "initializing"
    READY = "ready"
    ACTIVE = "active"
    IDLE = "idle"
    SUSPENDED = "suspended"
    ERROR = "error"
    CLOSING = "closing"
    CLOSED = "closed"


class Signal(StrEnum):
    """What can happen to a session."""

    START = "start"  # a slot for an AUTO session, StartSession, ResumeSession, a turn, recovery
    HANDSHAKE = "handshake"  # the process answered and continues the right conversation
    TURN_BEGAN = "turn_began"
    TURN_ENDED = "turn_ended"  # and nothing is queued behind it
    GRACE_PASSED = "grace_passed"  # no turn came while READY
    SUSPEND = "suspend"  # asked for, idle timeout, pool pressure, drain, or the server died under it
    RESTART = "restart"  # asked for, or a new config generation
    CLOSE = "close"
    FAIL = "fail"  # start failed, process lost, limit exceeded, conversation gone, end not proven
    ENDED = "ended"  # nothing of its process is left


TRANSITIONS: Mapping[State, Mapping[Signal, State]] = MappingProxyType(
    {
        State.CREATED: {
            Signal.START: State.INITIALIZING,
            Signal.FAIL: State.ERROR,
            Signal.CLOSE: State.CLOSING,
        },
        State.INITIALIZING: {
            Signal.HANDSHAKE: State.READY,
            Signal.SUSPEND: State.SUSPENDED,
            Signal.FAIL: State.ERROR,
            Signal.CLOSE: State.CLOSING,
        },
        State.READY: {
            Signal.TURN_BEGAN: State.ACTIVE,
            Signal.GRACE_PASSED: State.IDLE,
            Signal.SUSPEND: State.SUSPENDED,
            Signal.RESTART: State.INITIALIZING,
            Signal.FAIL: State.ERROR,
            Signal.CLOSE: State.CLOSING,
        },
        State.ACTIVE: {
            Signal.TURN_ENDED: State.IDLE,
            Signal.SUSPEND: State.SUSPENDED,
            Signal.FAIL: State.ERROR,
            Signal.CLOSE: State.CLOSING,
        },
        State.IDLE: {
            Signal.TURN_BEGAN: State.ACTIVE,
            Signal.SUSPEND: State.SUSPENDED,
            Signal.RESTART: State.INITIALIZING,
            Signal.FAIL: State.ERROR,
            Signal.CLOSE: State.CLOSING,
        },
        State.SUSPENDED: {
            Signal.START: State.INITIALIZING,
            Signal.FAIL: State.ERROR,
            Signal.CLOSE: State.CLOSING,
        },
        State.ERROR: {
            Signal.START: State.INITIALIZING,
            Signal.CLOSE: State.CLOSING,
        },
        State.CLOSING: {
            Signal.ENDED: State.CLOSED,
            Signal.FAIL: State.ERROR,
        },
        State.CLOSED: {},
    }
)

LIVE = frozenset({State.INITIALIZING, State.READY, State.ACTIVE, State.IDLE, State.CLOSING})

NODE_LOST = "NODE_LOST"
WAITING_FOR_PROCESS = "WAITING_FOR_PROCESS"
AWAITING_APPROVAL = "AWAITING_APPROVAL"
IDLE_TIMEOUT = "IDLE_TIMEOUT"
POOL_PRESSURE = "POOL_PRESSURE"
REQUESTED = "REQUESTED"
TURN_ARRIVED = "TURN_ARRIVED"
DRAINING = "DRAINING"


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
    """The process that a session has, or had last (`pid` 0: none now)."""

    node_id: str = ""
    pid: int = 0
    kernel_start: int = 0
    boot_id: str = ""
    start_time: datetime | None = None
    cli_version: str = ""
    from_warm_pool: bool = False
    restart_count: int = 0
    last_exit: LastExit | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """Where automatic recovery stands, while it is under way or used up.

    `restarts` are the times of the restarts since the session last ran for a whole window, newest last; they are
    kept when it runs again.
    """

    attempt: int = 0
    max_attempts: int = 0
    next_attempt_time: datetime | None = None
    recoverable: bool = False
    restarts: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A durable session. `revision` and `last_sequence` are those of the last commit (0: never stored).

    `version` counts the changes that a caller can mean with an etag: state, config, description; not message traffic.
    `conversation` is set once a turn was answered: from then on a transcript under `cli_session_id` must be there.
    `config_report` tells how the config is enforced that its process runs with, or ran with last.
    `expiry_told` is the `expire_time` that `session.expiring` has told of.
    `node_id` and `fence` name the owner; a write with an older fence is refused by the store.
    """

    session_id: str
    workspace_id: str
    user_id: str = ""
    profile_id: str = ""
    display_name: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    metadata: JsonObject = field(default_factory=dict)
    config: SessionConfig
    config_generation: int = 1
    observed_config_generation: int = 0
    config_report: Sequence[OptionReport] = ()
    start_mode: StartMode = StartMode.AUTO
    state: State = State.CREATED
    state_reason: str = ""
    state_time: datetime
    error: Problem | None = None
    recovery: Recovery = Recovery()
    process: ProcessFacts = ProcessFacts()
    cli_session_id: str
    conversation: bool = False
    current_turn_id: str = ""
    turn_count: int = 0
    usage: Usage = Usage()
    create_time: datetime
    update_time: datetime
    last_active_time: datetime
    close_time: datetime | None = None
    expiry_told: datetime | None = None
    node_id: str = ""
    fence: int = 0
    version: int = 1
    last_sequence: int = 0
    revision: int = 0

    @property
    def live(self) -> bool:
        """Whether a process may exist for it."""
        return self.state in LIVE

    @property
    def expire_time(self) -> datetime | None:
        """When `limits.max_duration` is over, which counts from the creation."""
        limit = self.config.limits.max_duration
        return None if limit is None else self.create_time + limit


def allowed(state: State) -> list[str]:
    """Return the names of the signals that `state` takes."""
    return [signal.value for signal in TRANSITIONS[state]]


def create(session: Session, *, actor: str = "") -> list[Event]:
    """Return the events of a session's first commit."""
    noted = SessionNoted(session=session)
    return [Event(type=EventType.SESSION_CREATED, time=session.create_time, actor=actor, payload=noted)]


def decide(
    session: Session,
    signal: Signal,
    *,
    at: datetime,
    reason: str = "",
    error: Problem | None = None,
    actor: str = "",
) -> tuple[Session, list[Event]]:
    """Return the session after `signal` and the events that tell of it; raises IllegalTransition.

    Only a session in ERROR has an error, and waits for a restart.
    """
    target = TRANSITIONS[session.state].get(signal)
    if target is None:
        raise IllegalTransition(session.state.value, signal.value, allowed(session.state))
    after = replace(
        session,
        state=target,
        state_reason=reason,
        state_time=at,
        update_time=at,
        error=error if target is State.ERROR else None,
        recovery=session.recovery
        if target is State.ERROR
        else replace(session.recovery, next_attempt_time=None),
        close_time=at if target is State.CLOSED else session.close_time,
        version=session.version + 1,
    )
    moved = Event(
        type=EventType.SESSION_STATE_CHANGED,
        time=at,
        actor=actor,
        turn_id=session.current_turn_id,
        payload=StateChanged(
            from_state=session.state.value, to_state=target.value, reason=reason, error=error
        ),
    )
    headline = _HEADLINES.get(target)
    if headline is None:
        return after, [moved]
    return after, [moved, Event(type=headline, time=at, actor=actor, payload=SessionNoted(session=after))]


# The states whose arrival has an event of its own, carrying the whole session.
_HEADLINES = {
    State.SUSPENDED: EventType.SESSION_SUSPENDED,
    State.CLOSED: EventType.SESSION_CLOSED,
    State.ERROR: EventType.SESSION_ERROR,
}


def etag(session: Session) -> str:
    """Return the tag that changes whenever state, config or description do."""
    return f"v{session.version}"
