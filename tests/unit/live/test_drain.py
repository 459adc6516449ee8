"""A server that stops: what becomes of its sessions and their turns, and what its next run finds."""

from __future__ import annotations

from datetime import timedelta

from greenroomd.domain.decision.actions import AbandonLaunch, EndProcess, InterruptCli, LaunchProcess
from greenroomd.domain.lifecycle import orders
from greenroomd.domain.lifecycle.process import process_end
from greenroomd.domain.states import DRAINING, State
from greenroomd.domain.turn import Problem, Turn, TurnState
from unit.live import says
from unit.live.owner import Owner, an_owner

SECOND = timedelta(seconds=1)
ABANDONED = Problem(reason="SPAWN_FAILED", message="the start was abandoned")


def drain(owner: Owner, *, grace: timedelta = timedelta()) -> None:
    owner.decide(lambda step: orders.drain(step, grace=grace))


def runs_after_the_next_start(owner: Owner, turn: Turn) -> bool:
    """Have the next run of the server find the session, and say whether the turn runs then."""
    assert owner.live.at_rest
    assert LaunchProcess() not in owner.done()
    assert owner.turns[turn.turn_id].state is TurnState.QUEUED
    assert owner.session.live
    owner.lose_memory().decide(process_end.owner_lost)
    assert owner.done() == [LaunchProcess()]
    owner.launched()
    return owner.turns[turn.turn_id].state is TurnState.RUNNING


def test_a_session_that_waits_for_its_first_process_is_left_waiting() -> None:
    owner = Owner()
    owner.decide(lambda step: step.update_live(launching=True, launched_at=step.moment))
    drain(owner)
    assert AbandonLaunch() in owner.done()
    owner.slot_granted()  # it was on its way already
    owner.decide(lambda step: process_end.not_started(step, ABANDONED))
    assert owner.state is State.CREATED
    assert not owner.live.launching
    assert LaunchProcess() not in owner.done()


def test_what_is_idle_is_suspended() -> None:
    owner = an_owner()
    owner.answers(owner.prompt())
    drain(owner, grace=10 * SECOND)
    assert EndProcess() in owner.done()
    owner.exits()
    assert (owner.state, owner.session.state_reason) == (State.SUSPENDED, DRAINING)
    assert owner.live.at_rest


def test_a_running_turn_may_finish_within_the_grace() -> None:
    owner = an_owner()
    turn = owner.prompt()
    owner.forget()
    drain(owner, grace=10 * SECOND)
    owner.wait(9 * SECOND)
    assert owner.done() == []
    assert owner.answers(turn).state is TurnState.COMPLETED
    assert owner.done() == [EndProcess()]
    owner.exits()
    assert (owner.state, owner.session.state_reason) == (State.SUSPENDED, DRAINING)


def test_after_the_grace_it_is_interrupted_and_what_waits_is_kept() -> None:
    owner = an_owner()
    running, waiting = owner.prompt(), owner.prompt(queue=True)
    owner.forget()
    drain(owner, grace=10 * SECOND)
    owner.wait(10 * SECOND)
    assert owner.done() == [InterruptCli()]
    owner.says(says.aborted(running.turn_id), says.IDLE)
    ended = owner.turns[running.turn_id]
    assert ended.error is not None
    assert (ended.state, ended.error.message) == (TurnState.INTERRUPTED, "the server is shutting down")
    assert owner.done() == [EndProcess()]
    owner.exits(code=1)
    assert runs_after_the_next_start(owner, waiting)


def test_without_grace_it_is_interrupted_at_once() -> None:
    owner = an_owner()
    owner.prompt()
    owner.forget()
    drain(owner)
    assert owner.done() == [InterruptCli()]


def test_a_turn_that_waits_for_a_process_is_kept() -> None:
    owner = Owner()
    waiting = owner.prompt()
    owner.forget()
    drain(owner)
    assert owner.done() == [AbandonLaunch()]
    owner.decide(lambda step: process_end.not_started(step, ABANDONED))
    assert runs_after_the_next_start(owner, waiting)


def test_a_failure_that_ends_the_process_already_is_not_lost() -> None:
    owner = an_owner()
    owner.prompt()
    owner.says(says.text("elsewhere", cli_session_id="another"))
    drain(owner, grace=10 * SECOND)
    owner.exits()
    assert (owner.state, owner.session.state_reason) == (State.ERROR, "CONVERSATION_LOST")
