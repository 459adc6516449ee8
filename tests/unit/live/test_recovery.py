"""A session that crashes comes back by itself, as often and as late as its policy says, and never repeats a turn."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from greenroomd.domain.config import Limits, RecoveryMode, RecoveryPolicy
from greenroomd.domain.decision.actions import LaunchProcess, SayPrompt
from greenroomd.domain.decision.live import Ending, Purpose
from greenroomd.domain.event_payloads import RecoveryScheduled
from greenroomd.domain.events import EventType
from greenroomd.domain.lifecycle import orders, reconfiguration
from greenroomd.domain.lifecycle.process import process_end
from greenroomd.domain.lifecycle.process.crash_recovery import RECOVERING, backoff
from greenroomd.domain.lifecycle.reconfiguration import Apply, Patch
from greenroomd.domain.session import Recovery
from greenroomd.domain.states import State
from greenroomd.domain.turn import Problem, TurnState
from unit.live import says
from unit.live.owner import Owner, payloads

SECOND = timedelta(seconds=1)
MICROSECOND = timedelta(microseconds=1)
REFUSED = Problem(reason="HANDSHAKE_FAILED", message="no", exit_code=1)


def tough(*, max_restarts: int = 5, **config: Any) -> Owner:
    """Return the owner of a session that has a process ready, and comes back."""
    policy = RecoveryPolicy(mode=RecoveryMode.ON_CRASH, max_restarts=max_restarts)
    return Owner(config={"recovery": policy, **config}).launched().forget()


def come_back(owner: Owner) -> Owner:
    """Let the process come that is being launched."""
    assert owner.live.launching
    return owner.launched(pid=4712)


def test_a_crash_is_told_with_the_time_of_the_restart() -> None:
    owner = tough()
    owner.exits(signal=9)
    assert owner.told() == [
        EventType.PROCESS_EXITED,
        EventType.SESSION_STATE_CHANGED,
        EventType.SESSION_ERROR,
        EventType.SESSION_RECOVERY_SCHEDULED,
    ]
    assert owner.state is State.ERROR
    recovery = owner.session.recovery
    assert (recovery.attempt, recovery.max_attempts, recovery.recoverable) == (0, 5, True)
    assert recovery.next_attempt_time == owner.at + SECOND
    assert not owner.live.at_rest


def test_the_session_starts_again_when_the_time_has_come_and_not_before() -> None:
    owner = tough()
    owner.exits(signal=9)
    owner.forget().wait(SECOND - MICROSECOND)
    assert (owner.state, owner.done()) == (State.ERROR, [])
    owner.wait(MICROSECOND)
    assert (owner.state, owner.session.state_reason, owner.done()) == (
        State.INITIALIZING,
        RECOVERING,
        [LaunchProcess()],
    )
    assert (owner.session.recovery.attempt, owner.session.recovery.next_attempt_time) == (1, None)
    come_back(owner)
    assert owner.state is State.READY
    assert owner.session.error is None
    assert owner.session.process.restart_count == 1
    assert replace(owner.session.recovery, restarts=()) == Recovery()


def test_the_interrupted_turn_is_not_sent_again_and_the_waiting_one_is() -> None:
    owner = tough()
    cut = owner.prompt("danger")
    owner.says(says.RUNNING, says.init(), says.tool_use())
    waiting = owner.prompt("next", queue=True)
    owner.forget().exits(signal=9)
    assert owner.turns[cut.turn_id].state is TurnState.INTERRUPTED
    assert owner.turns[cut.turn_id].side_effects_unknown
    assert owner.turns[waiting.turn_id].state is TurnState.QUEUED
    owner.wait(SECOND)
    come_back(owner)
    said = [action.turn.turn_id for action in owner.done() if isinstance(action, SayPrompt)]
    assert said == [waiting.turn_id]


def test_the_wait_doubles_while_it_keeps_crashing() -> None:
    owner = tough()
    waits = []
    for _ in range(5):
        owner.exits(code=1)
        due = owner.session.recovery.next_attempt_time
        assert due is not None
        waits.append((due - owner.at).total_seconds())
        owner.wait(due - owner.at)
        come_back(owner)
    assert waits == [1, 2, 4, 8, 16]
    assert backoff(RecoveryPolicy(), 6) == backoff(RecoveryPolicy(), 10**9) == timedelta(seconds=60)


def test_after_its_last_restart_it_stays_in_error_and_fails_what_waits() -> None:
    owner = tough(max_restarts=1)
    owner.exits(code=1)
    owner.wait(SECOND)
    come_back(owner)
    owner.prompt()
    waiting = owner.prompt(queue=True)
    owner.forget().exits(code=1)
    recovery = owner.session.recovery
    assert (recovery.attempt, recovery.max_attempts, recovery.next_attempt_time) == (1, 1, None)
    assert recovery.recoverable
    assert EventType.SESSION_RECOVERY_SCHEDULED not in owner.told()
    assert owner.turns[waiting.turn_id].state is TurnState.FAILED
    assert owner.live.at_rest
    owner.launched()
    assert owner.state is State.READY


def test_restarts_are_forgotten_once_the_session_has_run_for_a_window() -> None:
    owner = tough(max_restarts=1)
    owner.exits(code=1)
    owner.wait(SECOND)
    come_back(owner)
    owner.wait(timedelta(seconds=60))
    owner.exits(code=1)
    assert owner.session.recovery.next_attempt_time == owner.at + SECOND


def test_a_restart_that_fails_is_tried_again() -> None:
    owner = tough(max_restarts=2)
    owner.exits(code=1)
    owner.wait(SECOND)
    owner.slot_granted()
    owner.decide(lambda step: process_end.not_started(step, REFUSED))
    assert owner.session.recovery.next_attempt_time == owner.at + 2 * SECOND
    owner.wait(2 * SECOND)
    owner.decide(lambda step: process_end.not_started(step, REFUSED))
    assert owner.live.at_rest
    assert owner.session.recovery.attempt == 2


def test_a_first_start_that_fails_is_not() -> None:
    owner = Owner(config={"recovery": RecoveryPolicy(mode=RecoveryMode.ON_CRASH)})
    owner.decide(orders.start)
    owner.decide(lambda step: process_end.not_started(step, REFUSED))
    assert owner.live.at_rest


@pytest.mark.parametrize(
    ("reason", "comes_back"),
    [("INPUT_STALLED", True), ("CONVERSATION_LOST", False), ("LIMIT_REACHED", False)],
)
def test_a_fault_that_another_process_would_not_mend_is_final(reason: str, comes_back: bool) -> None:
    owner = tough()
    ending = Ending(purpose=Purpose.FAIL, error=Problem(reason=reason, message="broken"))
    owner.decide(lambda step: process_end.end_for(step, ending))
    owner.exits(code=0)
    assert owner.live.recovering == comes_back


def test_a_start_or_a_close_meanwhile_is_carried_out_at_once() -> None:
    owner = tough()
    owner.exits(code=1)
    owner.decide(orders.start)
    assert owner.state is State.INITIALIZING
    assert not owner.live.recovering
    come_back(owner).exits(code=1)
    waiting = owner.session.recovery.next_attempt_time
    assert waiting is not None
    owner.forget().decide(orders.close)
    assert (owner.state, owner.live.at_rest) == (State.CLOSED, True)
    owner.wait(timedelta(hours=1))
    assert owner.done() == []


def test_a_session_whose_time_is_up_does_not_come_back() -> None:
    owner = tough(limits=Limits(max_duration=timedelta(seconds=2)))
    owner.wait(SECOND)
    owner.exits(code=1)
    owner.forget().wait(SECOND)
    assert (owner.state, owner.done()) == (State.CLOSED, [])


def withdraw_the_policy(owner: Owner) -> None:
    """Have the session not restarted any more."""
    config = replace(owner.session.config, recovery=RecoveryPolicy())
    patch = Patch(paths=["config.recovery_policy"], config=config)
    owner.decide(lambda step: reconfiguration.update(step, patch, Apply.WHEN_IDLE))


@pytest.mark.parametrize("prompts", [0, 2])
def test_a_policy_that_was_withdrawn_meanwhile_is_not_followed(prompts: int) -> None:
    owner = tough()
    turns = [owner.prompt(queue=True) for _ in range(prompts)]
    owner.exits(code=1)
    withdraw_the_policy(owner)
    owner.forget().wait(SECOND)
    assert (owner.state, owner.done(), owner.live.at_rest) == (State.ERROR, [], True)
    assert (owner.session.unsettled, owner.session.recovery.max_attempts) == (False, 0)
    assert all(owner.turns[turn.turn_id].state.final for turn in turns)


def test_after_the_loss_of_its_server_it_comes_back_at_once() -> None:
    owner = tough()
    turn = owner.prompt()
    owner.lose_memory().forget().decide(process_end.owner_lost)
    assert owner.turns[turn.turn_id].state is TurnState.INTERRUPTED
    assert (owner.state, owner.done()) == (State.INITIALIZING, [LaunchProcess()])


def test_what_was_planned_is_told_as_it_is_stored() -> None:
    owner = tough()
    owner.exits(code=1)
    (planned,) = payloads(owner.events, RecoveryScheduled)
    assert planned == RecoveryScheduled(attempt=1, max_attempts=5, at=owner.at + SECOND)
