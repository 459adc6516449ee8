"""Turns frames that only pass by into ephemeral events: pieces of messages, and signs of life of tools. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from greenroomd.domain.event_payloads import (
    DeltaNoted,
    Payload,
    StderrNoted,
    ToolInputNoted,
    ToolOutputNoted,
    ToolProgressNoted,
)
from greenroomd.domain.events import Event, EventType
from greenroomd.domain.frames.frame import Frame, StderrWritten
from greenroomd.domain.frames.message_frames import Delta, DeltaKind, ToolInputBegan
from greenroomd.domain.frames.tool_frames import ToolOutputWritten, ToolProgressed

PIECES = (Delta, ToolInputBegan, ToolOutputWritten, ToolProgressed, StderrWritten)
"""The frames that become ephemeral events."""


def piece_event(frame: Frame, call: ToolInputBegan | None, *, turn_id: str, at: datetime) -> Event | None:
    """Return the event for one of PIECES; None for a piece of a tool's input whose `call` is not known."""
    found = _piece(frame, call)
    return None if found is None else Event(type=found[0], time=at, turn_id=turn_id, payload=found[1])


def _piece(frame: Frame, call: ToolInputBegan | None) -> tuple[EventType, Payload] | None:
    match frame:
        case Delta(kind=DeltaKind.TOOL_INPUT):
            return None if call is None else (EventType.TOOL_INPUT_DELTA, _input(call, frame.text))
        case Delta(kind=DeltaKind.THINKING):
            return EventType.THINKING_DELTA, _delta(frame)
        case Delta():
            return EventType.MESSAGE_DELTA, _delta(frame)
        case ToolInputBegan():
            return EventType.TOOL_INPUT_DELTA, _input(frame, "")
        case ToolOutputWritten(tool_use_id=tool_use_id, text=text):
            return EventType.TOOL_OUTPUT_DELTA, ToolOutputNoted(tool_use_id=tool_use_id, text=text)
        case ToolProgressed():
            return EventType.TOOL_PROGRESS, _progress(frame)
        case StderrWritten(text=text):
            return EventType.PROCESS_STDERR, StderrNoted(text=text)
    return None


def _delta(frame: Delta) -> DeltaNoted:
    return DeltaNoted(
        text=frame.text,
        block_index=frame.block_index,
        message_id=frame.message_id,
        parent_tool_use_id=frame.parent_tool_use_id,
    )


def _input(call: ToolInputBegan, partial_json: str) -> ToolInputNoted:
    return ToolInputNoted(
        partial_json=partial_json,
        tool_use_id=call.tool_use_id,
        tool_name=call.tool_name,
        block_index=call.block_index,
        message_id=call.message_id,
        parent_tool_use_id=call.parent_tool_use_id,
    )


def _progress(frame: ToolProgressed) -> ToolProgressNoted:
    return ToolProgressNoted(
        tool_use_id=frame.tool_use_id,
        tool_name=frame.tool_name,
        elapsed=timedelta(seconds=frame.elapsed_seconds),
        parent_tool_use_id=frame.parent_tool_use_id,
    )
