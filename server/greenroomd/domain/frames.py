"""The output of a `claude` process as values: one frame per line of its stream-json.

Source of all shapes: the CLI 2.1.330 as observed. `raw` is the line as it came (JSON, UTF-8, without its newline), so
that nothing is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from greenroomd.domain.api_failure import ApiFailure
from greenroomd.domain.capabilities import Command
from greenroomd.domain.config import JsonObject
from greenroomd.domain.plan_limit import PlanLimit
from greenroomd.domain.task import TaskKind, TaskState
from greenroomd.domain.usage import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Any line. `cli_session_id` is its conversation ("" if it does not say), which can change."""

    raw: bytes
    cli_session_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnInitialized(Frame):
    """`system/init`: the settings in effect, written at the start of every turn."""

    model: str
    """The full name of the model in use."""
    permission_mode: str
    """The CLI's own word for the permission mode in force."""
    cwd: str
    """The directory that it works in."""
    cli_version: str
    """Such as `2.1.330`."""
    tools: tuple[str, ...] = ()
    """The tools that the model can call, those of MCP servers too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistantSpoke(Frame):
    """`assistant`: finished content blocks of one API message, in the API's shape (text, thinking, tool_use …)."""

    message_id: str
    """The API's id of the message."""
    model: str
    """The model that wrote it."""
    blocks: Sequence[JsonObject]
    """Its content blocks, in the API's shape."""
    parent_tool_use_id: str = ""
    """The tool call of the subagent that wrote it; "" for none."""
    usage: Usage = Usage()
    """The tokens of its request; as long as it is not `ended`, as they were when the message began."""
    ended: bool = False
    """Whether nothing of the message is missing; where it streams, RequestProgressed says so instead."""
    api_error: str = ""
    """The CLI's word for the failure of the API that it reports, such as `rate_limit`; "" for none."""
    request_id: str = ""
    """The API's id of the request; "" if the CLI gives none."""

    @property
    def synthetic(self) -> bool:
        """Whether the CLI made up the message itself, to report an API error."""
        return self.model == "<synthetic>"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserEchoed(Frame):
    """`user`: tool results, or notes of the CLI (`synthetic`); never the caller's prompt."""

    blocks: Sequence[JsonObject]
    parent_tool_use_id: str = ""
    synthetic: bool = False
    replay: bool = False
    outcome: JsonObject = field(default_factory=dict)
    """What the tool says of its result in a form of its own; empty if it does not."""
    agent_usage: Usage = Usage()
    """The tokens of the last request of the agent whose result this is; none if it is not an agent's."""
    agent_model: str = ""
    """The model that answered that request."""


class DeltaKind(StrEnum):
    """The kind of content that a delta adds to."""

    TEXT = "text"
    THINKING = "thinking"
    TOOL_INPUT = "tool_input"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta(Frame):
    """A `stream_event` with a content delta. It may be dropped, since the finished block repeats it."""

    kind: DeltaKind
    """What it is a piece of."""
    text: str
    """The piece."""
    block_index: int
    """The place of its block in the message, from 0."""
    message_id: str = ""
    """The API's id of the message."""
    parent_tool_use_id: str = ""
    """The tool call of the subagent that writes it; "" for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolInputBegan(Frame):
    """A `stream_event` with which the model begins to write a tool call; its `Delta`s name the same block."""

    tool_use_id: str
    """The id of the tool call."""
    tool_name: str
    """The tool's name."""
    block_index: int
    """The place of its block in the message, from 0."""
    message_id: str = ""
    """The API's id of the message."""
    parent_tool_use_id: str = ""
    """The tool call of the subagent that writes it; "" for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageAbandoned(Frame):
    """A `stream_event` that ends a message of which blocks will never be finished."""

    message_id: str
    parent_tool_use_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolProgressed(Frame):
    """`tool_progress`: a tool still runs."""

    tool_use_id: str
    tool_name: str
    elapsed_seconds: float
    parent_tool_use_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolOutputWritten(Frame):
    """What a running command has written, as read from the CLI's file; not part of its stream-json."""

    tool_use_id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StderrWritten(Frame):
    """Whole lines of the process's stderr, without secrets; not part of its stream-json."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamMarker(Frame):
    """A `stream_event` or `system/status` without content: only a sign of life."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestProgressed(StreamMarker):
    """A `stream_event` with the tokens of a model request: of its beginning, its end, or both."""

    message_id: str
    """The id of the message that answers the request."""
    model: str = ""
    """The model that answers; "" in the frame of the end."""
    usage: Usage = Usage()
    """The tokens so far, of the request alone; those of the end replace those of the beginning."""
    ended: bool = False
    """Whether the answer is complete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnResult(Frame):
    """`result`: the CLI has answered a prompt, or given up.

    Its cost is cumulative: a resumed process begins with the cost of earlier ones, if the transcript has recorded it.
    """

    subtype: str
    """`success`, or the kind of error, such as `error_max_turns`."""
    is_error: bool
    """Whether it failed, which an API error with subtype `success` also sets."""
    terminal_reason: str
    """Why the CLI stopped."""
    text: str
    """The final text, or the text of an API error."""
    errors: Sequence[str]
    """The texts of errors."""
    stop_reason: str
    """Why the model stopped, such as `end_turn`."""
    api_error_status: int | None
    """The HTTP status of an API error; None for none."""
    num_turns: int
    """The rounds with the model."""
    usage: Usage
    """The tokens of all requests since the last result, whoever made them: the conversation, agents, compaction."""
    total_cost_usd: float
    """The cumulative cost, in US dollars."""
    message_uuids: Sequence[str]
    """The user messages that it answers; empty if it answers none (a background task has ended)."""
    own_cost_usd: float | None = None
    """The cost since the last result, in US dollars; None if the CLI does not say."""

    @property
    def succeeded(self) -> bool:
        """Whether it has subtype `success` and no error flag (an API error has subtype `success` too)."""
        return self.subtype == "success" and not self.is_error

    def cost_after(self, spent_usd: float) -> float:
        """Return the cost since the last result, whose cumulative cost was `spent_usd`."""
        return (
            self.own_cost_usd if self.own_cost_usd is not None else max(0.0, self.total_cost_usd - spent_usd)
        )

    @property
    def aborted(self) -> bool:
        """Whether the turn was interrupted."""
        return self.terminal_reason.startswith("aborted")


class Activity(StrEnum):
    """What the CLI says that it is doing."""

    RUNNING = "running"
    REQUIRES_ACTION = "requires_action"
    IDLE = "idle"


@dataclass(frozen=True, slots=True, kw_only=True)
class BackgroundTask:
    """One entry of `background_tasks_changed`."""

    task_id: str
    kind: TaskKind
    description: str
    parent_task_id: str = ""
    housekeeping: bool = False
    """Whether the CLI says that it is no work of the conversation, or that it goes on outside of the process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackgroundTasksChanged(Frame):
    """`system/background_tasks_changed`: everything that the CLI now does in the background, except its timers."""

    tasks: Sequence[BackgroundTask]

    @property
    def agents(self) -> frozenset[str]:
        """The ids of all but shell commands. The CLI is not idle as long as one of them works."""
        return frozenset(task.task_id for task in self.tasks if task.kind is not TaskKind.SHELL)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityChanged(Frame):
    """`system/session_state_changed`; only IDLE says that the CLI will write nothing more for this turn."""

    activity: Activity


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionAsked(Frame):
    """`control_request can_use_tool`: the CLI asks for permission, and waits without limit for the answer.

    The fields correspond to those of Approval.
    """

    request_id: str
    """A UUID that our adapter gave the request; answers name it."""
    tool_name: str
    """The tool that is to run."""
    tool_use_id: str
    """The id of the tool call."""
    tool_input: JsonObject
    """What it is to run with."""
    display_name: str = ""
    """The tool's name for people; "" if the CLI gives none."""
    description: str = ""
    """What it is about to do, for people; "" if the CLI gives none."""
    blocked_path: str = ""
    """The path that may not be used without permission; "" for none."""
    requires_user_interaction: bool = False
    """Whether only a person can answer."""
    suggestions: Sequence[JsonObject] = ()
    """Changes of the rules that would make the question unnecessary, as the CLI proposes them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionWithdrawn(Frame):
    """`control_cancel_request`: the CLI has withdrawn the request `request_id`, which must not be answered any more."""

    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageProgressed(Frame):
    """`command_lifecycle`: our user message `message_uuid` is queued, started, completed or cancelled."""

    message_uuid: str
    progress: str
    wakeup: str = ""
    """What gave the CLI a message that is not ours, such as `schedule_wakeup`; "" for ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationReset(Frame):
    """`conversation_reset`: the CLI began a new conversation in the same process (`/clear`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemNoted(Frame):
    """Any other `system` frame, and every type that this version does not know; kept, and never an error."""

    type: str
    subtype: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskBegan(SystemNoted):
    """`system/task_started`: a tool began work that may go on beside the turn."""

    task_id: str
    kind: TaskKind
    description: str
    tool_use_id: str = ""
    parent_task_id: str = ""
    background: bool = False
    """Whether it goes on in the background; if not, the tool call waits for it."""
    housekeeping: bool = False
    """As in BackgroundTask."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskChanged(SystemNoted):
    """`system/task_updated` or `task_progress`: how a task stands. What it does not say is "", None or False."""

    task_id: str
    state: TaskState | None = None
    description: str = ""
    summary: str = ""
    background: bool = False
    """Whether it has just moved to the background."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskReported(SystemNoted):
    """`system/task_notification`: a task has ended, and what the model is told about it."""

    task_id: str
    state: TaskState
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerSet(Frame):
    """Not a line of its own: a tool's result says that the CLI has this timer."""

    task_id: str
    schedule: str
    prompt: str
    recurring: bool
    tool_use_id: str
    next_time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerCleared(Frame):
    """Not a line of its own: a tool's result says that a timer was deleted."""

    task_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandsChanged(SystemNoted):
    """`system/commands_changed`: all commands as they are now, after some have changed within a process."""

    commands: tuple[Command, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptRefused(SystemNoted):
    """`system` with a `prompt_submit_outcome`: a hook refused the prompt of the turn; the model is not asked.

    The turn's result is a success all the same, with the words of the hook.
    """

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRetried(SystemNoted):
    """`system/api_retry`: a request to the model's API has failed, and the CLI will repeat it."""

    attempt: int
    """How many requests of the same kind have failed in a row."""
    delay: timedelta
    """How long the CLI waits before the next one."""
    failure: ApiFailure
    """Why it failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanLimitsTold(SystemNoted):
    """`rate_limit_event`: how much of the subscription's limits is used; only for sessions that a subscription pays."""

    limits: Sequence[PlanLimit]
    """The limits that it names."""
    binding: str
    """The CLI's word for the limit that decides now; "" if it names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionModeTold(SystemNoted):
    """`system/status` with a `permissionMode`: the mode in force from now on, whoever changed it."""

    permission_mode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSwitched(SystemNoted):
    """The CLI goes on with another model than it was told to use; `lasting`: for the rest of the session."""

    model: str
    lasting: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Garbage(Frame):
    """A line that is not a JSON object, or is longer than the limit (then `raw` is its beginning)."""

    reason: str
