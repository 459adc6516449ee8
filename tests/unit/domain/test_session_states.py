"""The table of states against the lifecycle that was agreed, and `decide` on random walks through it."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from greenroomd.domain.config import SessionConfig
from greenroomd.domain.decision.transition import decide
from greenroomd.domain.errors import IllegalTransition
from greenroomd.domain.event_payloads import SessionNoted, StateChanged
from greenroomd.domain.events import Event, EventType
from greenroomd.domain.session import Session, etag
from greenroomd.domain.states import LIVE, TRANSITIONS, Signal, State, allowed
from greenroomd.domain.turn import Problem

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
CRASH = Problem(reason="PROCESS_EXITED", message="the process was killed", signal=9)

# Every move that a session may make, stated a second time and by its ends alone.
MOVES = {
    "created": "initializing error closing",
    "initializing": "ready suspended error closing",
    "ready": "active idle suspended initializing error closing",
    "active": "idle suspended error closing",
    "idle": "active suspended initializing error closing",
    "suspended": "initializing error closing",
    "error": "initializing closing",
    "closing": "closed error",
    "closed": "",
}

HEADLINES = {
    State.SUSPENDED: EventType.SESSION_SUSPENDED,
    State.CLOSED: EventType.SESSION_CLOSED,
    State.ERROR: EventType.SESSION_ERROR,
}


def session_in(state: State) -> Session:
    return Session(
        session_id="5c6f0f4e-7a52-4d9e-9d0b-0c8a3f1e2d4b",
        workspace_id="default",
        config=SessionConfig(working_dir="/srv/project"),
        state=state,
        state_time=NOON,
        cli_session_id="5c6f0f4e-7a52-4d9e-9d0b-0c8a3f1e2d4b",
        create_time=NOON,
        update_time=NOON,
        last_active_time=NOON,
    )


def reachable_from(state: State) -> set[State]:
    seen, todo = {state}, [state]
    while todo:
        todo += (new := set(TRANSITIONS[todo.pop()].values()) - seen)
        seen |= new
    return seen


def move_of(events: list[Event]) -> StateChanged:
    [moved] = [event for event in events if event.type is EventType.SESSION_STATE_CHANGED]
    assert isinstance(moved.payload, StateChanged)
    return moved.payload


def test_the_table_covers_every_state_and_every_signal() -> None:
    assert set(TRANSITIONS) == set(State)
    assert {signal for row in TRANSITIONS.values() for signal in row} == set(Signal)


def test_the_table_allows_exactly_the_agreed_moves() -> None:
    table = {state: {target.value for target in row.values()} for state, row in TRANSITIONS.items()}
    assert table == {state: set(targets.split()) for state, targets in MOVES.items()}


def test_every_state_can_be_reached_and_every_session_can_be_closed() -> None:
    assert reachable_from(State.CREATED) == set(State)
    assert all(State.CLOSED in reachable_from(state) for state in State)
    assert reachable_from(State.CLOSED) == {State.CLOSED}


def test_no_signal_leaves_a_session_where_it_is() -> None:
    assert all(state is not target for state, row in TRANSITIONS.items() for target in row.values())


def test_only_states_around_a_process_are_live() -> None:
    assert {state for state in State if session_in(state).live} == LIVE
    assert set(State) - LIVE == {State.CREATED, State.SUSPENDED, State.ERROR, State.CLOSED}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("signal", Signal)
def test_each_signal_moves_by_the_table_or_is_refused(state: State, signal: Signal) -> None:
    session = session_in(state)
    target = TRANSITIONS[state].get(signal)
    if target is None:
        with pytest.raises(IllegalTransition) as refused:
            decide(session, signal, at=NOON)
        assert (refused.value.from_state, refused.value.signal) == (state, signal)
        assert refused.value.allowed == tuple(allowed(state))
    else:
        after, events = decide(session, signal, at=NOON + timedelta(seconds=1))
        assert after.state is target
        assert [event.type for event in events[1:]] == ([HEADLINES[target]] if target in HEADLINES else [])


def test_a_session_has_an_error_in_error_alone() -> None:
    failed, events = decide(session_in(State.ACTIVE), Signal.FAIL, at=NOON, error=CRASH)
    assert failed.error == CRASH
    assert move_of(events).error == CRASH
    closing, events = decide(failed, Signal.CLOSE, at=NOON)
    assert closing.error is None
    assert move_of(events).error is None
    started, _ = decide(failed, Signal.START, at=NOON)
    assert started.error is None


def test_only_the_arrival_in_closed_sets_the_time_of_closing() -> None:
    closing, _ = decide(session_in(State.IDLE), Signal.CLOSE, at=NOON)
    assert closing.close_time is None
    closed, _ = decide(closing, Signal.ENDED, at=NOON + timedelta(seconds=3))
    assert closed.close_time == NOON + timedelta(seconds=3)


def test_a_move_touches_nothing_but_what_it_says() -> None:
    before = replace(
        session_in(State.READY), labels={"team": "blue"}, current_turn_id="t", last_sequence=7, revision=9
    )
    after, _ = decide(before, Signal.SUSPEND, at=NOON + timedelta(hours=1), reason="IDLE_TIMEOUT")
    moved = {"state", "state_reason", "state_time", "update_time", "version"}
    changed = {
        each.name for each in fields(Session) if getattr(before, each.name) != getattr(after, each.name)
    }
    assert changed == moved


class Walk(RuleBasedStateMachine):
    """A session that gets any signal at any time; the model is the list of agreed moves."""

    def __init__(self) -> None:
        super().__init__()
        self.begin()

    def begin(self) -> None:
        self.session = session_in(State.CREATED)
        self.log: list[StateChanged] = []

    @rule(choice=st.integers(0, 3))
    def go_on(self, choice: int) -> None:
        """Send one of the first signals that the state takes, or a walk would seldom get far from an end."""
        signals = list(TRANSITIONS[self.session.state]) or list(Signal)
        self.send(signals[choice % len(signals)])

    @rule(signal=st.sampled_from(Signal))
    def send(self, signal: Signal) -> None:
        before, at = self.session, self.session.state_time + timedelta(seconds=1)
        reason = f"R{before.version}"
        try:
            after, events = decide(before, signal, at=at, reason=reason, actor="alice")
        except IllegalTransition:
            assert signal not in allowed(before.state)
            if before.state is State.CLOSED:  # nothing leads out of it: a new session walks on
                self.begin()
            return
        self.session = after
        move = move_of(events)
        assert (move.from_state, move.to_state, move.reason) == (before.state, after.state, reason)
        assert (after.state_time, after.update_time, after.state_reason) == (at, at, reason)
        assert after.version == before.version + 1
        assert etag(after) != etag(before)
        assert {(event.time, event.actor) for event in events} == {(at, "alice")}
        for event in events:
            assert not isinstance(event.payload, SessionNoted) or event.payload.session == after
        self.log.append(move)

    @invariant()
    def the_log_tells_a_legal_way_from_created_to_here(self) -> None:
        states = ["created", *(move.to_state for move in self.log)]
        assert [move.from_state for move in self.log] == states[:-1]
        assert states[-1] == self.session.state
        assert all(move.to_state in MOVES[move.from_state].split() for move in self.log)


TestWalk = Walk.TestCase
TestWalk.settings = settings(max_examples=50, stateful_step_count=100)
