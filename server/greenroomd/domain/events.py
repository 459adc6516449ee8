"""The typed events of the log, before the store numbers them.

A durable event becomes one row. In the commit that makes it true, it gets its session's next `sequence` and the store's
next `revision`. An ephemeral event (EPHEMERAL) is never stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

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
    """The session changed its state."""

    from_state: str
    to_state: str
    reason: str
    error: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigApplied:
    """The process now uses this generation of the config; `restarted`: whether that took a new process."""

    generation: int
    restarted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryScheduled:
    """The session will restart automatically at `at`."""

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
    """The process answered its handshake, `startup` after it was requested; `session` shows it."""

    session: Session
    startup: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessExited:
    """The process ended."""

    node_id: str
    """The node that ran it."""
    pid: int
    """Its process id."""
    code: int | None
    """Its exit status; None if a signal ended it, or if its end was not seen."""
    signal: int | None
    """The number of the signal that ended it; None otherwise."""
    expected: bool
    """Whether we ended it."""
    stderr_tail: str
    """The end of its stderr, without secrets."""
    memory_limit_hit: bool = False
    """Whether it was ended because it used more memory than its limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnNoted:
    """The whole turn as it is after the event."""

    turn: Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageNoted:
    """A message of the conversation."""

    blocks: Sequence[JsonObject]
    """Its content blocks, in the API's shape."""
    raw: bytes = b""
    """The CLI's line; empty for the user's prompt."""
    message_id: str = ""
    """The API's id of the message."""
    model: str = ""
    """The model that wrote it."""
    parent_tool_use_id: str = ""
    """The tool call of the subagent that it belongs to; "" for none."""
    synthetic: bool = False
    """Whether the CLI made it up itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemMessage:
    """A frame that is not a message, as the CLI wrote it; `subtype` is "" if the CLI gives none."""

    type: str
    subtype: str
    raw: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalNoted:
    """The whole approval as it is after the event."""

    approval: Approval


@dataclass(frozen=True, slots=True, kw_only=True)
class DeltaNoted:
    """A piece of a message in progress; the finished block repeats all of it."""

    text: str
    block_index: int
    message_id: str = ""
    parent_tool_use_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StderrNoted:
    """Redacted text that the process wrote to stderr."""

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
    """One event of a session, before the store numbers it."""

    type: EventType
    """What happened."""
    time: datetime
    """When it happened."""
    payload: Payload
    """The details."""
    turn_id: str = ""
    """The turn that it belongs to; "" for none."""
    actor: str = ""
    """The principal that caused it; "" for none."""
    request_id: str = ""
    """The request_id of the call that caused it; "" for none."""


class PlacedEvent(NamedTuple):
    """An ephemeral event, and its place among the durable events of the same decision."""

    after: int
    """How many of the durable events come before it."""
    event: Event
