"""The typed events of the log, before the store numbers them.

A durable event becomes one row. In the commit that makes it true, it gets its session's next `sequence` and the store's
next `revision`. An ephemeral event (EPHEMERAL) is never stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from greenroomd.domain.event_payloads import Payload


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
    SESSION_PLAN_LIMITS_CHANGED = "session.plan_limits_changed"
    SESSION_MODEL_CHANGED = "session.model_changed"
    SESSION_PERMISSION_MODE_CHANGED = "session.permission_mode_changed"
    SESSION_CAPABILITIES_CHANGED = "session.capabilities_changed"
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
    MCP_SERVER_UPDATED = "mcp_server.updated"
    TASK_STARTED = "task.started"
    TASK_UPDATED = "task.updated"
    TASK_ENDED = "task.ended"
    MESSAGE_DELTA = "message.delta"
    THINKING_DELTA = "thinking.delta"
    TOOL_OUTPUT_DELTA = "tool.output_delta"
    PROCESS_STDERR = "process.stderr"
    PROCESS_STATS = "process.stats"
    MESSAGE_RETRACTED = "message.retracted"
    TOOL_INPUT_DELTA = "tool.input_delta"
    TOOL_PROGRESS = "tool.progress"


EPHEMERAL = frozenset(
    {
        EventType.MESSAGE_DELTA,
        EventType.THINKING_DELTA,
        EventType.TOOL_OUTPUT_DELTA,
        EventType.PROCESS_STDERR,
        EventType.PROCESS_STATS,
        EventType.MESSAGE_RETRACTED,
        EventType.TOOL_INPUT_DELTA,
        EventType.TOOL_PROGRESS,
    }
)

TURN_ENDS = frozenset({EventType.TURN_COMPLETED, EventType.TURN_FAILED, EventType.TURN_INTERRUPTED})


@dataclass(frozen=True, kw_only=True)  # without slots: see `evolve`
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
