"""Takes back the pieces of messages that will never be finished. Pure: each function decides within a step.

A message is written in pieces, and then told as a whole. If the connection to the model's API breaks in between, the
CLI asks again, and the same words come under another id. An interrupt or the end of the process breaks one off too.
"""

from __future__ import annotations

from greenroomd.domain.decision.step import Step
from greenroomd.domain.event_payloads import MessageRetracted
from greenroomd.domain.events import Event, EventType
from greenroomd.domain.frames.frame import Frame
from greenroomd.domain.frames.message_frames import (
    AssistantSpoke,
    Delta,
    DeltaKind,
    MessageAbandoned,
    ToolInputBegan,
)


def follow(step: Step, frame: Frame) -> None:
    """Note which message is being written, and retract one that the frame shows to be given up.

    Call it before the frame's own event is emitted, so that a retraction comes before the first piece of what follows.
    """
    match frame:
        case Delta():
            _began(step, frame.parent_tool_use_id, frame.message_id)
        case ToolInputBegan():
            _began(step, frame.parent_tool_use_id, frame.message_id)
            step.update_live(writing={**step.live.writing, frame.parent_tool_use_id: frame})
        case AssistantSpoke():
            _told(step, frame.parent_tool_use_id, frame.message_id)
        case MessageAbandoned():
            if step.live.unfinished.get(frame.parent_tool_use_id) == frame.message_id:
                _retract(step, frame.parent_tool_use_id)


def call_of(step: Step, frame: Frame) -> ToolInputBegan | None:
    """Return the tool call that a piece of input belongs to; None if it is unknown, or for any other frame."""
    if not isinstance(frame, Delta) or frame.kind is not DeltaKind.TOOL_INPUT:
        return None
    call = step.live.writing.get(frame.parent_tool_use_id)
    same = call is not None and (call.message_id, call.block_index) == (frame.message_id, frame.block_index)
    return call if same else None


def retract_all(step: Step) -> None:
    """Retract every message that is not finished: nothing will be written any more."""
    for conversation in step.live.unfinished:
        _retract(step, conversation)
    if step.live.writing:
        step.update_live(writing={})


def _began(step: Step, conversation: str, message_id: str) -> None:
    unfinished = step.live.unfinished.get(conversation)
    if unfinished == message_id or not message_id:
        return
    if unfinished is not None:
        _retract(step, conversation)
    step.update_live(unfinished={**step.live.unfinished, conversation: message_id})


def _told(step: Step, conversation: str, message_id: str) -> None:
    """Note that a whole block has come, which repeats all pieces so far if they are of the same message."""
    unfinished = step.live.unfinished.get(conversation)
    if unfinished is None:
        return
    if unfinished != message_id:
        _retract(step, conversation)
    else:
        _forget(step, conversation)


def _retract(step: Step, conversation: str) -> None:
    payload = MessageRetracted(message_id=step.live.unfinished[conversation], parent_tool_use_id=conversation)
    turn = step.live.turn
    step.emit(
        Event(
            type=EventType.MESSAGE_RETRACTED,
            time=step.at,
            turn_id=turn.turn_id if turn else "",
            payload=payload,
        )
    )
    _forget(step, conversation)


def _forget(step: Step, conversation: str) -> None:
    kept = {key: each for key, each in step.live.unfinished.items() if key != conversation}
    step.update_live(unfinished=kept)
