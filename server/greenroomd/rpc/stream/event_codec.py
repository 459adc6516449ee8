"""Serializes events: once, when they are made, for the store and for every watcher."""

from __future__ import annotations

from google.protobuf.message import Message

from greenroom.v1 import event_pb2, turn_pb2
from greenroom.v1 import event_service_pb2 as events
from greenroom.v1 import session_service_pb2 as sessions
from greenroom.v1 import turn_service_pb2 as turns
from greenroomd.app.ports.storage import EncodedEvent, StoredEvent, Unit
from greenroomd.domain.events import EPHEMERAL, Event
from greenroomd.domain.session import Session
from greenroomd.domain.turn import Turn
from greenroomd.rpc.convert.event_proto import event_message
from greenroomd.rpc.convert.session_proto import session_bytes
from greenroomd.rpc.convert.task_proto import task_message
from greenroomd.rpc.convert.turn_proto import approval_message, turn_message
from greenroomd.rpc.stream import wire
from greenroomd.rpc.stream.cursor_codec import CursorCodec
from greenroomd.rpc.stream.truncation import truncated

MAX_EVENT_BYTES = 256 * 1024
NUMBERS_BYTES = 128
"""The most bytes that event_id, sequence, revision, cursor and the record's own tag and length take."""

_RECORD = wire.tag(1, wire.LEN)  # `events` in every response that has events
_EVENT_ID = wire.tag(1, wire.LEN) + wire.varint(36)
_SEQUENCE = wire.tag(4, wire.VARINT)
_REVISION = wire.tag(5, wire.VARINT)
_CURSOR = wire.tag(6, wire.LEN)

_SESSION = wire.tag(1, wire.LEN)  # `session` in every response that has a session
_ANSWERED_BY_SESSION = frozenset(
    (
        "CreateSession",
        "UpdateSession",
        "StartSession",
        "SuspendSession",
        "ResumeSession",
        "RestartSession",
        "CloseSession",
        "ForkSession",
    )
)


class EventCodec:
    """The format of one store's events and recorded answers: messages of the contract."""

    def __init__(self, store_id: str) -> None:
        self.cursors = CursorCodec(store_id)

    def encode(self, event: Event, session: Session) -> EncodedEvent:
        """Return the event without its numbers; one too large for a stream both truncated and in full."""
        message = event_message(event, session)
        body = message.SerializeToString()
        room = MAX_EVENT_BYTES - NUMBERS_BYTES
        if len(body) <= room:
            return EncodedEvent(body=body)
        short = truncated(message, room).SerializeToString()
        return EncodedEvent(body=short, whole=None if event.type in EPHEMERAL else body)

    def record(self, body: bytes, *, sequence: int, revision: int) -> bytes:
        """Return the stream record of an event; sequence 0 means an ephemeral event, which gets no numbers."""
        numbers = self._numbers(sequence, revision) if sequence else b""
        return b"%b%b%b%b" % (_RECORD, wire.varint(len(body) + len(numbers)), body, numbers)

    def numbered(self, body: bytes, *, sequence: int, revision: int) -> bytes:
        """Return the complete message of a durable event."""
        return body + self._numbers(sequence, revision)

    def _numbers(self, sequence: int, revision: int) -> bytes:
        cursor = self.cursors.cursor(revision)
        return b"%b%b%b%b%b%b%b%c%b" % (
            _EVENT_ID,
            self.cursors.event_id(revision),
            _SEQUENCE,
            wire.varint(sequence),
            _REVISION,
            wire.varint(revision),
            _CURSOR,
            len(cursor),  # one byte, since a cursor is shorter than 128 bytes
            cursor,
        )

    def answer(self, method: str, unit: Unit, session: Session) -> bytes:
        """Return the serialized response of a mutation, to be recorded for replays.

        RunTurn's response has the turn and one event, whose revision is the one after which the turn's events begin.
        InterruptTurn's response has only the ids of a turn that still runs.
        """
        if method in _ANSWERED_BY_SESSION:
            return session_answer(session)
        answer: Message
        if method == "StartTurn":
            answer = turns.StartTurnResponse(turn=turn_message(_turn_of(unit)))
        elif method == "RunTurn":
            before = event_pb2.Event(revision=session.revision - len(unit.events))
            answer = turns.RunTurnResponse(events=[before], turn=turn_message(_turn_of(unit)))
        elif method == "InterruptTurn":
            running = turn_pb2.Turn(turn_id=session.current_turn_id, session_id=session.session_id)
            turn = turn_message(unit.turns[-1]) if unit.turns else running
            answer = turns.InterruptTurnResponse(turn=turn)
        elif method == "DecideApproval":
            answer = turns.DecideApprovalResponse(approval=approval_message(unit.approvals[-1]))
        elif method == "ReconnectMcpServer":
            answer = sessions.ReconnectMcpServerResponse()  # a repetition gets the server as it is then
        elif method == "StopTask":
            answer = turns.StopTaskResponse(task=task_message(unit.tasks[-1]))
        elif method == "DeleteSession":
            answer = sessions.DeleteSessionResponse()
        else:
            raise ValueError(f"{method} has no answer to record")
        return answer.SerializeToString()


def session_answer(session: Session) -> bytes:
    """Return the serialized response of a call that answers with a session."""
    return wire.record(_SESSION, session_bytes(session))


def event_of(stored: StoredEvent) -> event_pb2.Event:
    """Return the message of a stored event, as a stream sends it."""
    return events.ListEventsResponse.FromString(stored.record).events[0]


def _turn_of(unit: Unit) -> Turn:
    """Return the turn that the unit's request started."""
    request_id = unit.request.request_id if unit.request else ""
    return next(turn for turn in unit.turns if turn.request_id == request_id)
