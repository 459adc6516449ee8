"""What a CLI says, as frames, with the values that matter to a test."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from greenroomd.domain.api_failure import ApiFailure
from greenroomd.domain.costs.usage import Usage
from greenroomd.domain.frames.api_reports import ApiRetried, PlanLimitsTold
from greenroomd.domain.frames.background_frames import (
    BackgroundTask,
    BackgroundTasksChanged,
    TaskBegan,
    TaskChanged,
    TaskReported,
    TimerSet,
    TimersListed,
)
from greenroomd.domain.frames.message_frames import AssistantSpoke, Delta, DeltaKind, UserEchoed
from greenroomd.domain.frames.setting_frames import ModelSwitched, PermissionModeTold, TurnInitialized
from greenroomd.domain.frames.tool_frames import PermissionAsked, PermissionWithdrawn
from greenroomd.domain.frames.turn_frames import (
    Activity,
    ActivityChanged,
    ConversationReset,
    MessageProgressed,
    PromptRefused,
    TurnResult,
)
from greenroomd.domain.plan_limit import PlanLimit
from greenroomd.domain.task import TaskKind, TaskState

RAW = b"{}"


def activity(activity: Activity, **facts: Any) -> ActivityChanged:
    return ActivityChanged(raw=RAW, activity=activity, **facts)


RUNNING = activity(Activity.RUNNING)
IDLE = activity(Activity.IDLE)


def init(model: str = "opus", mode: str = "default", **facts: Any) -> TurnInitialized:
    return TurnInitialized(
        raw=RAW, model=model, permission_mode=mode, cwd="/srv/project", cli_version="2.1.330", **facts
    )


def is_in_mode(mode: str) -> PermissionModeTold:
    """Return what the CLI says when its permission mode has changed, whoever changed it."""
    return PermissionModeTold(raw=RAW, type="system", subtype="status", permission_mode=mode)


def goes_on_with(model: str, *, lasting: bool = True) -> ModelSwitched:
    """Return what the CLI says when it uses another model than it was told to."""
    subtype = "model_refusal_fallback" if lasting else "model_fallback"
    return ModelSwitched(raw=RAW, type="system", subtype=subtype, model=model, lasting=lasting)


def text(words: str, **facts: Any) -> AssistantSpoke:
    blocks = ({"type": "text", "text": words},)
    return AssistantSpoke(raw=RAW, message_id="msg_1", model="opus", blocks=blocks, **facts)


def delta(words: str) -> Delta:
    return Delta(raw=RAW, kind=DeltaKind.TEXT, text=words, block_index=0)


def tool_use(tool_use_id: str = "toolu_1", name: str = "Bash") -> AssistantSpoke:
    blocks = ({"type": "tool_use", "id": tool_use_id, "name": name, "input": {}},)
    return AssistantSpoke(raw=RAW, message_id="msg_2", model="opus", blocks=blocks)


def tool_result(tool_use_id: str = "toolu_1") -> UserEchoed:
    return UserEchoed(raw=RAW, blocks=({"type": "tool_result", "tool_use_id": tool_use_id, "content": "ok"},))


def asks(request_id: str = "q1", tool_use_id: str = "toolu_1", **facts: Any) -> PermissionAsked:
    return PermissionAsked(
        raw=RAW,
        request_id=request_id,
        tool_name="Bash",
        tool_use_id=tool_use_id,
        tool_input={"command": "make"},
        **facts,
    )


def withdraws(request_id: str = "q1") -> PermissionWithdrawn:
    return PermissionWithdrawn(raw=RAW, request_id=request_id)


def refuses(reason: str = "not today") -> PromptRefused:
    """Return what the CLI says before the result of a prompt that a hook refused."""
    return PromptRefused(raw=RAW, type="system", subtype="informational", reason=reason)


def retries(
    attempt: int = 1, *, status: int | None = 529, word: str = "overloaded", delay: float = 0.5
) -> ApiRetried:
    """Return what the CLI says before it repeats a request that the model's API did not answer."""
    wait = timedelta(seconds=delay)
    failure = ApiFailure(status=status, word=word, retry_after=wait)
    return ApiRetried(
        raw=RAW, type="system", subtype="api_retry", attempt=attempt, delay=wait, failure=failure
    )


def api_error(word: str = "overloaded", request_id: str = "req_1", **facts: Any) -> AssistantSpoke:
    """Return the message with which the CLI tells that the API failed, before the result."""
    blocks = ({"type": "text", "text": "API Error"},)
    return AssistantSpoke(
        raw=RAW,
        message_id="msg_3",
        model="<synthetic>",
        blocks=blocks,
        api_error=word,
        request_id=request_id,
        **facts,
    )


def failed(*message_uuids: str, status: int | None = 529, text: str = "API Error: Overloaded") -> TurnResult:
    """Return the result of a turn that the model's API has not answered."""
    return result(
        *message_uuids, text=text, is_error=True, terminal_reason="api_error", api_error_status=status
    )


def limits(*told: PlanLimit, binding: str = "") -> PlanLimitsTold:
    """Return what the CLI says of a subscription's limits."""
    return PlanLimitsTold(raw=RAW, type="rate_limit_event", subtype="", limits=told, binding=binding)


def result(
    *message_uuids: str,
    text: str = "well",
    subtype: str = "success",
    is_error: bool = False,
    terminal_reason: str = "completed",
    errors: Sequence[str] = (),
    api_error_status: int | None = None,
    usage: Usage | None = None,
    total_cost_usd: float = 0.0,
    **facts: Any,
) -> TurnResult:
    return TurnResult(
        raw=RAW,
        subtype=subtype,
        is_error=is_error,
        terminal_reason=terminal_reason,
        text=text,
        errors=errors,
        stop_reason="end_turn",
        api_error_status=api_error_status,
        num_turns=1,
        usage=usage or Usage(input_tokens=100, output_tokens=20),
        total_cost_usd=total_cost_usd,
        message_uuids=message_uuids,
        **facts,
    )


def aborted(*message_uuids: str, **facts: Any) -> TurnResult:
    """Return the result of a turn that was interrupted."""
    return result(
        *message_uuids,
        text="",
        subtype="error_during_execution",
        is_error=True,
        terminal_reason="aborted_streaming",
        **facts,
    )


def reset(**facts: Any) -> ConversationReset:
    return ConversationReset(raw=RAW, **facts)


def task_began(task_id: str = "b1", kind: TaskKind = TaskKind.SHELL, **facts: Any) -> TaskBegan:
    facts = {"description": "build", "tool_use_id": "toolu_1", "background": True, **facts}
    return TaskBegan(raw=RAW, type="system", subtype="task_started", task_id=task_id, kind=kind, **facts)


def task_changed(task_id: str = "b1", **facts: Any) -> TaskChanged:
    return TaskChanged(raw=RAW, type="system", subtype="task_updated", task_id=task_id, **facts)


def task_reported(
    task_id: str = "b1", state: TaskState = TaskState.COMPLETED, summary: str = "built"
) -> TaskReported:
    return TaskReported(
        raw=RAW, type="system", subtype="task_notification", task_id=task_id, state=state, summary=summary
    )


def lists(*task_ids: str, kind: TaskKind = TaskKind.SHELL, **facts: Any) -> BackgroundTasksChanged:
    """Return the list of everything that works in the background."""
    tasks = [BackgroundTask(task_id=each, kind=kind, description="build", **facts) for each in task_ids]
    return BackgroundTasksChanged(raw=RAW, tasks=tasks)


def timer_set(task_id: str = "c1", **facts: Any) -> TimerSet:
    facts = {"recurring": False, "next_time": None, "tool_use_id": "toolu_2", **facts}
    facts = {"schedule": "30 9 * * 1", "prompt": "look again", **facts}
    return TimerSet(raw=b"", task_id=task_id, **facts)


def timers(*task_ids: str) -> TimersListed:
    return TimersListed(raw=b"", task_ids=frozenset(task_ids))


def timer_fires() -> MessageProgressed:
    return MessageProgressed(raw=RAW, message_uuid="own", progress="started", wakeup="schedule_wakeup")
