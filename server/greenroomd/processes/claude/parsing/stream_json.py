"""The CLI's stream-json in both directions: one line in, one value out. Pure; parsing never raises.

Shapes: the CLI 2.1.330 as observed. Fields come and go between versions, so a field that is missing or of another type
counts as empty, and a frame of an unknown type becomes SystemNoted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from greenroomd.domain.config import JsonObject
from greenroomd.domain.costs.usage import Usage
from greenroomd.domain.frames.frame import Frame, Garbage, StreamMarker, SystemNoted
from greenroomd.domain.frames.message_frames import AssistantSpoke, UserEchoed
from greenroomd.domain.frames.tool_frames import PermissionAsked, PermissionWithdrawn, ToolProgressed
from greenroomd.domain.frames.turn_frames import ConversationReset, MessageProgressed
from greenroomd.processes.claude.parsing.api_frames import plan_limits_told
from greenroomd.processes.claude.parsing.framing import Overlong
from greenroomd.processes.claude.parsing.json_fields import blocks, json_object, json_objects, number, text
from greenroomd.processes.claude.parsing.request_usage import tokens_of
from greenroomd.processes.claude.parsing.result_frame import result
from greenroomd.processes.claude.parsing.stream_events import stream_event
from greenroomd.processes.claude.parsing.system_frames import noted, system


@dataclass(frozen=True, slots=True)
class ControlAnswer:
    """`control_response`: the CLI's answer to one of our requests. `error` is "" on success."""

    request_id: str
    response: JsonObject
    error: str = ""


@dataclass(frozen=True, slots=True)
class ControlAsked:
    """A `control_request` other than a permission request: nothing here serves it, but it must be answered."""

    request_id: str
    noted: SystemNoted


def encode(message: JsonObject) -> bytes:
    """Return a message as one line with its newline. ASCII only, so that nothing in it can be taken for a newline.

    Raises ValueError for values that JSON does not have: one malformed line ends the CLI.
    """
    return json.dumps(message, separators=(",", ":"), allow_nan=False).encode("ascii") + b"\n"


def parse(line: bytes | Overlong) -> Frame | ControlAnswer | ControlAsked:
    """Parse one line."""
    if isinstance(line, Overlong):
        return Garbage(raw=line.beginning, reason="line too long")
    try:
        message = json.loads(line.decode())
        if b"\\ud" in line or b"\\uD" in line:
            message = _without_lone_surrogates(message)
    except (ValueError, RecursionError) as error:
        return Garbage(raw=line, reason=f"not JSON: {type(error).__name__}")
    if not isinstance(message, dict):
        return Garbage(raw=line, reason="not a JSON object")
    read = _READERS.get(text(message.get("type")), noted)
    return read(line, message)


def _assistant(raw: bytes, message: JsonObject) -> Frame:
    spoken = json_object(message.get("message"))
    return AssistantSpoke(
        raw=raw,
        cli_session_id=text(message.get("session_id")),
        message_id=text(spoken.get("id")),
        model=text(spoken.get("model")),
        blocks=blocks(spoken.get("content")),
        parent_tool_use_id=text(message.get("parent_tool_use_id")),
        usage=tokens_of(spoken.get("usage")),
        ended=bool(spoken.get("stop_reason")),
        api_error=text(message.get("error")),
        request_id=text(message.get("request_id")),
    )


def _user(raw: bytes, message: JsonObject) -> Frame:
    told = json_object(message.get("tool_use_result"))
    return UserEchoed(
        raw=raw,
        cli_session_id=text(message.get("session_id")),
        blocks=blocks(json_object(message.get("message")).get("content")),
        parent_tool_use_id=text(message.get("parent_tool_use_id")),
        synthetic=message.get("isSynthetic") is True,
        replay=message.get("isReplay") is True,
        outcome=told,
        agent_usage=tokens_of(told.get("usage")) if text(told.get("agentId")) else Usage(),
        agent_model=text(told.get("resolvedModel")),
    )


def _tool_progress(raw: bytes, message: JsonObject) -> Frame:
    """Read a sign of life of a tool; one that says more than that is kept as it is."""
    called_by = text(message.get("parent_tool_use_id"))
    if message.get("heartbeat") is not True or not called_by:
        return noted(raw, message)
    return ToolProgressed(
        raw=raw,
        cli_session_id=text(message.get("session_id")),
        tool_use_id=called_by,
        tool_name=text(message.get("tool_name")),
        elapsed_seconds=number(message.get("elapsed_time_seconds")),
    )


def _control_request(raw: bytes, message: JsonObject) -> Frame | ControlAsked:
    request = json_object(message.get("request"))
    request_id = text(message.get("request_id"))
    if request.get("subtype") != "can_use_tool":
        subtype = text(request.get("subtype"))
        return ControlAsked(request_id, SystemNoted(raw=raw, type="control_request", subtype=subtype))
    return PermissionAsked(
        raw=raw,
        cli_session_id=text(message.get("session_id")),
        request_id=request_id,
        tool_name=text(request.get("tool_name")),
        tool_use_id=text(request.get("tool_use_id")),
        tool_input=json_object(request.get("input")),
        display_name=text(request.get("display_name")),
        description=text(request.get("description")),
        blocked_path=text(request.get("blocked_path")),
        requires_user_interaction=request.get("requires_user_interaction") is True,
        suggestions=json_objects(request.get("permission_suggestions")),
    )


def _control_cancel(raw: bytes, message: JsonObject) -> Frame:
    return PermissionWithdrawn(raw=raw, request_id=text(message.get("request_id")))


def _control_response(_raw: bytes, message: JsonObject) -> ControlAnswer:
    response = json_object(message.get("response"))
    error = text(response.get("error")) or "refused" if response.get("subtype") == "error" else ""
    return ControlAnswer(text(response.get("request_id")), json_object(response.get("response")), error)


def _lifecycle(raw: bytes, message: JsonObject) -> Frame:
    return MessageProgressed(
        raw=raw,
        cli_session_id=text(message.get("session_id")),
        message_uuid=text(message.get("command_uuid")),
        progress=text(message.get("state")),
        wakeup=text(message.get("wakeup_source")),
    )


def _reset(raw: bytes, message: JsonObject) -> Frame:
    return ConversationReset(raw=raw, cli_session_id=text(message.get("session_id")))


def _alive(raw: bytes, _message: JsonObject) -> Frame:
    return StreamMarker(raw=raw)


_READERS: Mapping[str, Callable[[bytes, JsonObject], Frame | ControlAnswer | ControlAsked]] = {
    "assistant": _assistant,
    "user": _user,
    "stream_event": stream_event,
    "tool_progress": _tool_progress,
    "result": result,
    "system": system,
    "control_request": _control_request,
    "control_cancel_request": _control_cancel,
    "control_response": _control_response,
    "command_lifecycle": _lifecycle,
    "conversation_reset": _reset,
    "keep_alive": _alive,
    "rate_limit_event": plan_limits_told,
}


def _without_lone_surrogates(value: Any) -> Any:
    """Replace lone surrogates: JSON can contain them and JavaScript writes them, but UTF-8 cannot."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, list):
        return [_without_lone_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_without_lone_surrogates(key): _without_lone_surrogates(item) for key, item in value.items()}
    return value
