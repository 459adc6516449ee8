"""A budget holds over all processes of a session; costs are counted once."""

import pytest

from greenroomd.domain.decision.actions import EndProcess
from greenroomd.domain.event_payloads import LimitReached
from greenroomd.domain.events import EventType
from greenroomd.domain.lifecycle import orders
from greenroomd.domain.states import State
from greenroomd.domain.turn import TurnState
from unit.live.owner import an_owner, payloads
from unit.live.says import IDLE, aborted

BUDGET = {"max_budget_usd": 0.01}


def test_the_session_is_closed_when_nothing_is_left() -> None:
    owner = an_owner(config=BUDGET)
    owner.answers(owner.prompt(), total_cost_usd=0.004)
    assert owner.session.state.value == "idle"
    owner.answers(owner.prompt(), total_cost_usd=0.01)
    assert owner.state is State.CLOSING
    assert EndProcess() in owner.done()
    (limit,) = payloads(owner.events, LimitReached)
    assert limit.limit == "max_budget_usd"
    owner.exits()
    assert (owner.state, owner.session.state_reason) == (State.CLOSED, "BUDGET_EXHAUSTED")


def test_turns_that_wait_are_dropped_with_it() -> None:
    owner = an_owner(config=BUDGET)
    first, second = owner.prompt(), owner.prompt(queue=True)
    assert owner.answers(first, total_cost_usd=0.02).state is TurnState.COMPLETED
    assert owner.turns[second.turn_id].state is TurnState.INTERRUPTED
    assert owner.turns[second.turn_id].start_time is None


def test_what_an_interrupted_turn_cost_counts() -> None:
    owner = an_owner(config=BUDGET)
    turn = owner.prompt()
    owner.decide(lambda step: orders.interrupt(step, turn.turn_id))
    owner.says(aborted(turn.turn_id, total_cost_usd=0.02), IDLE)
    assert owner.turns[turn.turn_id].state is TurnState.INTERRUPTED
    assert owner.state is State.CLOSING


def test_another_process_does_not_begin_anew() -> None:
    owner = an_owner(config=BUDGET)
    owner.answers(owner.prompt(), total_cost_usd=0.006)
    owner.decide(orders.suspend)
    owner.exits()
    owner.launched()
    owner.answers(owner.prompt(), total_cost_usd=0.006)  # a process that counts from its own start
    assert owner.session.usage.cost_usd == pytest.approx(0.012)
    assert owner.state is State.CLOSING


def test_a_resumed_process_that_counts_on_is_not_counted_twice() -> None:
    owner = an_owner()
    owner.answers(owner.prompt(), total_cost_usd=0.006, own_cost_usd=0.006)
    owner.decide(orders.suspend)
    owner.exits()
    owner.launched()
    turn = owner.answers(owner.prompt(), total_cost_usd=0.008, own_cost_usd=0.002)
    assert turn.usage.cost_usd == pytest.approx(0.002)
    assert owner.session.usage.cost_usd == pytest.approx(0.008)


def test_without_a_budget_no_cost_is_too_high() -> None:
    owner = an_owner()
    owner.answers(owner.prompt(), total_cost_usd=1e6)
    assert owner.state is State.IDLE
    assert EventType.SESSION_LIMIT_REACHED not in owner.told()
