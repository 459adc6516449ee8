"""Greenroom's guarantees, each as one function that judges a recording; docs/guarantees.md has the same sentences.

The first paragraph of a docstring is the guarantee, the second one says how it is judged. A broken guarantee raises an
AssertionError that names the first event at fault.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from greenroom.v1 import event_pb2
from greenroom.v1.event_pb2 import Event
from greenroom.v1.session_pb2 import SessionState
from greenroom.v1.turn_pb2 import TURN_STATE_COMPLETED, TURN_STATE_FAILED, TURN_STATE_INTERRUPTED, Turn
from greenroomd.domain.states import TRANSITIONS, State
from observation import Recording, Stream

_ENDS = {
    event_pb2.EVENT_TYPE_TURN_COMPLETED: TURN_STATE_COMPLETED,
    event_pb2.EVENT_TYPE_TURN_FAILED: TURN_STATE_FAILED,
    event_pb2.EVENT_TYPE_TURN_INTERRUPTED: TURN_STATE_INTERRUPTED,
}


def durable_first(recording: Recording) -> None:
    """A watcher never sees an event that the store could lose.

    Everything that any watcher saw, even before a crash of the server, is unchanged in the final history.
    """
    stored = {event.event_id: event for event in _stored(recording)}
    for event in _seen(recording):
        if event.session_id not in recording.deleted:
            assert stored.get(event.event_id) == event, f"a watcher saw what is not stored: {_named(event)}"


def atomic(recording: Recording) -> None:
    """A state change and its event are one commit.

    A session is in the state to which the events of its history lead, and counts exactly that many events.
    """
    for session_id, events in recording.histories.items():
        session = recording.sessions[session_id]
        assert session.last_sequence == len(events), f"{session_id}: {session.last_sequence} of {len(events)}"
        moves = [event.session_state_changed for event in events if event.HasField("session_state_changed")]
        state = moves[-1].to_state if moves else SessionState.SESSION_STATE_CREATED
        assert session.state == state, f"{session_id}: row {session.state}, log {state}"
        assert session.revision >= events[-1].revision


def ordered(recording: Recording) -> None:
    """In a stream, the events of a session are in order, unique and without gaps.

    Sequences count from 1 in the history, and in every stream that began at the beginning, across reconnects.
    """
    for session_id, events in recording.histories.items():
        assert [event.sequence for event in events] == list(range(1, len(events) + 1)), session_id
    for stream in recording.streams:
        last: dict[str, int] = defaultdict(int)
        for event in _durable(stream.events):
            if event.session_id in recording.deleted:
                continue
            expected = last[event.session_id] + 1
            assert event.sequence == expected, f"expected number {expected}: {_named(event)}"
            last[event.session_id] = expected


def resumable(recording: Recording) -> None:
    """After a reconnect with any cursor at or above the floor, a watch continues with exactly the next event.

    Every connection is compared with the history after the revision at which it began: nothing is skipped or repeated.
    """
    for stream in recording.streams:
        log = _log(recording, stream)
        for connection in stream.connections:
            events = [event for event in _durable(connection.events) if _kept(recording, event)]
            begin = bisect_right(log, connection.after, key=lambda event: event.revision)
            expected = log[begin : begin + len(events)]
            assert [_named(e) for e in events] == [_named(e) for e in expected], f"after {connection.after}"


def undisturbed(recording: Recording) -> None:
    """A watcher that does not read slows down neither writers nor other watchers, and is not dropped.

    All watchers of a workspace, including one that did not read until the end, saw the same events.
    """
    for stream in recording.streams:
        seen = [_named(event) for event in _durable(stream.events) if _kept(recording, event)]
        assert seen == [_named(event) for event in _log(recording, stream)], (
            f"{stream.workspace_id!r} differs"
        )


def listens_before_it_looks(recording: Recording) -> None:
    """Between the history that a watch replays and its live events, no event is lost and none comes twice.

    No stream has an event twice, and none skips an event below its last one.
    """
    for stream in recording.streams:
        events = [event for event in _durable(stream.events) if _kept(recording, event)]
        twice = [name for name, count in Counter(map(_named, events)).items() if count > 1]
        assert not twice, f"seen twice: {twice[:3]}"
        if events:
            due = {_named(e) for e in _log(recording, stream) if e.revision <= events[-1].revision}
            assert due == set(map(_named, events))


def commit_order(recording: Recording) -> None:
    """Revisions rise in commit order: no event becomes visible after one with a higher revision.

    No two events have the same revision, and revisions rise in every history and every stream.
    """
    stored = _stored(recording)
    assert len({event.revision for event in stored}) == len(stored)
    for stream in recording.streams:
        _assert_rising(_durable(stream.events))
    for events in recording.histories.values():
        _assert_rising(events)


def legal(recording: Recording) -> None:
    """Every state change is allowed by the table of states, and begins in the state in which the last one ended.

    The session.state_changed events of each history form a chain of TRANSITIONS that begins with CREATED.
    """
    for events in recording.histories.values():
        state = State.CREATED
        for event in events:
            if event.HasField("session_state_changed"):
                change = event.session_state_changed
                assert _state(change.from_state) is state, f"begins elsewhere than {state}: {_named(event)}"
                state = _state(change.to_state)
                reachable = set(TRANSITIONS[_state(change.from_state)].values())
                assert state in reachable, f"not in the table: {_named(event)}"


def turns_end_once(recording: Recording) -> None:
    """Every acknowledged turn is kept, and ends exactly once, as its event says.

    Turns that StartTurn answered are acknowledged, even right before a crash; a turn's events are queued, started,
    ended.
    """
    ends: dict[str, list[Event]] = defaultdict(list)
    for event in _stored(recording):
        if event.type in _ENDS:
            ends[event.turn_id].append(event)
    for turn_id, acknowledged in recording.acknowledged.items():
        if acknowledged.session_id not in recording.deleted:
            assert turn_id in recording.turns, f"an acknowledged turn is gone: {turn_id}"
    for turn in recording.turns.values():
        assert len(ends[turn.turn_id]) == 1, f"turn {turn.turn_id} ended {len(ends[turn.turn_id])} times"
        assert turn.state == _ENDS[ends[turn.turn_id][0].type], f"turn {turn.turn_id} ended otherwise"
        _assert_one_prompt(recording.histories[turn.session_id], turn)


def pieces_first(recording: Recording) -> None:
    """A process's output is shown in the order in which it was written: pieces come before the whole message.

    No stream has a piece of a message after a message.assistant with the same id.
    """
    for stream in recording.streams:
        for connection in stream.connections:
            whole: set[str] = set()
            for event in connection.events:
                if event.HasField("message_assistant"):
                    whole.add(event.message_assistant.message_id)
                elif event.HasField("message_delta"):
                    assert event.message_delta.message_id not in whole, f"a late piece: {_named(event)}"


GUARANTEES: Sequence[Callable[[Recording], None]] = (
    durable_first,
    atomic,
    ordered,
    resumable,
    undisturbed,
    listens_before_it_looks,
    commit_order,
    legal,
    turns_end_once,
    pieces_first,
)
"""All of them, in the order of the document."""


def judge(recording: Recording) -> None:
    """Judge a recording by every guarantee; raises an ExceptionGroup of all that are broken."""
    broken = []
    for guarantee in GUARANTEES:
        try:
            guarantee(recording)
        except AssertionError as error:
            error.add_note(guarantee.__name__)
            broken.append(error)
    if broken:
        raise ExceptionGroup("broken guarantees", broken)


def _assert_rising(events: Sequence[Event]) -> None:
    for before, after in pairwise(events):
        assert before.revision < after.revision, f"{_named(after)} came after {before.revision}"


def _assert_one_prompt(events: Sequence[Event], turn: Turn) -> None:
    began = [e for e in events if e.turn_id == turn.turn_id and e.type == event_pb2.EVENT_TYPE_TURN_STARTED]
    assert len(began) == turn.HasField("start_time"), f"turn {turn.turn_id} was sent {len(began)} times"


def _stored(recording: Recording) -> list[Event]:
    return [event for events in recording.histories.values() for event in events]


def _seen(recording: Recording) -> Iterable[Event]:
    for stream in recording.streams:
        yield from _durable(stream.events)


def _durable(events: Sequence[Event]) -> list[Event]:
    return [event for event in events if event.sequence]


def _kept(recording: Recording, event: Event) -> bool:
    return event.session_id not in recording.deleted


def _log(recording: Recording, stream: Stream) -> list[Event]:
    """Return what is stored for a stream's workspace, in commit order."""
    mine = [e for e in _stored(recording) if stream.workspace_id in ("", e.workspace_id)]
    return sorted(mine, key=lambda event: event.revision)


def _state(number: SessionState.ValueType) -> State:
    return State(SessionState.Name(number).removeprefix("SESSION_STATE_").lower())


def _named(event: Event) -> str:
    kind = event_pb2.EventType.Name(event.type).removeprefix("EVENT_TYPE_").lower()
    return f"{event.revision}: {kind} {event.session_id} #{event.sequence}"
