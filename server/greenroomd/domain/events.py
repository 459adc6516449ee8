"""What happened, as values: the typed events of the log before they are numbered.

A durable event becomes one row; the store gives it its session's next `sequence` and the store's next `revision` in the
commit that makes it true. An ephemeral event (EPHEMERAL) is never stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from greenroomd.domain.approval import Approval
from greenroomd.domain.config import JsonObject
from greenroomd.domain.session import Session
from greenroomd.domain.turn import Problem, Turn


class EventType(StrEnum):
    """The name of an event; the part before the dot is its family."""

    SESSION_CREATED = "session.created"
    SESSION_STARTED = "session.started"
    SESSION_STATE_CHANGED = "session.state_changed"
    SESSION_SUSPENDED = "session.suspended"
    SESSION_RESUMED = "session.resumed"
    SESSION_RESTARTED = "session.restarted"
    SESSION_UPDATED = "session.updated"
    SESSION_CONFIG_APPLIED = "session.config_applied"
    SESSION_CLOSED = "session.closed"
    SESSION_DELETED = "session.deleted"
    SESSION_ERROR = "session.error"
    SESSION_RECOVERY_SCHEDULED = "session.recovery_scheduled"
    SESSION_EXPIRING = "session.expiring"
    SESSION_LIMIT_REACHED = "session.limit_reached"
    PROCESS_SPAWNED = "process.spawned"
    PROCESS_READY = "process.ready"
    PROCESS_EXITED = "process.exited"
    TURN_QUEUED = "turn.queued"
    TURN_STARTED = "turn.started"
    TURN_COMPLETED = "turn.completed"
    TURN_FAILED = "turn.failed"
    TURN_INTERRUPTED = "turn.interrupted"
    MESSAGE_USER = "message.user"
    MESSAGE_ASSISTANT = "message.assistant"
    MESSAGE_TOOL_USE = "message.tool_use"
    MESSAGE_TOOL_RESULT = "message.tool_result"
    MESSAGE_SYSTEM = "message.system"
    APPROVAL_REQUESTED = "approval.requested"
    APPROVAL_DECIDED = "approval.decided"
    APPROVAL_EXPIRED = "approval.expired"
    APPROVAL_CANCELLED = "approval.cancelled"
    MESSAGE_DELTA = "message.delta"
    THINKING_DELTA = "thinking.delta"
    TOOL_OUTPUT_DELTA = "tool.output_delta"
    PROCESS_STDERR = "process.stderr"
    PROCESS_STATS = "process.stats"


EPHEMERAL = frozenset(
    {
        EventType.MESSAGE_DELTA,
        EventType.THINKING_DELTA,
        EventType.TOOL_OUTPUT_DELTA,
        EventType.PROCESS_STDERR,
        EventType.PROCESS_STATS,
    }
)

TURN_ENDS = frozenset({EventType.TURN_COMPLETED, EventType.TURN_FAILED, EventType.TURN_INTERRUPTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionNoted:
    """The whole session as it is after the event."""

    session: Session


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionUpdated:
    """The whole session, and the mask paths that were changed."""

    session: Session
    paths: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChanged:
    """A move in the state table."""

    from_state: str
    to_state: str
    reason: str
    error: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigApplied:
    """The process now runs by this generation; `restarted` tells whether it took a new process."""

    generation: int
    restarted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryScheduled:
    """The session will be started again by itself at `at`."""

    attempt: int
    max_attempts: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitReached:
    """A limit of the session's config took effect."""

    limit: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiring:
    """The session will end at `at`."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSpawned:
    """A process was started; `session` shows it."""

    session: Session


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessReady:
    """The process answered its handshake, `startup` after it was asked for; `session` shows it."""

    session: Session
    startup: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessExited:
    """The process ended; `expected` tells whether we ended it."""

    node_id: str
    pid: int
    code: int | None
    signal: int | None
    expected: bool
    stderr_tail: str
    memory_limit_hit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnNoted:
    """The whole turn as it is after the event."""

    turn: Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageNoted:
    """A message of the conversation: typed blocks (API shape) and the CLI's own line ("" for the user's prompt)."""

    blocks: Sequence[JsonObject]
    raw: bytes = b""
    message_id: str = ""
    model: str = ""
    parent_tool_use_id: str = ""
    synthetic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemMessage:
    """A frame that is no message, kept as it came; `subtype` is "" where the CLI gives none."""

    type: str
    subtype: str
    raw: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalNoted:
    """The whole approval as it is after the event."""

    approval: Approval


@dataclass(frozen=True, slots=True, kw_only=True)
class DeltaNoted:
    """A piece of a message that is being written; the finished block repeats all of it."""

    text: str
    block_index: int
    message_id: str = ""
    parent_tool_use_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StderrNoted:
    """Redacted text that the process wrote to its error output."""

    text: str


Payload = (
    SessionNoted
    | SessionUpdated
    | StateChanged
    | ConfigApplied
    | RecoveryScheduled
    | LimitReached
    | Expiring
    | ProcessSpawned
    | ProcessReady
    | ProcessExited
    | TurnNoted
    | MessageNoted
    | SystemMessage
    | ApprovalNoted
    | DeltaNoted
    | StderrNoted
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened in a session, before the store numbered it."""

    type: EventType
    time: datetime
    payload: Payload
    turn_id: str = ""
    actor: str = ""
    request_id: str = ""
