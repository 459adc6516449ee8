"""Conversion: nothing of the domain is lost on the way out, nothing of a request on the way in."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.error_details_pb2 import ErrorInfo
from hypothesis import given
from hypothesis import strategies as st

from greenroom.v1 import config_pb2, turn_pb2
from greenroomd.domain.config import SessionConfig
from greenroomd.domain.errors import Violation
from greenroomd.domain.states import State
from greenroomd.rpc.convert import enums
from greenroomd.rpc.convert.config_proto import config_message, config_of, oauth_token_of
from greenroomd.rpc.convert.content import block_message, blocks_of
from greenroomd.rpc.convert.enums import EnumPair
from greenroomd.rpc.convert.problems import status
from greenroomd.rpc.convert.session_proto import session_message
from greenroomd.rpc.convert.structs import MAX_DEPTH, json_of, struct, wire_text
from greenroomd.rpc.convert.task_proto import task_message
from greenroomd.rpc.convert.times import datetime_of, duration, timedelta_of, timestamp
from greenroomd.rpc.convert.turn_proto import approval_message, turn_message
from unit.rpc.samples import APPROVAL, CONFIG, NOON, PROBLEM, SESSION, TASK, TURN

PAIRS = [pair for pair in vars(enums).values() if isinstance(pair, EnumPair)]


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair._name)
def test_each_member_has_its_number_and_back(pair: EnumPair[Any, Any]) -> None:
    problems: list[Violation] = []
    numbers = list(pair.number.values())
    assert pair.members(numbers, "states", problems) == frozenset(pair.number)
    assert problems == []


def test_unknown_numbers_are_told_with_their_place() -> None:
    problems: list[Violation] = []
    enums.SESSION_STATES.members([1, 0, 99], "filter.states", problems)
    enums.START_MODES.member(77, next(iter(enums.START_MODES.number)), "start_mode", problems)
    enums.PERMISSION_MODES.optional(-1, "config.permission_mode", problems)
    assert [problem.field for problem in problems] == [
        "filter.states[1]",
        "filter.states[2]",
        "start_mode",
        "config.permission_mode",
    ]


@given(st.datetimes(timezones=st.just(UTC)))
def test_points_of_time_come_back(at: datetime) -> None:
    assert datetime_of(timestamp(at), "time", []) == at
    assert timestamp(at).ToDatetime(UTC) == at


@given(st.timedeltas(timedelta(days=-3_652_500), timedelta(days=3_652_500)))
def test_spans_come_back(span: timedelta) -> None:
    assert timedelta_of(duration(span), "span", []) == span
    assert duration(span).ToTimedelta() == span


@pytest.mark.parametrize(
    "message",
    [
        Duration(seconds=2**62),
        Duration(seconds=-(2**62)),
        Duration(nanos=1_000_000_000),
        Duration(seconds=1, nanos=-1),
    ],
)
def test_a_bad_span_is_a_problem(message: Duration) -> None:
    problems: list[Violation] = []
    assert timedelta_of(message, "config.tool_timeout", problems) is None
    assert [problem.field for problem in problems] == ["config.tool_timeout"]


@pytest.mark.parametrize(
    "message", [Timestamp(seconds=2**60), Timestamp(seconds=-(2**60)), Timestamp(nanos=-1)]
)
def test_a_bad_time_is_a_problem(message: Timestamp) -> None:
    problems: list[Violation] = []
    assert datetime_of(message, "filter.created_after", problems) is None
    assert [problem.field for problem in problems] == ["filter.created_after"]


def test_a_nanosecond_is_more_than_nothing() -> None:
    assert timedelta_of(Duration(nanos=1), "timeout", []) == timedelta(microseconds=1)
    assert timedelta_of(Duration(nanos=-1), "timeout", []) == timedelta(microseconds=-1)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), json_values))
def test_json_comes_back(value: dict[str, Any]) -> None:
    there = struct(value)
    assert json_of(Struct.FromString(there.SerializeToString())) == value


def test_whole_numbers_are_ints() -> None:
    message = Struct()
    message.update({"whole": 3, "half": 0.5, "huge": 1e300})
    assert json.loads(json.dumps(json_of(message))) == {"whole": 3, "half": 0.5, "huge": 1e300}
    assert '"whole": 3}' in json.dumps({"whole": json_of(message)["whole"]})


def test_what_is_too_deep_travels_as_text() -> None:
    value: dict[str, Any] = {}
    for _ in range(200):
        value = {"in": value}
    message = turn_pb2.Approval(input=struct(value))
    found = json_of(turn_pb2.Approval.FromString(message.SerializeToString()).input)
    depth = 1
    while isinstance(found["in"], dict):
        found, depth = found["in"], depth + 1
    assert depth == MAX_DEPTH
    assert json.loads(found["in"])["in"]


def test_numbers_and_text_that_messages_cannot_hold_are_told_otherwise() -> None:
    value = {"big": 10**400, "nan": float("nan"), "half of a pair": "a\ud83d", "\udc00": 1}
    found = json_of(Struct.FromString(struct(value).SerializeToString()))
    assert found == {"big": str(10**400), "nan": "nan", "half of a pair": "a\ufffd", "\ufffd": 1}
    assert wire_text("schön \U0001f600") == "schön \U0001f600"


def test_a_full_config_comes_back() -> None:
    problems: list[Violation] = []
    message = config_message(CONFIG, full=True)
    assert message.oauth_token_set
    message.oauth_token = "sk-secret"  # what a client adds
    assert config_of(message, "config", problems) == CONFIG
    assert problems == []
    token = oauth_token_of(message)
    assert token is not None
    assert token.reveal() == "sk-secret"


def test_an_empty_config_means_the_defaults() -> None:
    problems: list[Violation] = []
    assert config_of(config_pb2.SessionConfig(), "config", problems) == SessionConfig(working_dir="")
    assert config_of(
        config_message(SessionConfig(working_dir="/w"), full=True), "config", problems
    ) == SessionConfig(working_dir="/w")
    assert problems == []


def test_every_problem_of_a_config_is_told_at_once() -> None:
    message = config_pb2.SessionConfig(permission_mode=99, on_idle=98, approval_policy=97)  # type: ignore[arg-type]
    message.tool_timeout.seconds = 2**60
    message.limits.idle_timeout.nanos = -(10**9)
    message.recovery_policy.mode = 96  # type: ignore[assignment]
    message.recovery_policy.max_backoff.seconds = 2**60
    problems: list[Violation] = []
    config_of(message, "config", problems)
    assert {problem.field for problem in problems} == {
        "config.permission_mode",
        "config.on_idle",
        "config.approval_policy",
        "config.tool_timeout",
        "config.limits.idle_timeout",
        "config.recovery_policy.mode",
        "config.recovery_policy.max_backoff",
    }


def test_view_basic_keeps_prompts_and_environment_back() -> None:
    full, basic = (session_message(SESSION, full=flag) for flag in (True, False))
    hidden = {"system_prompt", "append_system_prompt", "environment", "mcp_config", "settings"}
    assert {field.name for field, _ in full.config.ListFields()} - {
        field.name for field, _ in basic.config.ListFields()
    } == hidden
    assert not basic.config_report
    basic.config.CopyFrom(full.config)
    basic.config_report.extend(full.config_report)
    assert basic == full


def test_a_session_message_has_every_field() -> None:
    message = session_message(replace(SESSION, process=replace(SESSION.process, pid=4711)), full=True)
    unset = set(message.DESCRIPTOR.fields_by_name) - {field.name for field, _ in message.ListFields()}
    assert unset == set()
    assert message.recovery.next_attempt_time.ToDatetime(UTC) == NOON
    assert message.usage.cache_creation_tokens == 30
    assert not message.process.last_exit.HasField("code")
    assert message.metadata["ticket"] == 17


def test_a_new_session_says_nothing_of_what_is_not_there() -> None:
    bare = replace(
        SESSION,
        state=State.CREATED,
        error=None,
        recovery=type(SESSION.recovery)(),
        process=type(SESSION.process)(),
        close_time=None,
    )
    message = session_message(bare, full=True)
    assert not any(message.HasField(name) for name in ("error", "recovery", "process", "close_time"))


@pytest.mark.parametrize(
    "message",
    [
        turn_message(replace(TURN, prompt="x" * 300_000, result_text="x" * 300_000)),
        approval_message(replace(APPROVAL, description="x" * 300_000)),
        task_message(TASK),
    ],
    ids=["turn", "approval", "task"],
)
def test_turns_approvals_and_tasks_have_every_field(message: Any) -> None:
    assert set(message.DESCRIPTOR.fields_by_name) == {field.name for field, _ in message.ListFields()}


def test_a_problem_tells_its_reason_and_the_end_of_the_process() -> None:
    message = status(PROBLEM)
    info = ErrorInfo()
    assert message.details[0].Unpack(info)
    assert (info.reason, info.domain) == ("PROCESS_EXITED", "greenroom.v1")
    assert dict(info.metadata) == {"signal": "9", "stderr_tail": "Killed"}


BLOCKS: dict[str, dict[str, Any]] = {
    "text": {"type": "text", "text": "hi"},
    "thinking": {"type": "thinking", "thinking": "hm", "signature": "s"},
    "image": {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
    "document": {"type": "document", "source": {"type": "url", "url": "https://a/b.pdf"}, "title": "B"},
    "tool_use": {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": "ls"}},
    "tool_result": {"type": "tool_result", "tool_use_id": "toolu_1", "content": "ok", "is_error": True},
}


@pytest.mark.parametrize("kind", BLOCKS)
def test_a_block_of_the_api_is_typed(kind: str) -> None:
    assert block_message(BLOCKS[kind]).WhichOneof("block") == kind


@pytest.mark.parametrize(
    "block",
    [
        {},
        {"type": "novelty", "x": 1},
        {"type": "text"},
        {"type": "text", "text": None},
        {"type": "image", "source": {"type": "file", "file_id": "f"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "!"}},
        {"type": "tool_use", "id": "t", "name": "n", "input": "no object"},
        {"type": "tool_result", "content": "to nothing"},
        {"type": "redacted_thinking", "data": "x"},
        {"type": ["list"]},
    ],
)
def test_a_block_of_another_shape_is_kept_as_it_is(block: dict[str, Any]) -> None:
    message = block_message(block)
    assert message.WhichOneof("block") == "other"
    assert json_of(message.other) == block


@pytest.mark.parametrize("kind", ["text", "image", "document"])
def test_a_prompt_block_comes_back_in_the_shape_of_the_api(kind: str) -> None:
    assert blocks_of([block_message(BLOCKS[kind])]) == (BLOCKS[kind],)


def test_a_plain_text_document_is_sent_as_text() -> None:
    media = turn_pb2.MediaBlock(media_type="text/plain", data="schön".encode())
    (block,) = blocks_of([turn_pb2.ContentBlock(document=media)])
    assert block["source"] == {"type": "text", "media_type": "text/plain", "data": "schön"}


def test_blocks_that_no_prompt_has_keep_their_kind() -> None:
    messages = [block_message(BLOCKS["tool_use"]), turn_pb2.ContentBlock()]
    assert blocks_of(messages) == ({"type": "tool_use"}, {})


def test_no_secret_has_a_way_out() -> None:
    assert [field.name for field in fields(SessionConfig) if "_token_" in field.name] == ["oauth_token_set"]
    assert session_message(SESSION, full=True).config.oauth_token == ""
