import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenroomd.domain.costs.usage import Usage
from greenroomd.domain.frames.frame import Frame, Garbage, StreamMarker, SystemNoted
from greenroomd.domain.frames.message_frames import AssistantSpoke, Delta, DeltaKind, UserEchoed
from greenroomd.domain.frames.setting_frames import ModelSwitched, PermissionModeTold, TurnInitialized
from greenroomd.domain.frames.tool_frames import PermissionAsked, PermissionWithdrawn
from greenroomd.domain.frames.turn_frames import (
    Activity,
    ActivityChanged,
    ConversationReset,
    MessageProgressed,
    TurnResult,
)
from greenroomd.processes.claude.parsing.framing import Overlong
from greenroomd.processes.claude.parsing.stream_json import ControlAnswer, ControlAsked, encode, parse

SESSION = "7d7a3c3e-8a3c-4b43-9b0e-0d4c4f0f6a10"


def line(**message: Any) -> bytes:
    return json.dumps({**message, "session_id": SESSION}).encode()


def test_assistant() -> None:
    raw = line(
        type="assistant",
        message={"id": "msg_1", "model": "<synthetic>", "content": [{"type": "text", "text": "oh"}]},
        parent_tool_use_id="toolu_1",
    )
    frame = parse(raw)
    assert frame == AssistantSpoke(
        raw=raw,
        cli_session_id=SESSION,
        message_id="msg_1",
        model="<synthetic>",
        blocks=[{"type": "text", "text": "oh"}],
        parent_tool_use_id="toolu_1",
    )
    assert frame.synthetic


def test_user() -> None:
    block = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "x"}
    raw = line(type="user", message={"content": [block]}, isSynthetic=True)
    assert parse(raw) == UserEchoed(raw=raw, cli_session_id=SESSION, blocks=[block], synthetic=True)


def test_user_with_plain_text_becomes_one_block() -> None:
    raw = line(type="user", message={"content": "again"}, isReplay=True)
    blocks = [{"type": "text", "text": "again"}]
    assert parse(raw) == UserEchoed(raw=raw, cli_session_id=SESSION, blocks=blocks, replay=True)


@pytest.mark.parametrize(
    ("delta", "kind", "text"),
    [
        ({"type": "text_delta", "text": "a"}, DeltaKind.TEXT, "a"),
        ({"type": "thinking_delta", "thinking": "b"}, DeltaKind.THINKING, "b"),
        ({"type": "input_json_delta", "partial_json": '{"c'}, DeltaKind.TOOL_INPUT, '{"c'),
    ],
)
def test_delta(delta: dict[str, str], kind: DeltaKind, text: str) -> None:
    event = {"type": "content_block_delta", "index": 2, "delta": delta}
    raw = line(type="stream_event", event=event, api_message_id="msg_1")
    assert parse(raw) == Delta(
        raw=raw, cli_session_id=SESSION, kind=kind, text=text, block_index=2, message_id="msg_1"
    )


@pytest.mark.parametrize(
    "message",
    [
        {"type": "stream_event", "event": {"type": "message_stop"}},
        {
            "type": "stream_event",
            "event": {"type": "content_block_delta", "delta": {"type": "signature_delta"}},
        },
        {"type": "system", "subtype": "status", "status": "requesting"},
        {"type": "system", "subtype": "thinking_tokens", "estimated_tokens": 2},
    ],
)
def test_signs_of_life(message: dict[str, Any]) -> None:
    raw = line(**message)
    assert parse(raw) == StreamMarker(raw=raw, cli_session_id=SESSION)


def test_keep_alive() -> None:
    assert parse(b'{"type":"keep_alive"}') == StreamMarker(raw=b'{"type":"keep_alive"}')


def test_result() -> None:
    raw = line(
        type="result",
        subtype="success",
        is_error=True,
        terminal_reason="api_error",
        result="API Error: 529",
        errors=None,
        stop_reason="stop_sequence",
        api_error_status=529,
        num_turns=2,
        usage={
            "input_tokens": 1,
            "output_tokens": 2,
            "cache_creation_input_tokens": 3,
            "cache_read_input_tokens": 4,
        },
        total_cost_usd=0.5,
        model_usage_since_last_result={"opus": {"costUSD": 0.25}, "haiku": {"costUSD": 0.125}},
        user_message_uuids=["u1", "u2"],
    )
    frame = parse(raw)
    assert frame == TurnResult(
        raw=raw,
        cli_session_id=SESSION,
        subtype="success",
        is_error=True,
        terminal_reason="api_error",
        text="API Error: 529",
        errors=[],
        stop_reason="stop_sequence",
        api_error_status=529,
        num_turns=2,
        usage=Usage(input_tokens=1, output_tokens=2, cache_creation_tokens=3, cache_read_tokens=4),
        total_cost_usd=0.5,
        message_uuids=["u1", "u2"],
        own_cost_usd=0.375,
    )
    assert not frame.succeeded
    assert frame.cost_after(0.4) == 0.375  # what the CLI says, not the difference


def test_result_that_nobody_asked_for() -> None:
    frame = parse(line(type="result", subtype="success", is_error=False))
    assert isinstance(frame, TurnResult)
    assert frame.message_uuids == []
    assert frame.api_error_status is None
    assert frame.succeeded
    assert frame.own_cost_usd is None


def test_result_of_one_message() -> None:
    frame = parse(line(type="result", user_message_uuid="u1"))
    assert isinstance(frame, TurnResult)
    assert frame.message_uuids == ["u1"]


@pytest.mark.parametrize("activity", Activity)
def test_activity(activity: Activity) -> None:
    raw = line(type="system", subtype="session_state_changed", state=activity.value)
    assert parse(raw) == ActivityChanged(raw=raw, cli_session_id=SESSION, activity=activity)


def test_an_activity_that_is_not_known_is_kept() -> None:
    raw = line(type="system", subtype="session_state_changed", state="dreaming")
    frame = SystemNoted(raw=raw, cli_session_id=SESSION, type="system", subtype="session_state_changed")
    assert parse(raw) == frame


def test_init() -> None:
    raw = line(
        type="system",
        subtype="init",
        model="m",
        permissionMode="plan",
        cwd="/w",
        claude_code_version="2.1.330",
    )
    assert parse(raw) == TurnInitialized(
        raw=raw, cli_session_id=SESSION, model="m", permission_mode="plan", cwd="/w", cli_version="2.1.330"
    )


def test_permission_question() -> None:
    request = {
        "subtype": "can_use_tool",
        "tool_name": "Bash",
        "input": {"command": "ls"},
        "tool_use_id": "toolu_1",
        "display_name": "Shell",
        "description": "list",
        "blocked_path": "/srv",
        "requires_user_interaction": True,
        "permission_suggestions": [{"type": "setMode"}],
    }
    raw = line(type="control_request", request_id="r1", request=request)
    assert parse(raw) == PermissionAsked(
        raw=raw,
        cli_session_id=SESSION,
        request_id="r1",
        tool_name="Bash",
        tool_use_id="toolu_1",
        tool_input={"command": "ls"},
        display_name="Shell",
        description="list",
        blocked_path="/srv",
        requires_user_interaction=True,
        suggestions=[{"type": "setMode"}],
    )


def test_other_control_traffic() -> None:
    cancel = b'{"type":"control_cancel_request","request_id":"r1"}'
    assert parse(cancel) == PermissionWithdrawn(raw=cancel, request_id="r1")
    hook = b'{"type":"control_request","request_id":"r2","request":{"subtype":"hook_callback"}}'
    noted = SystemNoted(raw=hook, type="control_request", subtype="hook_callback")
    assert parse(hook) == ControlAsked("r2", noted)
    success = {"subtype": "success", "request_id": "r3", "response": {"model": "m"}}
    assert parse(line(type="control_response", response=success)) == ControlAnswer("r3", {"model": "m"})
    error = {"subtype": "error", "request_id": "r4", "error": "no"}
    assert parse(line(type="control_response", response=error)) == ControlAnswer("r4", {}, "no")
    bare = {"subtype": "error", "request_id": "r5"}
    assert parse(line(type="control_response", response=bare)) == ControlAnswer("r5", {}, "refused")


def test_lifecycle_and_reset() -> None:
    raw = line(type="command_lifecycle", command_uuid="u1", state="started")
    frame = MessageProgressed(raw=raw, cli_session_id=SESSION, message_uuid="u1", progress="started")
    assert parse(raw) == frame
    raw = line(type="conversation_reset")
    assert parse(raw) == ConversationReset(raw=raw, cli_session_id=SESSION)


def test_what_is_not_known_is_kept() -> None:
    raw = line(type="weather_event", subtype="x")
    assert parse(raw) == SystemNoted(raw=raw, cli_session_id=SESSION, type="weather_event", subtype="x")


@pytest.mark.parametrize(
    "raw", [b"hello", b'{"type":', b"\xff\xfe", b"[" * 100_000, b"[1]", b"null", b"1" * 5000]
)
def test_what_is_no_object_is_garbage(raw: bytes) -> None:
    frame = parse(raw)
    assert isinstance(frame, Garbage)
    assert frame.raw == raw


def test_an_overlong_line_is_garbage_with_its_beginning() -> None:
    assert parse(Overlong(b"beg")) == Garbage(raw=b"beg", reason="line too long")


def test_half_a_character_becomes_one_that_utf_8_can_hold() -> None:
    frame = parse(
        rb'{"type":"assistant","message":{"content":[{"type":"text","text":"a\ud83db \ud83d\ude00"}]}}'
    )
    assert isinstance(frame, AssistantSpoke)
    assert frame.blocks[0]["text"] == "a?b \N{GRINNING FACE}"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
TYPES = ["assistant", "user", "stream_event", "result", "system", "control_request", "control_cancel_request"]
TYPES += ["control_response", "command_lifecycle", "conversation_reset", "keep_alive", "new"]
NAMES = ["message", "content", "event", "delta", "usage", "request", "response", "subtype", "state", "result"]
NAMES += [
    "type",
    "input",
    "num_turns",
    "total_cost_usd",
    "api_error_status",
    "user_message_uuids",
    "session_id",
]


@given(
    st.sampled_from(TYPES),
    st.dictionaries(st.sampled_from(NAMES), JSON | st.fixed_dictionaries({"content": JSON})),
)
def test_no_object_is_an_error(kind: str, fields: dict[str, Any]) -> None:
    raw = json.dumps({**fields, "type": kind}).encode()
    frame = parse(raw)
    assert isinstance(frame, Frame | ControlAnswer | ControlAsked)
    if isinstance(frame, Frame):
        assert frame.raw == raw


@given(st.binary())
def test_no_bytes_are_an_error(raw: bytes) -> None:
    assert isinstance(parse(raw), Frame | ControlAnswer | ControlAsked)


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.lists(st.text())))
def test_what_we_write_is_one_line_and_reads_back(message: dict[str, Any]) -> None:
    encoded = encode(message)
    assert encoded.endswith(b"\n")
    assert len(encoded.splitlines()) == 1
    assert json.loads(encoded) == message


def test_what_json_cannot_hold_is_refused_before_it_is_written() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        encode({"temperature": float("nan")})


def test_the_cli_says_its_permission_mode_and_another_model() -> None:
    raw = line(type="system", subtype="status", status=None, permissionMode="plan")
    assert parse(raw) == PermissionModeTold(
        raw=raw, cli_session_id=SESSION, type="system", subtype="status", permission_mode="plan"
    )
    switch = {"type": "system", "original_model": "opus", "fallback_model": "sonnet"}
    for subtype, lasting in (("model_fallback", False), ("model_refusal_fallback", True)):
        raw = line(**switch, subtype=subtype)
        assert parse(raw) == ModelSwitched(
            raw=raw, cli_session_id=SESSION, type="system", subtype=subtype, model="sonnet", lasting=lasting
        )
    of_a_subagent = parse(line(**switch, subtype="model_refusal_fallback", scope="local"))
    assert not isinstance(of_a_subagent, ModelSwitched)
