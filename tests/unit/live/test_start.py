"""From a new session to a process that is ready, by every road, and what happens on the way."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from greenroomd.domain.decision.actions import AbandonLaunch, LaunchProcess
from greenroomd.domain.decision.live import Live
from greenroomd.domain.errors import IllegalTransition
from greenroomd.domain.event_payloads import ProcessExited, ProcessReady
from greenroomd.domain.events import EventType
from greenroomd.domain.lifecycle import orders
from greenroomd.domain.lifecycle.process import process_end, process_start
from greenroomd.domain.states import TURN_ARRIVED, WAITING_FOR_PROCESS, State
from greenroomd.domain.turn import Problem, TurnState
from unit.live import says
from unit.live.owner import Owner, a_session, an_owner, payloads

NO_SLOT = Problem(reason="NO_SLOT", message="no slot within the wait")
REFUSED = Problem(reason="HANDSHAKE_FAILED", message="bad flag", exit_code=1, stderr_tail="error: bad flag")


def queued_by_itself() -> Owner:
    """Return the owner of a session with start mode AUTO: its launch is under way though it is CREATED."""
    owner = Owner()
    owner.live = Live(session=a_session(), launching=True, launched_at=owner.moment)
    return owner


def test_a_start_asks_for_a_process_and_is_ready_after_its_handshake() -> None:
    owner = Owner()
    owner.decide(orders.start)
    assert (owner.state, owner.session.state_reason) == (State.INITIALIZING, WAITING_FOR_PROCESS)
    assert owner.done() == [LaunchProcess()]
    owner.slot_granted()
    assert owner.session.state_reason == ""
    owner.spawned(pid=4711)
    assert owner.session.process.pid == 4711
    owner.ready()
    assert owner.state is State.READY
    assert owner.session.process.cli_version == "2.1.330"
    assert owner.session.observed_config_generation == 1
    assert payloads(owner.events, ProcessReady)[0].startup == timedelta(milliseconds=200)
    assert owner.told() == [
        EventType.SESSION_STATE_CHANGED,
        EventType.PROCESS_SPAWNED,
        EventType.SESSION_STATE_CHANGED,
        EventType.PROCESS_READY,
        EventType.SESSION_STARTED,
    ]
    assert owner.done() == []


def test_an_auto_session_leaves_created_with_its_slot() -> None:
    owner = queued_by_itself()
    assert owner.told() == []
    owner.slot_granted()
    assert owner.state is State.INITIALIZING
    assert owner.done() == []  # the launch was under way already


def test_a_start_of_a_session_that_waits_keeps_its_place_in_the_queue() -> None:
    owner = queued_by_itself()
    owner.decide(orders.start)
    assert owner.state is State.INITIALIZING
    assert owner.done() == []


def test_a_turn_starts_a_session_and_begins_as_soon_as_it_is_ready() -> None:
    owner = Owner()
    turn = owner.prompt()
    assert (owner.state, owner.session.state_reason) == (State.INITIALIZING, TURN_ARRIVED)
    assert turn.state is TurnState.QUEUED
    owner.launched()
    assert owner.state is State.ACTIVE
    assert owner.turns[turn.turn_id].state is TurnState.RUNNING


@pytest.mark.parametrize("state", sorted(set(State) - {State.CREATED, State.ERROR}))
def test_only_what_never_ran_or_failed_can_be_started(state: State) -> None:
    owner = Owner(state=state)
    with pytest.raises(IllegalTransition):
        owner.decide(orders.start)


@pytest.mark.parametrize("state", sorted(set(State) - {State.SUSPENDED}))
def test_only_a_suspended_session_can_be_resumed(state: State) -> None:
    owner = Owner(state=state)
    with pytest.raises(IllegalTransition):
        owner.decide(orders.resume)


def test_no_slot_in_time_is_an_error_of_the_session() -> None:
    owner = queued_by_itself()
    owner.decide(lambda step: process_end.not_started(step, NO_SLOT))
    assert owner.state is State.ERROR
    assert owner.session.error == NO_SLOT
    assert owner.told() == [EventType.SESSION_STATE_CHANGED, EventType.SESSION_ERROR]
    assert owner.live.at_rest


def test_a_process_that_ends_before_its_handshake_says_why_and_fails_what_waits() -> None:
    owner = Owner()
    turn = owner.prompt()
    owner.slot_granted()
    owner.spawned()
    owner.decide(lambda step: process_end.not_started(step, REFUSED))
    assert owner.state is State.ERROR
    assert owner.session.error == REFUSED
    assert owner.session.process.pid == 0
    (exited,) = payloads(owner.events, ProcessExited)
    assert (exited.code, exited.stderr_tail, exited.expected) == (1, "error: bad flag", False)
    failed = owner.turns[turn.turn_id]
    assert (failed.state, failed.error, failed.side_effects_unknown) == (TurnState.FAILED, REFUSED, False)


def test_a_failed_session_can_be_started_again_and_forgets_its_error() -> None:
    owner = Owner()
    owner.decide(orders.start)
    owner.decide(lambda step: process_end.not_started(step, REFUSED))
    owner.launched()
    assert (owner.state, owner.session.error) == (State.READY, None)


def test_closing_abandons_a_launch_once() -> None:
    owner = Owner()
    turn = owner.prompt()
    owner.forget()
    owner.decide(lambda step: orders.suspend(step, force=True))
    owner.decide(orders.close)
    assert owner.done() == [AbandonLaunch()]
    assert owner.turns[turn.turn_id].state is TurnState.INTERRUPTED
    owner.slot_granted()  # it was on its way when the launch was abandoned
    assert owner.session.state_reason == "REQUESTED"
    owner.decide(
        lambda step: process_end.not_started(step, Problem(reason="SPAWN_FAILED", message="abandoned"))
    )
    assert (owner.state, owner.session.error) == (State.CLOSED, None)


def test_a_handshake_that_crosses_the_end_of_the_launch_is_not_acted_on() -> None:
    owner = Owner()
    owner.decide(orders.start)
    owner.slot_granted()
    owner.spawned()
    owner.decide(orders.suspend)
    owner.ready()
    assert owner.state is State.INITIALIZING
    owner.decide(
        lambda step: process_end.not_started(step, Problem(reason="SPAWN_FAILED", message="abandoned"))
    )
    assert (owner.state, owner.session.error) == (State.SUSPENDED, None)
    assert owner.live.at_rest


def test_a_turn_that_comes_while_the_launch_is_abandoned_starts_another() -> None:
    owner = Owner()
    owner.decide(orders.start)
    owner.decide(orders.suspend)
    owner.forget()
    turn = owner.prompt()
    owner.decide(
        lambda step: process_end.not_started(step, Problem(reason="SPAWN_FAILED", message="abandoned"))
    )
    assert owner.state is State.INITIALIZING
    assert owner.done() == [LaunchProcess()]
    owner.launched()
    assert owner.turns[turn.turn_id].state is TurnState.RUNNING


def test_a_resumed_conversation_is_told_as_resumed() -> None:
    owner = an_owner()
    owner.answers(owner.prompt())
    owner.decide(orders.suspend)
    owner.exits()
    owner.forget().launched()
    assert EventType.SESSION_RESUMED in owner.told()


def test_a_process_that_was_started_ahead_brings_a_conversation_of_its_own() -> None:
    owner = Owner()
    owner.decide(orders.start)
    owner.slot_granted()
    facts = replace(owner.session.process, pid=4711, from_warm_pool=True)
    config = owner.session.config
    owner.decide(lambda step: process_start.spawned(step, facts, config, 1, (), "its-own"))
    owner.ready().prompt()
    owner.says(says.RUNNING, says.init(cli_session_id="its-own"))
    assert owner.session.cli_session_id == "its-own"
    assert owner.state is State.ACTIVE
