"""Pieces of a message that will never be finished are taken back, once, before anything follows them."""

from collections.abc import Sequence

from greenroomd.domain.event_payloads import DeltaNoted, MessageRetracted, ToolInputNoted
from greenroomd.domain.events import Event, EventType
from greenroomd.domain.frames.message_frames import (
    AssistantSpoke,
    Delta,
    DeltaKind,
    MessageAbandoned,
    ToolInputBegan,
)
from unit.live import says
from unit.live.owner import Owner, an_owner, payloads


def piece(message_id: str, words: str = "w", agent: str = "") -> Delta:
    return Delta(
        raw=says.RAW,
        kind=DeltaKind.TEXT,
        text=words,
        block_index=0,
        message_id=message_id,
        parent_tool_use_id=agent,
    )


def whole(message_id: str, agent: str = "") -> AssistantSpoke:
    blocks = ({"type": "text", "text": "well"},)
    return AssistantSpoke(
        raw=says.RAW, message_id=message_id, model="opus", blocks=blocks, parent_tool_use_id=agent
    )


def in_a_turn() -> Owner:
    owner = an_owner()
    owner.prompt()
    return owner.forget()


def retracted(events: Sequence[Event]) -> list[str]:
    return [each.message_id for each in payloads(events, MessageRetracted)]


def test_a_message_is_retracted_when_another_begins_in_its_place() -> None:
    owner = in_a_turn()
    owner.says(piece("m1"), piece("m1"), piece("m2"))
    assert [event.type for event in owner.ephemeral] == [
        EventType.MESSAGE_DELTA,
        EventType.MESSAGE_DELTA,
        EventType.MESSAGE_RETRACTED,
        EventType.MESSAGE_DELTA,
    ]
    assert retracted(owner.ephemeral) == ["m1"]
    assert owner.ephemeral[2].turn_id == owner.turn_id(1)


def test_a_message_is_retracted_when_the_cli_says_that_it_is_abandoned() -> None:
    owner = in_a_turn()
    owner.says(piece("m1"), MessageAbandoned(raw=says.RAW, message_id="m1"), whole("m2"))
    assert retracted(owner.ephemeral) == ["m1"]


def test_a_message_is_retracted_when_another_comes_whole_in_its_place() -> None:
    owner = in_a_turn()
    owner.says(piece("m1"), whole("m2"))
    assert retracted(owner.ephemeral) == ["m1"]


def test_a_finished_message_is_never_retracted() -> None:
    owner = in_a_turn()
    turn = owner.live.turn
    assert turn is not None
    owner.says(piece("m1"), whole("m1"), piece("m2"), whole("m2"))
    owner.answers(turn)
    owner.exits()
    assert retracted(owner.ephemeral) == []


def test_agents_write_beside_each_other() -> None:
    owner = in_a_turn()
    owner.says(
        piece("m1"), piece("m2", agent="toolu_1"), piece("m1"), piece("m3", agent="toolu_1"), whole("m1")
    )
    (taken_back,) = payloads(owner.ephemeral, MessageRetracted)
    assert (taken_back.message_id, taken_back.parent_tool_use_id) == ("m2", "toolu_1")


def test_the_end_of_a_turn_retracts_what_it_broke_off() -> None:
    owner = in_a_turn()
    turn = owner.live.turn
    assert turn is not None
    owner.says(piece("m1"), piece("m2", agent="toolu_1"))
    owner.says(says.aborted(turn.turn_id), says.IDLE)
    assert retracted(owner.ephemeral) == ["m1", "m2"]
    assert {event.turn_id for event in owner.ephemeral} == {turn.turn_id}


def test_the_end_of_the_process_retracts_what_it_broke_off() -> None:
    owner = in_a_turn()
    owner.says(piece("m1"))
    owner.exits(signal=9)
    assert retracted(owner.ephemeral) == ["m1"]
    owner = an_owner()
    owner.says(piece("m1"))  # without a turn
    owner.exits(signal=9)
    assert retracted(owner.ephemeral) == ["m1"]


def test_pieces_of_a_tools_input_name_their_call() -> None:
    owner = in_a_turn()
    began = ToolInputBegan(
        raw=says.RAW, tool_use_id="toolu_1", tool_name="Bash", block_index=1, message_id="m1"
    )
    written = Delta(raw=says.RAW, kind=DeltaKind.TOOL_INPUT, text='{"co', block_index=1, message_id="m1")
    stray = Delta(raw=says.RAW, kind=DeltaKind.TOOL_INPUT, text="x", block_index=0, message_id="m0")
    owner.says(began, written)
    told = payloads(owner.ephemeral, ToolInputNoted)
    assert [(each.tool_use_id, each.tool_name, each.partial_json) for each in told] == [
        ("toolu_1", "Bash", ""),
        ("toolu_1", "Bash", '{"co'),
    ]
    owner.forget().says(stray)
    assert not payloads(owner.ephemeral, ToolInputNoted)
    assert not payloads(owner.ephemeral, DeltaNoted)
    assert retracted(owner.ephemeral) == ["m1"]
