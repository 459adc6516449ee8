"""What the Python client makes of the pieces of a turn."""

import pytest

from greenroom import Answer
from greenroom.v1.event_payload_pb2 import (
    AssistantMessage,
    MessageDelta,
    MessageRetracted,
    TurnInterrupted,
)
from greenroom.v1.event_pb2 import Event
from greenroom.v1.turn_pb2 import ContentBlock


def piece(message_id: str, text: str, agent: str = "") -> Event:
    return Event(message_delta=MessageDelta(message_id=message_id, text=text, parent_tool_use_id=agent))


def whole(message_id: str, text: str, **facts: object) -> Event:
    message = AssistantMessage(message_id=message_id, content=[ContentBlock(text=text)], **facts)  # type: ignore[arg-type]
    return Event(message_assistant=message)


def retraction(message_id: str) -> Event:
    return Event(message_retracted=MessageRetracted(message_id=message_id))


def test_an_answer_takes_back_what_is_retracted() -> None:
    answer = Answer()
    for event, text, changed in [
        (piece("m1", "one "), "one ", True),
        (piece("m1", "two"), "one two", True),
        (retraction("m0"), "one two", False),
        (retraction("m1"), "", True),
        (piece("m2", "one "), "one ", True),
        (whole("m2", "one two three"), "one two three", True),
        (piece("m3", "and"), "one two three\n\nand", True),
        (piece("m4", "but"), "one two three\n\nbut", True),
        (Event(turn_interrupted=TurnInterrupted()), "one two three", True),
    ]:
        assert (answer.take(event), answer.text) == (changed, text)


@pytest.mark.parametrize(
    "event",
    [
        piece("m1", "an agent's", agent="toolu_1"),
        whole("m1", "an agent's", parent_tool_use_id="toolu_1"),
        whole("m1", "API Error: 500", synthetic=True),
    ],
)
def test_an_answer_is_only_what_the_model_says_in_the_main_conversation(event: Event) -> None:
    answer = Answer()
    assert not answer.take(event)
    assert answer.text == ""
