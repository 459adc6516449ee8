"""What time does to a session that nobody uses, or that has lived long enough."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from greenroomd.domain import deadlines, expiry, orders
from greenroomd.domain.config import Limits, OnIdle
from greenroomd.domain.events import EventType, LimitReached
from greenroomd.domain.live import EndProcess, InterruptCli
from greenroomd.domain.reconfiguration import Apply, Patch, update
from greenroomd.domain.session import IDLE_TIMEOUT, State
from unit.live import says
from unit.live.owner import Owner, an_owner, payloads

MICROSECOND = timedelta(microseconds=1)
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
    assert deadlines.next_due(owner.live, owner.patience) is None


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
    assert payloads(owner.events, LimitReached)[0].limit == "max_duration"
    assert owner.told()[-2:] == [EventType.SESSION_LIMIT_REACHED, EventType.SESSION_STATE_CHANGED]
    assert (owner.state, owner.session.state_reason) == (State.CLOSING, deadlines.MAX_DURATION)
    assert owner.done() == [InterruptCli()]
    owner.wait(HOUR)
    assert owner.done() == [EndProcess(gently=False)]
    owner.exits(code=143)
    assert (owner.state, owner.session.state_reason) == (State.CLOSED, deadlines.MAX_DURATION)


@pytest.mark.parametrize("state", [State.CREATED, State.SUSPENDED, State.ERROR])
def test_a_session_that_rests_is_announced_and_closed_just_the_same(state: State) -> None:
    owner = Owner(state=state, config={"limits": Limits(max_duration=2 * MINUTE)})
    owner.wait(108 * SECOND - MICROSECOND)
    assert owner.told() == []
    owner.wait(MICROSECOND)
    assert owner.told() == [EventType.SESSION_EXPIRING], "a tenth of the limit before its end"
    owner.wait(HOUR)
    assert owner.told()[0] is EventType.SESSION_LIMIT_REACHED
    assert (owner.state, owner.session.state_reason) == (State.CLOSED, deadlines.MAX_DURATION)
    assert expiry.due_time(owner.session) is None


def test_a_session_with_days_to_live_is_announced_a_minute_before() -> None:
    owner = Owner(state=State.SUSPENDED, config={"limits": Limits(max_duration=24 * HOUR)})
    assert expiry.due_time(owner.session) == owner.session.create_time + 24 * HOUR - MINUTE


def test_an_end_that_is_moved_is_announced_again() -> None:
    owner = Owner(state=State.SUSPENDED, config={"limits": Limits(max_duration=2 * MINUTE)})
    owner.wait(109 * SECOND)
    longer = replace(owner.session.config, limits=Limits(max_duration=HOUR))
    owner.decide(lambda step: update(step, Patch(paths=["config"], config=longer), Apply.WHEN_IDLE))
    owner.forget().wait(HOUR)
    assert [event.type for event in owner.events].count(EventType.SESSION_EXPIRING) == 1
    assert owner.state is State.CLOSED


def test_an_end_that_was_slept_through_is_not_announced_any_more() -> None:
    owner = Owner(state=State.SUSPENDED, config={"limits": Limits(max_duration=2 * MINUTE)})
    owner.at += HOUR
    owner.decide(deadlines.tick)
    assert EventType.SESSION_EXPIRING not in owner.told()
    assert owner.state is State.CLOSED


@pytest.mark.parametrize("state", [State.CREATED, State.SUSPENDED, State.CLOSED])
def test_time_changes_nothing_where_nothing_runs(state: State) -> None:
    owner = Owner(state=state)
    assert deadlines.next_due(owner.live, owner.patience) is None


def test_what_is_not_due_does_not_happen() -> None:
    owner = an_owner()
    before = owner.live
    owner.decide(deadlines.tick)
    assert owner.live == before
