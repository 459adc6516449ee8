"""Suspending, restarting and closing: what happens to turns, what becomes of the session, and when."""

from __future__ import annotations

from datetime import timedelta

import pytest

from greenroomd.domain.decision.actions import EndProcess, InterruptCli, LaunchProcess
from greenroomd.domain.errors import IllegalTransition, TurnRunning
from greenroomd.domain.event_payloads import ProcessExited
from greenroomd.domain.events import EventType
from greenroomd.domain.lifecycle import orders
from greenroomd.domain.states import POOL_PRESSURE, State
from greenroomd.domain.turn import TurnState
from unit.live import says
from unit.live.owner import Owner, an_owner, payloads

SECOND = timedelta(seconds=1)


def suspend(owner: Owner, *, force: bool = False) -> None:
    owner.decide(lambda step: orders.suspend(step, force=force))


def restart(owner: Owner, *, force: bool = False) -> None:
    owner.decide(lambda step: orders.restart(step, reason="CONFIG_CHANGED", force=force))


def close(owner: Owner, *, grace: timedelta = timedelta(), force: bool = False) -> None:
    owner.decide(lambda step: orders.close(step, grace=grace, force=force))


# Suspend


def test_a_session_is_suspended_once_its_process_is_gone() -> None:
    owner = an_owner()
    suspend(owner)
    assert owner.state is State.READY
    assert owner.done() == [EndProcess(gently=True)]
    owner.exits()
    assert (owner.state, owner.session.state_reason, owner.session.error) == (
        State.SUSPENDED,
        "REQUESTED",
        None,
    )
    assert owner.live.at_rest
    (exited,) = payloads(owner.events, ProcessExited)
    assert exited.expected
    assert owner.told() == [
        EventType.PROCESS_EXITED,
        EventType.SESSION_STATE_CHANGED,
        EventType.SESSION_SUSPENDED,
    ]


def test_suspending_a_suspended_session_has_no_effect() -> None:
    owner = Owner(state=State.SUSPENDED)
    suspend(owner)
    assert (owner.told(), owner.done()) == ([], [])


@pytest.mark.parametrize("state", [State.CREATED, State.ERROR, State.CLOSING, State.CLOSED])
def test_what_has_no_conversation_to_keep_cannot_be_suspended(state: State) -> None:
    owner = Owner(state=state)
    with pytest.raises(IllegalTransition):
        suspend(owner, force=True)


@pytest.mark.parametrize("stop", [suspend, restart])
def test_an_open_turn_is_not_stopped_without_force(stop: type) -> None:
    owner = an_owner()
    turn = owner.prompt()
    before = owner.live
    with pytest.raises(TurnRunning) as refusal:
        stop(owner)
    assert refusal.value.turn_id == turn.turn_id
    assert owner.live == before


def test_a_forced_suspension_interrupts_the_turn_and_drops_what_waits() -> None:
    owner = an_owner()
    running, waiting = owner.prompt(), owner.prompt(queue=True)
    owner.forget()
    suspend(owner, force=True)
    assert owner.done() == [InterruptCli()]
    assert owner.turns[waiting.turn_id].state is TurnState.INTERRUPTED
    assert owner.state is State.ACTIVE
    owner.says(says.aborted(running.turn_id), says.IDLE)
    assert owner.turns[running.turn_id].state is TurnState.INTERRUPTED
    assert owner.done() == [EndProcess(gently=True)]
    owner.exits(code=1)  # the code of a CLI whose last result was an error
    assert (owner.state, owner.session.error) == (State.SUSPENDED, None)


def test_a_turn_that_does_not_obey_cannot_hinder_a_suspension() -> None:
    owner = an_owner()
    turn = owner.prompt()
    suspend(owner, force=True)
    owner.forget().wait(owner.timeouts.interrupt_grace)
    assert owner.done() == [EndProcess(gently=False)]
    owner.exits(code=143)
    assert owner.turns[turn.turn_id].side_effects_unknown
    assert owner.state is State.SUSPENDED


def test_a_turn_that_comes_during_the_end_of_the_process_brings_the_session_back() -> None:
    owner = an_owner()
    suspend(owner)
    owner.forget()
    turn = owner.prompt()
    assert turn.state is TurnState.QUEUED
    owner.exits()
    assert owner.state is State.INITIALIZING
    assert owner.done() == [LaunchProcess()]
    owner.launched()
    assert owner.turns[turn.turn_id].state is TurnState.RUNNING


def test_only_a_session_at_rest_with_a_process_can_be_evicted() -> None:
    owner = Owner()
    assert not owner.live.evictable
    owner.launched()
    assert owner.live.evictable
    turn = owner.prompt()
    assert not owner.live.evictable
    owner.answers(turn)
    assert owner.live.evictable
    owner.says(says.RUNNING)
    assert not owner.live.evictable  # a background task has work to do
    owner.says(says.IDLE)
    owner.decide(lambda step: orders.suspend(step, reason=POOL_PRESSURE))
    assert not owner.live.evictable
    owner.exits()
    assert (owner.state, owner.session.state_reason) == (State.SUSPENDED, POOL_PRESSURE)


# Restart


def test_a_restart_is_told_as_one() -> None:
    owner = an_owner()
    owner.answers(owner.prompt())
    owner.forget()
    restart(owner)
    assert owner.done() == [EndProcess()]
    owner.exits()
    assert (owner.state, owner.session.process.restart_count) == (State.INITIALIZING, 1)
    assert owner.done() == [LaunchProcess()]
    owner.launched()
    assert (owner.state, owner.session.state_reason) == (State.READY, "CONFIG_CHANGED")
    assert owner.told() == [
        EventType.PROCESS_EXITED,
        EventType.SESSION_STATE_CHANGED,
        EventType.PROCESS_SPAWNED,
        EventType.SESSION_STATE_CHANGED,
        EventType.PROCESS_READY,
        EventType.SESSION_RESTARTED,
    ]
    suspend(owner)
    owner.exits()
    owner.forget().launched()
    assert EventType.SESSION_RESUMED in owner.told()  # the next start is no restart any more


def test_a_forced_restart_interrupts_the_turn_and_keeps_what_waits() -> None:
    owner = an_owner()
    running, waiting = owner.prompt(), owner.prompt(queue=True)
    owner.forget()
    restart(owner, force=True)
    assert owner.done() == [InterruptCli()]
    owner.says(says.aborted(running.turn_id), says.IDLE)
    assert owner.done() == [EndProcess()]
    owner.exits()
    owner.launched()
    assert owner.turns[running.turn_id].state is TurnState.INTERRUPTED
    assert owner.turns[waiting.turn_id].state is TurnState.RUNNING


def test_a_forced_restart_between_turns_keeps_what_waits_too() -> None:
    owner = an_owner()
    owner.says(says.RUNNING)
    waiting = owner.prompt()
    owner.forget()
    restart(owner, force=True)
    assert owner.done() == [EndProcess()]
    owner.exits()
    owner.launched()
    assert owner.turns[waiting.turn_id].state is TurnState.RUNNING


def test_a_restart_can_still_become_a_suspension_or_a_close() -> None:
    owner = an_owner()
    restart(owner)
    suspend(owner)
    assert owner.done() == [EndProcess()]
    close(owner)
    assert owner.done() == []
    owner.exits()
    assert owner.state is State.CLOSED


# Close


@pytest.mark.parametrize("state", [State.CREATED, State.SUSPENDED, State.ERROR])
def test_a_session_without_a_process_is_closed_at_once(state: State) -> None:
    owner = Owner(state=state)
    close(owner)
    assert (owner.state, owner.session.close_time) == (State.CLOSED, owner.at)
    assert owner.done() == []


def test_an_idle_session_is_closed_when_its_process_is_gone() -> None:
    owner = an_owner()
    close(owner)
    assert (owner.state, owner.done()) == (State.CLOSING, [EndProcess()])
    close(owner, force=True)
    assert owner.done() == []
    owner.exits()
    assert owner.state is State.CLOSED
    close(owner)
    assert owner.state is State.CLOSED


def test_without_grace_the_turn_is_interrupted_at_once() -> None:
    owner = an_owner()
    running, waiting = owner.prompt(), owner.prompt(queue=True)
    owner.forget()
    close(owner)
    assert owner.done() == [InterruptCli()]
    assert owner.turns[waiting.turn_id].state is TurnState.INTERRUPTED
    owner.says(says.aborted(running.turn_id), says.IDLE)
    assert (owner.state, owner.done()) == (State.CLOSING, [EndProcess()])
    owner.exits(code=1)
    assert owner.state is State.CLOSED


def test_within_its_grace_the_turn_may_finish() -> None:
    owner = an_owner()
    turn = owner.prompt()
    owner.forget()
    close(owner, grace=30 * SECOND)
    assert (owner.state, owner.done()) == (State.CLOSING, [])
    assert owner.answers(turn).state is TurnState.COMPLETED
    assert owner.done() == [EndProcess(gently=True)]
    owner.wait(60 * SECOND)
    assert owner.done() == []  # the grace was for the turn, not for the end of the process
    owner.exits()
    assert owner.state is State.CLOSED


def test_beyond_its_grace_the_turn_is_interrupted_then_ended() -> None:
    owner = an_owner()
    turn = owner.prompt()
    owner.forget()
    close(owner, grace=30 * SECOND)
    owner.wait(30 * SECOND)
    assert owner.done() == [InterruptCli()]
    owner.wait(owner.timeouts.interrupt_grace)
    assert owner.done() == [EndProcess(gently=False)]
    owner.exits(signal=9)
    assert owner.state is State.CLOSED
    assert owner.turns[turn.turn_id].state is TurnState.INTERRUPTED


def test_an_interrupt_shortens_a_grace_and_is_not_repeated_by_it() -> None:
    owner = an_owner()
    owner.prompt()
    close(owner, grace=3 * SECOND)
    owner.forget().decide(lambda step: orders.interrupt(step, ""))
    owner.wait(4 * SECOND)
    assert owner.done() == [InterruptCli()]
    owner.wait(1 * SECOND)
    assert owner.done() == [EndProcess(gently=False)]


def test_an_end_that_cannot_be_proven_is_an_error() -> None:
    owner = an_owner()
    close(owner)
    owner.exits(signal=9, group_gone=False)
    assert owner.session.error is not None
    assert (owner.state, owner.session.error.reason) == (State.ERROR, "PROCESS_NOT_ENDED")
    close(owner)
    assert owner.state is State.CLOSED
