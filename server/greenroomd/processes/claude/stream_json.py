"""The CLI's stream-json in both directions: one line in, one value out. Pure; parsing never raises.

Shapes: the CLI 2.1.330 as observed. Fields come and go between versions, so a field that is missing or of another type
counts as empty, and a frame of an unknown type becomes SystemNoted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from greenroomd.domain.config import JsonObject
from greenroomd.domain.frames import (
    Activity,
    ActivityChanged,
    AssistantSpoke,
    BackgroundTasksChanged,
    ConversationReset,
    Delta,
    DeltaKind,
    Frame,
    Garbage,
    MessageProgressed,
    PermissionAsked,
    PermissionWithdrawn,
    PromptRefused,
    StreamMarker,
    SystemNoted,
    TurnInitialized,
    TurnResult,
    UserEchoed,
)
from greenroomd.domain.turn import Usage
from greenroomd.processes.claude.framing import Overlong


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
    read = _READERS.get(_text(message.get("type")), _noted)
    return read(line, message)


def _assistant(raw: bytes, message: JsonObject) -> Frame:
    spoken = _object(message.get("message"))
    return AssistantSpoke(
        raw=raw,
        cli_session_id=_text(message.get("session_id")),
        message_id=_text(spoken.get("id")),
        model=_text(spoken.get("model")),
        blocks=_blocks(spoken.get("content")),
        parent_tool_use_id=_text(message.get("parent_tool_use_id")),
    )


def _user(raw: bytes, message: JsonObject) -> Frame:
    return UserEchoed(
        raw=raw,
        cli_session_id=_text(message.get("session_id")),
        blocks=_blocks(_object(message.get("message")).get("content")),
        parent_tool_use_id=_text(message.get("parent_tool_use_id")),
        synthetic=message.get("isSynthetic") is True,
        replay=message.get("isReplay") is True,
    )


def _stream_event(raw: bytes, message: JsonObject) -> Frame:
    event = _object(message.get("event"))
    delta = _object(event.get("delta"))
    known = _DELTAS.get(_text(delta.get("type"))) if event.get("type") == "content_block_delta" else None
    session = _text(message.get("session_id"))
    if known is None:
        return StreamMarker(raw=raw, cli_session_id=session)
    kind, field = known
    return Delta(
        raw=raw,
        cli_session_id=session,
        kind=kind,
        text=_text(delta.get(field)),
        block_index=_whole(event.get("index")),
        message_id=_text(message.get("api_message_id")),
        parent_tool_use_id=_text(message.get("parent_tool_use_id")),
    )


def _result(raw: bytes, message: JsonObject) -> Frame:
    status = message.get("api_error_status")
    uuids = _texts(message.get("user_message_uuids")) or _texts([message.get("user_message_uuid")])
    return TurnResult(
        raw=raw,
        cli_session_id=_text(message.get("session_id")),
        subtype=_text(message.get("subtype")),
        is_error=message.get("is_error") is True,
        terminal_reason=_text(message.get("terminal_reason")),
        text=_text(message.get("result")),
        errors=_texts(message.get("errors")),
        stop_reason=_text(message.get("stop_reason")),
        api_error_status=_whole(status) if status is not None else None,
        num_turns=_whole(message.get("num_turns")),
        usage=_usage(message),
        total_cost_usd=_number(message.get("total_cost_usd")),
        message_uuids=uuids,
        own_cost_usd=_cost(message.get("model_usage_since_last_result")),
    )


def _usage(message: JsonObject) -> Usage:
    """Return the tokens since the last result: `usage` alone has only those of the main conversation."""
    used = [_object(each) for each in _object(message.get("model_usage_since_last_result")).values()]
    if any("inputTokens" in each for each in used):
        return Usage(
            input_tokens=sum(_whole(each.get("inputTokens")) for each in used),
            output_tokens=sum(_whole(each.get("outputTokens")) for each in used),
            cache_creation_tokens=sum(_whole(each.get("cacheCreationInputTokens")) for each in used),
            cache_read_tokens=sum(_whole(each.get("cacheReadInputTokens")) for each in used),
        )
    usage = _object(message.get("usage"))
    return Usage(
        input_tokens=_whole(usage.get("input_tokens")),
        output_tokens=_whole(usage.get("output_tokens")),
        cache_creation_tokens=_whole(usage.get("cache_creation_input_tokens")),
        cache_read_tokens=_whole(usage.get("cache_read_input_tokens")),
    )


def _cost(usage_by_model: Any) -> float | None:
    if not isinstance(usage_by_model, dict):
        return None
    return max(0.0, sum(_number(_object(usage).get("costUSD")) for usage in usage_by_model.values()))


def _system(raw: bytes, message: JsonObject) -> Frame:
    subtype = message.get("subtype")
    session = _text(message.get("session_id"))
    if subtype == "session_state_changed" and message.get("state") in _ACTIVITIES:
        return ActivityChanged(raw=raw, cli_session_id=session, activity=Activity(message["state"]))
    if subtype == "background_tasks_changed":
        tasks = _objects(message.get("tasks"))
        agents = frozenset(
            _text(task.get("task_id")) for task in tasks if task.get("task_type") != "local_bash"
        )
        return BackgroundTasksChanged(raw=raw, cli_session_id=session, agents=agents)
    if subtype == "init":
        return TurnInitialized(
            raw=raw,
            cli_session_id=session,
            model=_text(message.get("model")),
            permission_mode=_text(message.get("permissionMode")),
            cwd=_text(message.get("cwd")),
            cli_version=_text(message.get("claude_code_version")),
        )
    if subtype == "thinking_tokens" or (subtype == "status" and message.get("status") == "requesting"):
        return StreamMarker(raw=raw, cli_session_id=session)
    if isinstance(outcome := message.get("prompt_submit_outcome"), dict):
        return PromptRefused(
            raw=raw,
            cli_session_id=session,
            type=_text(message.get("type")),
            subtype=_text(subtype),
            reason=_text(outcome.get("reason")),
        )
    return _noted(raw, message)


def _control_request(raw: bytes, message: JsonObject) -> Frame | ControlAsked:
    request = _object(message.get("request"))
    request_id = _text(message.get("request_id"))
    if request.get("subtype") != "can_use_tool":
        subtype = _text(request.get("subtype"))
        return ControlAsked(request_id, SystemNoted(raw=raw, type="control_request", subtype=subtype))
    return PermissionAsked(
        raw=raw,
        cli_session_id=_text(message.get("session_id")),
        request_id=request_id,
        tool_name=_text(request.get("tool_name")),
        tool_use_id=_text(request.get("tool_use_id")),
        tool_input=_object(request.get("input")),
        display_name=_text(request.get("display_name")),
        description=_text(request.get("description")),
        blocked_path=_text(request.get("blocked_path")),
        requires_user_interaction=request.get("requires_user_interaction") is True,
        suggestions=_objects(request.get("permission_suggestions")),
    )


def _control_cancel(raw: bytes, message: JsonObject) -> Frame:
    return PermissionWithdrawn(raw=raw, request_id=_text(message.get("request_id")))


def _control_response(_raw: bytes, message: JsonObject) -> ControlAnswer:
    response = _object(message.get("response"))
    error = _text(response.get("error")) or "refused" if response.get("subtype") == "error" else ""
    return ControlAnswer(_text(response.get("request_id")), _object(response.get("response")), error)


def _lifecycle(raw: bytes, message: JsonObject) -> Frame:
    return MessageProgressed(
        raw=raw,
        cli_session_id=_text(message.get("session_id")),
        message_uuid=_text(message.get("command_uuid")),
        progress=_text(message.get("state")),
    )


def _reset(raw: bytes, message: JsonObject) -> Frame:
    return ConversationReset(raw=raw, cli_session_id=_text(message.get("session_id")))


def _alive(raw: bytes, _message: JsonObject) -> Frame:
    return StreamMarker(raw=raw)


def _noted(raw: bytes, message: JsonObject) -> Frame:
    return SystemNoted(
        raw=raw,
        cli_session_id=_text(message.get("session_id")),
        type=_text(message.get("type")),
        subtype=_text(message.get("subtype")),
    )


_READERS: Mapping[str, Callable[[bytes, JsonObject], Frame | ControlAnswer | ControlAsked]] = {
    "assistant": _assistant,
    "user": _user,
    "stream_event": _stream_event,
    "result": _result,
    "system": _system,
    "control_request": _control_request,
    "control_cancel_request": _control_cancel,
    "control_response": _control_response,
    "command_lifecycle": _lifecycle,
    "conversation_reset": _reset,
    "keep_alive": _alive,
}
_DELTAS = {
    "text_delta": (DeltaKind.TEXT, "text"),
    "thinking_delta": (DeltaKind.THINKING, "thinking"),
    "input_json_delta": (DeltaKind.TOOL_INPUT, "partial_json"),
}
_ACTIVITIES = tuple(Activity)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _whole(value: Any) -> int:
    return int(_number(value))


def _number(value: Any) -> float:
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return value if known and abs(value) < 2**63 else 0  # not NaN, nor a number too large for a column


def _object(value: Any) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> Sequence[JsonObject]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _texts(value: Any) -> Sequence[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _blocks(content: Any) -> Sequence[JsonObject]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else _objects(content)


def _without_lone_surrogates(value: Any) -> Any:
    """Replace lone surrogates: JSON can contain them and JavaScript writes them, but UTF-8 cannot."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, list):
        return [_without_lone_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_without_lone_surrogates(key): _without_lone_surrogates(item) for key, item in value.items()}
    return value
