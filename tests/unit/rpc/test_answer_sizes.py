"""No answer is larger than what gRPC clients accept by default, however large what it repeats of a request."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest
from google.protobuf.message import Message

from greenroom.v1 import event_pb2
from greenroom.v1.event_pb2 import Event
from greenroom.v1.event_service_pb2 import GetEventRequest, ListEventsRequest
from greenroom.v1.turn_pb2 import ContentBlock, MediaBlock, Turn
from greenroom.v1.turn_service_pb2 import (
    GetTurnRequest,
    ListTurnsRequest,
    RunTurnRequest,
    RunTurnResponse,
    StartTurnRequest,
)
from greenroomd.domain.config import JsonObject
from greenroomd.domain.rules.config import config_rules
from greenroomd.domain.rules.config.config_rules import MAX_PATH_BYTES
from greenroomd.domain.rules.config.environment_rules import MAX_ENTRIES, MAX_TOTAL_BYTES
from greenroomd.domain.rules.config.tool_rules import MAX_RULE_LENGTH, MAX_RULES
from greenroomd.domain.rules.json_rules import MAX_JSON_BYTES
from greenroomd.domain.rules.prompt_rules import MAX_PROMPT_BYTES
from greenroomd.rpc.convert.session_proto import session_message
from greenroomd.rpc.convert.turn_proto import approval_message, turn_message
from unit.rpc.conftest import Edge
from unit.rpc.samples import APPROVAL, CONFIG, SESSION, TURN

MOST = 4 * 1024 * 1024 - 64 * 1024
PROMPT = "é" * (MAX_PROMPT_BYTES // 2)


def fits(answer: Message) -> bool:
    return answer.ByteSize() <= MOST


def is_shown_in_part(turn: Turn) -> bool:
    return turn.prompt_truncated and PROMPT.startswith(turn.prompt) and len(turn.prompt) == 128 * 1024


async def whole_events(edge: Edge, session_id: str, type: event_pb2.EventType.ValueType) -> list[Event]:
    """Return a session's events of a type, each from all chunks of GetEvent."""
    page = await edge.events.ListEvents(ListEventsRequest(session_id=session_id, types=[type]))
    assert fits(page)
    found = []
    for event in page.events:
        frames = [frame async for frame in edge.events.GetEvent(GetEventRequest(event_id=event.event_id))]
        assert all(fits(frame) for frame in frames)
        data = b"".join(frame.data for frame in frames)
        found.append(Event.FromString(data) if data else frames[0].event)
    return found


async def test_the_largest_prompt_is_repeated_in_part_and_kept_whole(edge: Edge) -> None:
    session_id = (await edge.create()).session_id
    request_id = str(uuid.uuid4())
    run = RunTurnRequest(session_id=session_id, prompt=PROMPT, request_id=request_id)
    frames: list[RunTurnResponse] = []
    for _ in range(2):  # at once, and from what was recorded
        frames = [frame async for frame in edge.turns.RunTurn(run)]
        assert all(fits(frame) for frame in frames)
        assert is_shown_in_part(frames[-1].turn)
    got = await edge.turns.GetTurn(GetTurnRequest(turn_id=frames[-1].turn.turn_id))
    assert fits(got)
    assert is_shown_in_part(got.turn)

    other_id = (await edge.create()).session_id
    start = StartTurnRequest(session_id=other_id, prompt=PROMPT, request_id=str(uuid.uuid4()))
    for _ in range(2):
        started = await edge.turns.StartTurn(start)
        assert fits(started)
        assert is_shown_in_part(started.turn)

    for each in (session_id, other_id):
        page = await edge.turns.ListTurns(ListTurnsRequest(session_id=each))
        assert fits(page)
        assert all(is_shown_in_part(turn) for turn in page.turns)
        (queued,) = await whole_events(edge, each, event_pb2.EVENT_TYPE_TURN_QUEUED)
        assert queued.turn_queued.turn.prompt == PROMPT
        assert not queued.turn_queued.turn.prompt_truncated


async def test_the_largest_blocks_are_repeated_in_part_and_kept_whole(edge: Edge) -> None:
    session_id = (await edge.create()).session_id
    data = b"%PDF-1.7\n" + bytes(range(256)) * 11_000
    blocks = [
        ContentBlock(text="see"),
        ContentBlock(document=MediaBlock(media_type="application/pdf", data=data)),
    ]
    started = await edge.turns.StartTurn(StartTurnRequest(session_id=session_id, content=blocks))
    assert fits(started)
    assert started.turn.prompt_truncated
    assert started.turn.content[0] == blocks[0]
    assert data.startswith(started.turn.content[1].document.data)
    (queued,) = await whole_events(edge, session_id, event_pb2.EVENT_TYPE_TURN_QUEUED)
    assert list(queued.turn_queued.turn.content) == blocks


def test_an_ordinary_prompt_is_whole() -> None:
    message = turn_message(TURN)
    assert (message.prompt, message.prompt_truncated) == (TURN.prompt, False)
    exact = turn_message(replace(TURN, prompt="x" * 256 * 1024))
    assert not exact.prompt_truncated


HUGE_INPUTS: dict[str, JsonObject] = {
    "a long text": {"content": "é" * 3_000_000},
    "a long list": {"edits": [{"old": "a" * 50, "new": "b" * 50}] * 50_000},
    "a long key": {"k" * 5_000_000: 1},
}


@pytest.mark.parametrize("tool_input", HUGE_INPUTS.values(), ids=HUGE_INPUTS)
def test_the_largest_approval_is_answered_in_part(tool_input: JsonObject) -> None:
    approval = replace(
        APPROVAL,
        tool_input=tool_input,
        updated_input=tool_input,
        suggestions=(tool_input,),
        message="m" * 4096,
    )
    message = approval_message(approval)
    assert fits(message)
    assert message.truncated
    assert (message.approval_id, message.message) == (APPROVAL.approval_id, "m" * 4096)
    whole = approval_message(approval, whole=True)
    assert not whole.truncated
    assert whole.ByteSize() > MOST


def test_the_largest_session_fits() -> None:
    """The rules bound each option; this is all of them at once, with JSON that grows most on the wire."""
    numbers = [0] * (MAX_JSON_BYTES // 2 - 10)
    config = replace(
        CONFIG,
        working_dir="/" + "d" * (MAX_PATH_BYTES - 1),
        system_prompt="s" * config_rules.MAX_PROMPT_BYTES,
        append_system_prompt="a" * config_rules.MAX_PROMPT_BYTES,
        allowed_tools=("😀" * MAX_RULE_LENGTH,) * MAX_RULES,
        disallowed_tools=("😀" * MAX_RULE_LENGTH,) * MAX_RULES,
        environment={f"NAME_{n}": "v" * (MAX_TOTAL_BYTES // MAX_ENTRIES) for n in range(MAX_ENTRIES)},
        mcp_config={"mcpServers": numbers},
        settings={"env": numbers},
    )
    assert fits(session_message(replace(SESSION, config=config, metadata={"all": numbers}), full=True))


def test_an_ordinary_approval_is_whole() -> None:
    assert approval_message(APPROVAL) == approval_message(APPROVAL, whole=True)
