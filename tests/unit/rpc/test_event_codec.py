"""Events as bytes: what is put together by hand is what protobuf reads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenroom.v1.event_pb2 import Event as EventMessage
from greenroom.v1.event_pb2 import EventType as EventTypeMessage
from greenroom.v1.event_service_pb2 import WatchEventsResponse
from greenroom.v1.session_service_pb2 import CloseSessionResponse, CreateSessionResponse
from greenroom.v1.turn_service_pb2 import (
    DecideApprovalResponse,
    InterruptTurnResponse,
    RunTurnResponse,
    StartTurnResponse,
)
from greenroomd.app.ports.storage import Request, Unit
from greenroomd.domain.event_payloads import MessageNoted, TurnNoted
from greenroomd.domain.events import EventType
from greenroomd.rpc.convert.event_proto import event_message
from greenroomd.rpc.stream.cursor_codec import MAX_REVISION
from greenroomd.rpc.stream.event_codec import MAX_EVENT_BYTES, EventCodec
from unit.rpc.samples import (
    APPROVAL,
    PAYLOADS,
    REQUEST_ID,
    SESSION,
    STORE_ID,
    TURN,
    a_message,
    an_event,
)

CODEC = EventCodec(STORE_ID)
REQUEST = Request(principal="ada", method="StartTurn", request_id=REQUEST_ID, fingerprint=b"f")


def only_event(record: bytes) -> EventMessage:
    events = WatchEventsResponse.FromString(record).events
    assert len(events) == 1
    return events[0]


def test_every_event_type_has_a_sample() -> None:
    assert PAYLOADS.keys() == set(EventType)


@pytest.mark.parametrize("type", PAYLOADS)
def test_a_record_is_the_event_built_whole(type: EventType) -> None:
    event = an_event(type)
    whole = event_message(event, SESSION)
    whole.event_id = CODEC.cursors.event_id(77).decode()
    whole.sequence = 5
    whole.revision = 77
    whole.cursor = CODEC.cursors.cursor(77).decode()

    record = CODEC.record(CODEC.encode(event, SESSION).body, sequence=5, revision=77)

    assert only_event(record) == whole
    assert whole.WhichOneof("payload") == type.name.lower()
    assert EventTypeMessage.Name(whole.type) == f"EVENT_TYPE_{type.name}"


@given(sequence=st.integers(1, 2**62), revision=st.integers(1, MAX_REVISION), size=st.integers(0, 300))
def test_numbers_of_any_size_are_read_back(sequence: int, revision: int, size: int) -> None:
    body = CODEC.encode(a_message("x" * size), SESSION).body
    event = only_event(CODEC.record(body, sequence=sequence, revision=revision))
    assert (event.sequence, event.revision) == (sequence, revision)
    assert CODEC.cursors.revision_of_event(event.event_id) == revision
    assert CODEC.cursors.revision_of_cursor(event.cursor) == revision


def test_records_join_to_a_frame() -> None:
    bodies = [CODEC.encode(a_message(text), SESSION).body for text in ("a", "b" * 200, "c" * 70_000)]
    frame = b"".join(CODEC.record(body, sequence=n, revision=n) for n, body in enumerate(bodies, 1))
    events = WatchEventsResponse.FromString(frame).events
    assert [len(event.message_assistant.content[0].text) for event in events] == [1, 200, 70_000]


def test_an_ephemeral_event_has_no_numbers() -> None:
    body = CODEC.encode(an_event(EventType.MESSAGE_DELTA), SESSION).body
    event = only_event(CODEC.record(body, sequence=0, revision=9))
    assert (event.event_id, event.cursor, event.sequence, event.revision) == ("", "", 0, 0)
    assert event.message_delta.text == "he"


def test_a_large_event_loses_its_raw_frame_first() -> None:
    text = "é" * 60_000
    encoded = CODEC.encode(a_message(text, raw=b'"' + b"x" * 200_000 + b'"'), SESSION)
    short = EventMessage.FromString(encoded.body)
    assert short.truncated
    assert short.message_assistant.content[0].text == text
    assert short.message_assistant.raw_frame == ""
    assert encoded.whole is not None
    whole = EventMessage.FromString(encoded.whole)
    assert not whole.truncated
    assert len(whole.message_assistant.raw_frame) == 200_002


HUGE = {
    "text": MessageNoted(blocks=({"type": "text", "text": "é" * 3_000_000},)),
    "many blocks": MessageNoted(blocks=({"type": "text", "text": "x"},) * 200_000),
    "a wide object": MessageNoted(
        blocks=({"type": "other", **{f"key{n}": {"n": n} for n in range(30_000)}},)
    ),
    "a deep object": MessageNoted(
        blocks=({"type": "other", "list": [[["x" * 100] * 10] * 10] * 100, "name": "n"},)
    ),
    "long keys": MessageNoted(blocks=({"type": "other", "k" * 400_000: 1},)),
}


@pytest.mark.parametrize("payload", HUGE.values(), ids=HUGE)
def test_what_is_truncated_fits_a_stream(payload: MessageNoted) -> None:
    encoded = CODEC.encode(an_event(EventType.MESSAGE_TOOL_RESULT, payload), SESSION)
    record = CODEC.record(encoded.body, sequence=2**62, revision=MAX_REVISION)
    assert len(record) <= MAX_EVENT_BYTES
    event = only_event(record)
    assert event.truncated
    assert event.WhichOneof("payload") == "message_tool_result"
    assert (event.turn_id, event.type) == (an_event(EventType.TURN_QUEUED).turn_id, 44)


def test_a_text_is_cut_at_a_character() -> None:
    payload = MessageNoted(blocks=({"type": "text", "text": "a" + "é" * 300_000},))
    encoded = CODEC.encode(an_event(EventType.MESSAGE_ASSISTANT, payload), SESSION)
    text = EventMessage.FromString(encoded.body).message_assistant.content[0].text
    assert text == "a" + "é" * (len(text) - 1)
    assert len(text.encode()) > 60_000


def test_raw_bytes_that_are_not_utf_8_are_replaced() -> None:
    event = EventMessage.FromString(CODEC.encode(a_message("x", raw=b"\xff{}"), SESSION).body)
    assert event.message_assistant.raw_frame == "\ufffd{}"


def test_answers_are_the_responses() -> None:
    unit = Unit(session=SESSION, turns=(TURN,), approvals=(APPROVAL,), request=REQUEST)
    assert (
        CreateSessionResponse.FromString(CODEC.answer("CreateSession", unit, SESSION)).session.revision == 345
    )
    assert CloseSessionResponse.FromString(CODEC.answer("CloseSession", unit, SESSION)).session.etag == "v4"
    assert StartTurnResponse.FromString(CODEC.answer("StartTurn", unit, SESSION)).turn.turn_id == TURN.turn_id
    interrupted = InterruptTurnResponse.FromString(CODEC.answer("InterruptTurn", unit, SESSION))
    assert interrupted.turn.turn_id == TURN.turn_id
    decided = DecideApprovalResponse.FromString(CODEC.answer("DecideApproval", unit, SESSION))
    assert decided.approval.tool_name == "Bash"


def test_the_answer_of_run_turn_says_where_its_events_begin() -> None:
    events = (an_event(EventType.TURN_QUEUED, TurnNoted(turn=TURN)), an_event(EventType.MESSAGE_USER))
    unit = Unit(session=SESSION, events=events, turns=(TURN,), request=REQUEST)
    answer = RunTurnResponse.FromString(CODEC.answer("RunTurn", unit, SESSION))
    assert answer.events[0].revision == SESSION.revision - 2
    assert answer.turn.turn_id == TURN.turn_id


def test_an_interrupt_that_only_signals_names_the_running_turn() -> None:
    answer = CODEC.answer("InterruptTurn", Unit(session=SESSION), SESSION)
    assert InterruptTurnResponse.FromString(answer).turn.turn_id == SESSION.current_turn_id
