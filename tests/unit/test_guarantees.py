"""The judges of recordings can condemn, and say what the document says."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import guarantees
from greenroom.v1 import event_pb2, session_pb2, turn_pb2
from greenroom.v1.event_pb2 import Event
from greenroom.v1.session_pb2 import Session
from greenroom.v1.turn_pb2 import Turn
from observation import Connection, Recording, Stream

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/guarantees.md"

CREATED = session_pb2.SESSION_STATE_CREATED
INITIALIZING = session_pb2.SESSION_STATE_INITIALIZING
READY = session_pb2.SESSION_STATE_READY


def moved(before: session_pb2.SessionState.ValueType, after: session_pb2.SessionState.ValueType) -> Event:
    event = Event(type=event_pb2.EVENT_TYPE_SESSION_STATE_CHANGED)
    event.session_state_changed.from_state = before
    event.session_state_changed.to_state = after
    return event


def sound() -> Recording:
    """Return a recording of one session and one turn, watched with a reconnect, to which nothing can be objected."""
    events = [
        Event(type=event_pb2.EVENT_TYPE_SESSION_CREATED),
        moved(CREATED, INITIALIZING),
        moved(INITIALIZING, READY),
        Event(type=event_pb2.EVENT_TYPE_TURN_QUEUED, turn_id="t"),
        Event(type=event_pb2.EVENT_TYPE_TURN_STARTED, turn_id="t"),
        Event(type=event_pb2.EVENT_TYPE_TURN_COMPLETED, turn_id="t"),
    ]
    for number, event in enumerate(events, start=1):
        event.event_id, event.session_id, event.workspace_id = f"e{number}", "s", "w"
        event.sequence, event.revision = number, number * 10
    turn = Turn(turn_id="t", session_id="s", state=turn_pb2.TURN_STATE_COMPLETED)
    turn.start_time.FromSeconds(1)
    return Recording(
        streams=[Stream("w", [Connection(0, events[:2]), Connection(20, events[2:])])],
        acknowledged={"t": turn},
        sessions={"s": Session(session_id="s", state=READY, last_sequence=len(events), revision=60)},
        histories={"s": list(events)},
        turns={"t": turn},
    )


def test_a_sound_recording_passes() -> None:
    guarantees.judge(sound())


def lose_what_was_seen(recording: Recording) -> None:
    del recording.histories["s"][-1]


def change_what_was_seen(recording: Recording) -> None:
    changed = Event()
    changed.CopyFrom(recording.histories["s"][0])
    changed.actor = "somebody"
    recording.histories["s"][0] = changed


def move_without_an_event(recording: Recording) -> None:
    recording.sessions["s"].state = session_pb2.SESSION_STATE_IDLE


def skip_at_the_reconnect(recording: Recording) -> None:
    del recording.streams[0].connections[1].events[0]


def repeat_at_the_reconnect(recording: Recording) -> None:
    first, second = recording.streams[0].connections
    second.events.insert(0, first.events[-1])


def swap(recording: Recording) -> None:
    events = recording.streams[0].connections[1].events
    events[0], events[1] = events[1], events[0]


def stop_early(recording: Recording) -> None:
    del recording.streams[0].connections[1].events[-1]


def share_a_revision(recording: Recording) -> None:
    recording.histories["s"][1].revision = 10


def jump(recording: Recording) -> None:
    recording.histories["s"][1].session_state_changed.to_state = session_pb2.SESSION_STATE_ACTIVE


def end_twice(recording: Recording) -> None:
    again = Event(type=event_pb2.EVENT_TYPE_TURN_FAILED, turn_id="t", sequence=7, revision=70)
    recording.histories["s"].append(again)


def forget_a_turn(recording: Recording) -> None:
    recording.turns.clear()


def send_twice(recording: Recording) -> None:
    again = Event(type=event_pb2.EVENT_TYPE_TURN_STARTED, turn_id="t", sequence=7, revision=70)
    recording.histories["s"].append(again)


def a_piece_too_late(recording: Recording) -> None:
    events = recording.streams[0].connections[1].events
    whole = Event(type=event_pb2.EVENT_TYPE_MESSAGE_ASSISTANT)
    whole.message_assistant.message_id = "m"
    piece = Event(type=event_pb2.EVENT_TYPE_MESSAGE_DELTA)
    piece.message_delta.message_id = "m"
    events += [whole, piece]


@pytest.mark.parametrize(
    ("spoil", "guarantee"),
    [
        (lose_what_was_seen, guarantees.durable_first),
        (change_what_was_seen, guarantees.durable_first),
        (move_without_an_event, guarantees.atomic),
        (lose_what_was_seen, guarantees.atomic),
        (skip_at_the_reconnect, guarantees.ordered),
        (repeat_at_the_reconnect, guarantees.ordered),
        (skip_at_the_reconnect, guarantees.resumable),
        (repeat_at_the_reconnect, guarantees.resumable),
        (stop_early, guarantees.undisturbed),
        (repeat_at_the_reconnect, guarantees.listens_before_it_looks),
        (skip_at_the_reconnect, guarantees.listens_before_it_looks),
        (swap, guarantees.commit_order),
        (share_a_revision, guarantees.commit_order),
        (jump, guarantees.legal),
        (end_twice, guarantees.turns_end_once),
        (send_twice, guarantees.turns_end_once),
        (forget_a_turn, guarantees.turns_end_once),
        (a_piece_too_late, guarantees.pieces_first),
    ],
)
def test_a_broken_guarantee_is_seen(
    spoil: Callable[[Recording], None], guarantee: Callable[[Recording], None]
) -> None:
    recording = sound()
    spoil(recording)
    with pytest.raises(AssertionError):
        guarantee(recording)
    with pytest.raises(ExceptionGroup):
        guarantees.judge(recording)


def test_the_document_says_the_same_sentences() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    said = [
        " ".join(part.split()) for part in re.findall(r"^\d+\. (.*?)\n\n", text, re.DOTALL | re.MULTILINE)
    ]
    meant = [
        f"**{each.__name__.replace('_', ' ').capitalize()}**: {' '.join((inspect.getdoc(each) or '').split())}"
        for each in guarantees.GUARANTEES
    ]
    assert said == meant
