"""Reads `stream_event` lines: a message of the model while it is written, as the API streams it."""

from __future__ import annotations

from greenroomd.domain.config import JsonObject
from greenroomd.domain.frames.frame import Frame, StreamMarker
from greenroomd.domain.frames.message_frames import Delta, DeltaKind, MessageAbandoned, ToolInputBegan
from greenroomd.processes.claude.parsing.json_fields import json_object, text, whole
from greenroomd.processes.claude.parsing.request_usage import request_progress

_DELTAS = {
    "text_delta": (DeltaKind.TEXT, "text"),
    "thinking_delta": (DeltaKind.THINKING, "thinking"),
    "input_json_delta": (DeltaKind.TOOL_INPUT, "partial_json"),
}


def stream_event(raw: bytes, message: JsonObject) -> Frame:
    """Read a `stream_event` line; one that adds nothing to the message becomes StreamMarker."""
    event = json_object(message.get("event"))
    session = text(message.get("session_id"))
    message_id = text(message.get("api_message_id"))
    parent = text(message.get("parent_tool_use_id"))
    delta = json_object(event.get("delta"))
    block = json_object(event.get("content_block"))
    match event.get("type"):
        case "content_block_delta" if known := _DELTAS.get(text(delta.get("type"))):
            kind, field = known
            return Delta(
                raw=raw,
                cli_session_id=session,
                kind=kind,
                text=text(delta.get(field)),
                block_index=whole(event.get("index")),
                message_id=message_id,
                parent_tool_use_id=parent,
            )
        case "content_block_start" if block.get("type") == "tool_use":
            return ToolInputBegan(
                raw=raw,
                cli_session_id=session,
                tool_use_id=text(block.get("id")),
                tool_name=text(block.get("name")),
                block_index=whole(event.get("index")),
                message_id=message_id,
                parent_tool_use_id=parent,
            )
        case "message_stop" if message.get("abandoned_blocks"):
            return MessageAbandoned(
                raw=raw, cli_session_id=session, message_id=message_id, parent_tool_use_id=parent
            )
        case _:
            return request_progress(raw, message) or StreamMarker(raw=raw, cli_session_id=session)
