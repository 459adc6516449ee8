"""What time does to a session that nobody uses, or that has lived long enough."""

from __future__ import annotations

from datetime import timedelta

import pytest

from greenroomd.domain.config import Limits, OnIdle
from greenroomd.domain.decision.actions import EndProcess, InterruptCli
from greenroomd.domain.event_payloads import LimitReached
from greenroomd.domain.events import EventType
from greenroomd.domain.lifecycle import deadlines, orders
from greenroomd.domain.states import IDLE_TIMEOUT, State
from unit.live import says
from unit.live.owner import Owner, an_owner, payloads

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def test_a_session_without_a_turn_is_idle_after_its_grace() -> None:
    owner = an_owner()
    owner.wait(MINUTE - SECOND)
    assert owner.told() == []
    owner.wait(SECOND)
    assert owner.state is State.IDLE
    assert owner.told() == [EventType.SESSION_STATE_CHANGED]


def test_an_unused_session_is_suspended() -> None:
    owner = an_owner()
    owner.answers(owner.prompt())
    owner.forget().wait(10 * MINUTE - SECOND)
    assert owner.done() == []
    owner.wait(SECOND)
    assert owner.done() == [EndProcess()]
    owner.wait(HOUR)
    assert owner.done() == []
    owner.exits()
    assert (owner.state, owner.session.state_reason) == (State.SUSPENDED, IDLE_TIMEOUT)


def test_or_closed() -> None:
    owner = Owner(config={"on_idle": OnIdle.CLOSE}).launched()
    owner.wait(HOUR)
    owner.exits()
    assert (owner.state, owner.session.state_reason) == (State.CLOSED, IDLE_TIMEOUT)


def test_or_kept() -> None:
    owner = Owner(config={"on_idle": OnIdle.KEEP}).launched().forget()
    owner.wait(1000 * HOUR)
    assert (owner.state, owner.done()) == (State.IDLE, [])
    assert owner.due is None


def test_the_sessions_own_idle_timeout_comes_first() -> None:
    owner = Owner(config={"limits": Limits(idle_timeout=30 * SECOND)}).launched().forget()
    owner.wait(30 * SECOND)
    assert owner.done() == [EndProcess()]


def test_a_resumed_session_has_its_whole_idle_timeout() -> None:
    owner = an_owner()
    owner.answers(owner.prompt())
    owner.decide(orders.suspend)
    owner.exits()
    owner.wait(24 * HOUR)
    owner.launched().forget()
    owner.wait(10 * MINUTE - SECOND)
    assert (owner.state, owner.done()) == (State.IDLE, [])
    owner.wait(SECOND)
    assert owner.done() == [EndProcess()]


def test_background_work_is_use() -> None:
    owner = an_owner()
    owner.answers(owner.prompt())
    owner.forget().says(says.RUNNING)
    owner.wait(HOUR)
    assert owner.done() == []
    owner.says(says.result(), says.IDLE)
    owner.wait(9 * MINUTE)
    assert owner.done() == []
    owner.wait(MINUTE)
    assert owner.done() == [EndProcess()]


def test_a_session_lives_no_longer_than_it_may() -> None:
    owner = Owner(config={"limits": Limits(max_duration=2 * MINUTE)}).launched()
    owner.prompt()
    owner.says(says.tool_use())
    owner.forget().wait(2 * MINUTE)
    assert payloads(owner.events, LimitReached)[0].limit == "limits.max_duration"
    assert owner.told()[-2:] == [EventType.SESSION_LIMIT_REACHED, EventType.SESSION_STATE_CHANGED]
    assert (owner.state, owner.session.state_reason) == (State.CLOSING, deadlines.MAX_DURATION)
    assert owner.done() == [InterruptCli()]
    owner.wait(HOUR)
    assert owner.done() == [EndProcess(gently=False)]
    owner.exits(code=143)
    assert (owner.state, owner.session.state_reason) == (State.CLOSED, deadlines.MAX_DURATION)


@pytest.mark.parametrize("state", [State.CREATED, State.SUSPENDED, State.CLOSED])
def test_time_changes_nothing_where_nothing_runs(state: State) -> None:
    owner = Owner(state=state)
    assert owner.due is None


def test_what_is_not_due_does_not_happen() -> None:
    owner = an_owner()
    before = owner.live
    owner.decide(deadlines.tick)
    assert owner.live == before
