"""The details of an event: one record for each kind of payload."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from greenroomd.domain.approval import Approval
from greenroomd.domain.config import JsonObject, PermissionMode
from greenroomd.domain.mcp import McpServer
from greenroomd.domain.plan_limit import PlanLimit
from greenroomd.domain.session import Session
from greenroomd.domain.task import Task
from greenroomd.domain.turn import Problem, Turn


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
    lost_task_ids: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigApplied:
    """The process now uses this generation of the config; `restarted`: whether that took a new process."""

    generation: int
    restarted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChanged:
    """Another model is in force; `own`: the CLI chose it by itself, in place of the configured one."""

    from_model: str
    to_model: str
    own: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionModeChanged:
    """Another permission mode is in force; `own`: the CLI chose it by itself, in place of the configured one."""

    from_mode: PermissionMode
    to_mode: PermissionMode
    own: bool = False


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
class PlanLimitsNoted:
    """All limits of the subscription that are known after one has turned."""

    limits: Sequence[PlanLimit]


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
class CapabilitiesChanged:
    """What can be chosen in the session is not what it was."""

    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class McpServerNoted:
    """An MCP server as it is after the event, and whether the session's turns need it."""

    server: McpServer
    required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskNoted:
    """The whole background task as it is after the event."""

    task: Task


@dataclass(frozen=True, slots=True, kw_only=True)
class DeltaNoted:
    """A piece of a message in progress; the finished block repeats all of it."""

    text: str
    block_index: int
    message_id: str = ""
    parent_tool_use_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolInputNoted:
    """A piece of a tool's input in progress; the finished call repeats all of it."""

    partial_json: str
    """The text to append; "" in the event that says that the call begins."""
    tool_use_id: str
    """The tool call."""
    tool_name: str
    """The name of the tool."""
    block_index: int
    """The place of its block in the message, from 0."""
    message_id: str = ""
    """The API's id of the message."""
    parent_tool_use_id: str = ""
    """The tool call of the subagent that writes it; "" for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolOutputNoted:
    """A piece of what a running command has written; its result repeats it, as far as the CLI keeps it."""

    tool_use_id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolProgressNoted:
    """A tool still runs."""

    tool_use_id: str
    tool_name: str
    elapsed: timedelta
    parent_tool_use_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRetracted:
    """The message will never be finished; pieces that were not repeated yet are void."""

    message_id: str
    parent_tool_use_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatsNoted:
    """What the process and everything that it started use now."""

    memory_bytes: int
    cpu_time: timedelta
    process_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StderrNoted:
    """Redacted text that the process wrote to stderr."""

    text: str


Payload = (
    SessionNoted
    | SessionUpdated
    | StateChanged
    | ConfigApplied
    | ModelChanged
    | PermissionModeChanged
    | RecoveryScheduled
    | LimitReached
    | PlanLimitsNoted
    | Expiring
    | ProcessSpawned
    | ProcessReady
    | ProcessExited
    | TurnNoted
    | MessageNoted
    | SystemMessage
    | ApprovalNoted
    | CapabilitiesChanged
    | McpServerNoted
    | TaskNoted
    | DeltaNoted
    | ToolInputNoted
    | ToolOutputNoted
    | ToolProgressNoted
    | MessageRetracted
    | StatsNoted
    | StderrNoted
)
