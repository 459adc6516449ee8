"""How a session handles its process's output. Pure: each function decides within a step."""

from __future__ import annotations

from collections.abc import Sequence

from greenroomd.domain.decision.live import Ending, Purpose
from greenroomd.domain.decision.step import Step
from greenroomd.domain.frames.api_reports import ApiRetried, PlanLimitsTold
from greenroomd.domain.frames.background_frames import (
    BackgroundTasksChanged,
    TaskBegan,
    TaskChanged,
    TaskReported,
    TimerCleared,
    TimerSet,
    TimersListed,
)
from greenroomd.domain.frames.frame import Frame, StderrWritten
from greenroomd.domain.frames.message_frames import AssistantSpoke, Delta, UserEchoed
from greenroomd.domain.frames.setting_frames import ModelSwitched, PermissionModeTold, TurnInitialized
from greenroomd.domain.frames.tool_frames import PermissionAsked, PermissionWithdrawn
from greenroomd.domain.frames.turn_frames import (
    Activity,
    ActivityChanged,
    ConversationReset,
    MessageProgressed,
    PromptRefused,
    RequestProgressed,
    TurnResult,
)
from greenroomd.domain.lifecycle import approval_flow, book, mode_tracking, plan_usage, turn_queue
from greenroomd.domain.lifecycle.background_work import background_tasks, timers
from greenroomd.domain.lifecycle.limits import api_retries, budget, output_limit
from greenroomd.domain.lifecycle.messages import partial_messages
from greenroomd.domain.lifecycle.messages.frame_events import event_for
from greenroomd.domain.lifecycle.process import capability_tracking, waking
from greenroomd.domain.lifecycle.process.process_end import end_for
from greenroomd.domain.turn import Problem, TurnKind


def said(step: Step, frames: Sequence[Frame]) -> None:
    """Handle frames from the process."""
    _hear(step, frames)
    book.write_up(step)


def _hear(step: Step, frames: Sequence[Frame]) -> None:
    for frame in frames:
        if not _same_conversation(step, frame):
            return
        waking.look(step, frame)
        partial_messages.follow(step, frame)
        turn = step.live.turn
        call = partial_messages.call_of(step, frame)
        step.emit(event_for(frame, turn_id=turn.turn_id if turn else "", at=step.at, call=call))
        capability_tracking.follow(step, frame)
        _follow(step, frame)
        output_limit.count_output(step, frame)
    if not all(isinstance(frame, StderrWritten) for frame in frames):  # it may complain while it hangs
        step.update_live(heard_at=step.moment)
    if step.live.turn is not None:
        step.update_session(last_active_time=step.at)


def _follow(step: Step, frame: Frame) -> None:
    match frame:
        case UserEchoed():
            _track_tools(step, frame)
            book.agent_ended(step, frame)
        case AssistantSpoke():
            _track_tools(step, frame)
            _note_model(step, frame)
            book.message_seen(step, frame)
            budget.stop_turn(step, frame)
            api_retries.answered(step, frame)
        case Delta() | RequestProgressed() | ApiRetried() | PlanLimitsTold():
            _follow_api(step, frame)
        case TurnResult():
            _take_result(step, frame)
        case ActivityChanged(activity=activity):
            _change_activity(step, activity)
        case PromptRefused(reason=reason):
            message = reason or "a hook refused the prompt"
            step.update_live(refusal=Problem(reason="PROMPT_REFUSED", message=message))
        case TurnInitialized() | PermissionModeTold() | ModelSwitched():
            mode_tracking.told(step, frame)
        case PermissionAsked() | PermissionWithdrawn():
            _follow_permission(step, frame)
        case _:
            _follow_tasks(step, frame)


def _follow_permission(step: Step, frame: PermissionAsked | PermissionWithdrawn) -> None:
    match frame:
        case PermissionAsked():
            approval_flow.ask(step, frame)
        case PermissionWithdrawn():
            approval_flow.cancel(step, frame.request_id)


def _follow_tasks(step: Step, frame: Frame) -> None:
    match frame:
        case BackgroundTasksChanged() | TaskBegan() | TaskChanged() | TaskReported():
            if isinstance(frame, BackgroundTasksChanged):
                step.update_live(agents=frame.agents)
            background_tasks.follow(step, frame)
        case TimerSet() | TimerCleared() | TimersListed():
            timers.follow(step, frame)
        case MessageProgressed() if frame.wakeup and frame.progress == "started":
            timers.fired(step)


def _track_tools(step: Step, frame: AssistantSpoke | UserEchoed) -> None:
    called = {str(block.get("id", "")) for block in frame.blocks if block.get("type") == "tool_use"}
    done = {str(block.get("tool_use_id", "")) for block in frame.blocks if block.get("type") == "tool_result"}
    if called or done:
        step.update_live(open_tools=(step.live.open_tools | called) - done)


def _follow_api(step: Step, frame: Delta | RequestProgressed | ApiRetried | PlanLimitsTold) -> None:
    match frame:
        case RequestProgressed():
            book.message_seen(step, frame)
        case Delta():
            api_retries.answered(step, frame)
        case ApiRetried():
            api_retries.retried(step, frame)
        case PlanLimitsTold():
            plan_usage.told(step, frame)


def _note_model(step: Step, frame: AssistantSpoke) -> None:
    models = step.live.turn_models
    if not frame.synthetic and not frame.parent_tool_use_id and frame.model not in ("", *models):
        step.update_live(turn_models=(*models, frame.model))


def _take_result(step: Step, frame: TurnResult) -> None:
    turn = step.live.turn
    book.result_told(step, frame)
    if turn is None:  # it answers no prompt: a background task has ended
        return
    step.update_live(turn_rounds=step.live.turn_rounds + frame.num_turns)
    own = turn.turn_id in frame.message_uuids or turn.kind is TurnKind.UNPROMPTED
    if own or step.live.result is not None:
        # A later one, which answers no prompt, is the answer to what the turn's agents have found.
        step.update_live(result=frame)
        if frame.succeeded:  # the CLI has written the whole turn to its transcript by now
            step.update_session(conversation=True)


def _change_activity(step: Step, activity: Activity) -> None:
    step.update_live(busy=activity is not Activity.IDLE)
    turn = step.live.turn
    if activity is not Activity.IDLE:
        return
    background_tasks.open_listed(step)
    if turn is None or turn.kind is TurnKind.UNPROMPTED or step.live.result is not None:
        turn_queue.end_answered(step)
        budget.enforce(step)
        turn_queue.rest(step)


def _same_conversation(step: Step, frame: Frame) -> bool:
    """Return whether a frame belongs to the session's conversation; if not, end the process."""
    if isinstance(frame, ConversationReset):
        step.update_live(resetting=True)
    if not frame.cli_session_id or frame.cli_session_id == step.session.cli_session_id:
        return True
    if step.live.resetting:
        step.update_live(resetting=False)
        step.update_session(cli_session_id=frame.cli_session_id)
        return True
    if step.live.ending is None:
        message = f"the process runs conversation {frame.cli_session_id}, not {step.session.cli_session_id}"
        end_for(
            step,
            Ending(
                purpose=Purpose.FAIL,
                error=Problem(
                    reason="CONVERSATION_LOST",
                    message=message,
                    facts={"cli_session_id": step.session.cli_session_id},
                ),
            ),
        )
    return False
