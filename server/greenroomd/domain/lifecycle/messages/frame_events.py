"""Turns frames of the CLI into events, and a result into the end of a turn. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from greenroomd.domain.api_failure import NO_FAILURE, ApiFailure
from greenroomd.domain.costs.usage import Usage
from greenroomd.domain.event_payloads import MessageNoted, SystemMessage, TurnNoted
from greenroomd.domain.events import Event, EventType
from greenroomd.domain.frames.background_frames import (
    BackgroundTasksChanged,
    TimerCleared,
    TimerSet,
    TimersListed,
)
from greenroomd.domain.frames.frame import Frame, Garbage, StreamMarker, SystemNoted
from greenroomd.domain.frames.message_frames import (
    AssistantSpoke,
    MessageAbandoned,
    ToolInputBegan,
    UserEchoed,
)
from greenroomd.domain.frames.setting_frames import TurnInitialized
from greenroomd.domain.frames.tool_frames import PermissionAsked, PermissionWithdrawn
from greenroomd.domain.frames.turn_frames import (
    ActivityChanged,
    ConversationReset,
    MessageProgressed,
    TurnResult,
)
from greenroomd.domain.lifecycle.messages.piece_events import PIECES, piece_event
from greenroomd.domain.turn import Problem, Turn, TurnState, aborted

# These only drive the supervisor; other events say the same better.
_NOT_PUBLISHED = (
    ActivityChanged,
    MessageAbandoned,
    MessageProgressed,
    PermissionAsked,
    PermissionWithdrawn,
    StreamMarker,
    TimerCleared,
    TimerSet,
    TimersListed,
)

_TURN_ENDS = {
    TurnState.COMPLETED: EventType.TURN_COMPLETED,
    TurnState.FAILED: EventType.TURN_FAILED,
    TurnState.INTERRUPTED: EventType.TURN_INTERRUPTED,
}

_REASONS = {"error_max_turns": "MAX_TURNS", "error_max_budget_usd": "BUDGET_EXHAUSTED"}


def event_for(
    frame: Frame, *, turn_id: str, at: datetime, call: ToolInputBegan | None = None
) -> Event | None:
    """Return the event for a frame; None for a frame that only drives the supervisor.

    `call` is the tool call that a piece of input belongs to, if that is known.
    """
    match frame:
        case _ if isinstance(frame, PIECES):
            return piece_event(frame, call, turn_id=turn_id, at=at)
        case AssistantSpoke():
            only_tools = bool(frame.blocks) and all(block.get("type") == "tool_use" for block in frame.blocks)
            return Event(
                type=EventType.MESSAGE_TOOL_USE if only_tools else EventType.MESSAGE_ASSISTANT,
                time=at,
                turn_id=turn_id,
                payload=MessageNoted(
                    blocks=frame.blocks,
                    raw=frame.raw,
                    message_id=frame.message_id,
                    model=frame.model,
                    parent_tool_use_id=frame.parent_tool_use_id,
                    synthetic=frame.synthetic,
                ),
            )
        case UserEchoed(replay=True):
            return None
        case UserEchoed():
            results = any(block.get("type") == "tool_result" for block in frame.blocks)
            return Event(
                type=EventType.MESSAGE_TOOL_RESULT if results else EventType.MESSAGE_USER,
                time=at,
                turn_id=turn_id,
                payload=MessageNoted(
                    blocks=frame.blocks,
                    raw=frame.raw,
                    parent_tool_use_id=frame.parent_tool_use_id,
                    synthetic=frame.synthetic,
                ),
            )
        case _ if isinstance(frame, _NOT_PUBLISHED):
            return None
        case _:
            return _system(frame, turn_id, at)


def _system(frame: Frame, turn_id: str, at: datetime) -> Event:
    match frame:
        case TurnInitialized():
            names = "system", "init"
        case TurnResult():
            names = "result", frame.subtype
        case ConversationReset():
            names = "conversation_reset", ""
        case SystemNoted():
            names = frame.type, frame.subtype
        case BackgroundTasksChanged():
            names = "system", "background_tasks_changed"
        case Garbage():
            names = "garbage", frame.reason
        case _:
            names = type(frame).__name__, ""
    payload = SystemMessage(type=names[0], subtype=names[1], raw=frame.raw)
    return Event(type=EventType.MESSAGE_SYSTEM, time=at, turn_id=turn_id, payload=payload)


def prompted(turn: Turn, *, at: datetime) -> Event:
    """Return the event for the turn's prompt."""
    blocks = turn.content or ({"type": "text", "text": turn.prompt},)
    payload = MessageNoted(blocks=blocks, message_id=turn.turn_id)
    return Event(
        type=EventType.MESSAGE_USER, time=at, turn_id=turn.turn_id, actor=turn.actor, payload=payload
    )


def answered(
    turn: Turn,
    result: TurnResult,
    *,
    rounds: int,
    at: datetime,
    cause: Problem | None,
    refusal: Problem | None = None,
    failure: ApiFailure = NO_FAILURE,
    cut: bool = False,
) -> Turn:
    """Return the turn as its last result ends it.

    `cause` is why we interrupted it, `refusal` why a hook refused its prompt; each is None if that did not happen.
    `failure` is what the CLI has told of the last failed request to the API.
    `rounds` are those of all its results. `cut` says that the interrupt stopped work in the background,
    which a result that had come before does not know.
    """
    state, error = TurnState.COMPLETED, None
    if result.aborted:
        state = TurnState.INTERRUPTED
        error = cause or Problem(reason="TURN_INTERRUPTED", message="the CLI stopped the turn")
    elif refusal is not None:  # the result is a success with the words of the hook
        state, error = TurnState.FAILED, refusal
    elif result.terminal_reason == "hook_stopped":
        state, error = TurnState.FAILED, Problem(reason="HOOK_STOPPED", message="a hook stopped the turn")
    elif not result.succeeded:
        state, error = TurnState.FAILED, _failure(result, failure, at)
    if cut and state is TurnState.COMPLETED:
        state, error = TurnState.INTERRUPTED, cause
    if cause is not None and cause.reason != "TURN_INTERRUPTED" and state is not TurnState.COMPLETED:
        state, error = TurnState.FAILED, cause
    return replace(
        turn,
        state=state,
        error=error,
        result_text=result.text if state is TurnState.COMPLETED else "",
        stop_reason=result.stop_reason,
        rounds=rounds,
        side_effects_unknown=cut,
        end_time=at,
    )


def without_result(turn: Turn, *, cause: Problem | None, at: datetime) -> Turn:
    """Return a turn that the CLI began, and ended without a result; `cause` is why we interrupted it, if we did."""
    if cause is not None:
        return aborted(turn, at=at, error=cause)
    return replace(turn, state=TurnState.COMPLETED, usage=Usage(turns=1), end_time=at)


def _failure(result: TurnResult, failure: ApiFailure, at: datetime) -> Problem:
    """Return why a turn failed. An API error has subtype `success` and its text in `result`."""
    if result.terminal_reason == "api_error" or result.subtype == "success":
        status = f" (status {result.api_error_status})" if result.api_error_status else ""
        message = (result.text or "the model API failed") + status
        return replace(failure, status=result.api_error_status or None).problem(message, at=at)
    detail = "; ".join(result.errors) or result.text
    reason = _REASONS.get(result.subtype, "TURN_FAILED")
    return Problem(reason=reason, message=f"{result.subtype}: {detail}" if detail else result.subtype)


def turn_event(turn: Turn, *, at: datetime, actor: str = "") -> Event:
    """Return the event for the state that a turn has just reached."""
    kind = _TURN_ENDS.get(turn.state)
    if kind is None:
        kind = EventType.TURN_QUEUED if turn.state is TurnState.QUEUED else EventType.TURN_STARTED
    return Event(type=kind, time=at, turn_id=turn.turn_id, actor=actor, payload=TurnNoted(turn=turn))
