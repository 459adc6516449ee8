"""The owner of a session failed: nothing but an order starts the session again, and nothing waits for it for ever."""

from __future__ import annotations

from datetime import timedelta

import pytest

from greenroomd.domain.config import RecoveryMode, RecoveryPolicy
from greenroomd.domain.lifecycle import orders
from greenroomd.domain.lifecycle.process import process_end
from greenroomd.domain.states import NODE_LOST, State
from greenroomd.domain.turn import TurnState
from unit.live.owner import Owner, an_owner

ON_CRASH = RecoveryPolicy(mode=RecoveryMode.ON_CRASH)


def fail_the_owner(owner: Owner) -> None:
    """Settle the session by what was stored."""
    owner.lose_memory().forget().decide(process_end.owner_failed)


@pytest.mark.parametrize("recovery", [RecoveryPolicy(), ON_CRASH])
def test_its_turns_end_and_it_stays_suspended(recovery: RecoveryPolicy) -> None:
    owner = an_owner(config={"recovery": recovery})
    running, waiting = owner.prompt(), owner.prompt(queue=True)
    fail_the_owner(owner)
    assert (owner.state, owner.session.state_reason, owner.done()) == (State.SUSPENDED, NODE_LOST, [])
    assert owner.turns[running.turn_id].state is TurnState.INTERRUPTED
    assert owner.turns[waiting.turn_id].state is TurnState.FAILED
    assert not owner.session.unsettled


def test_one_that_waited_for_its_first_process_fails() -> None:
    owner = Owner()
    assert owner.session.unsettled
    fail_the_owner(owner)
    assert (owner.state, owner.session.unsettled, owner.live.at_rest) == (State.ERROR, False, True)


def test_one_that_waited_for_its_restart_is_not_restarted() -> None:
    owner = an_owner(config={"recovery": ON_CRASH})
    waiting = owner.prompt(), owner.prompt(queue=True)
    owner.exits(code=1)
    assert owner.session.unsettled
    fail_the_owner(owner)
    owner.wait(timedelta(hours=1))
    assert (owner.state, owner.session.unsettled, owner.done()) == (State.ERROR, False, [])
    assert all(owner.turns[turn.turn_id].state.final for turn in waiting)


def test_one_that_was_closing_is_closed() -> None:
    owner = an_owner()
    owner.decide(orders.close)
    fail_the_owner(owner)
    assert owner.state is State.CLOSED
