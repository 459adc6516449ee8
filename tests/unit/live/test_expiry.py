"""The end that a session's limit sets, with a process or without: announced once, and kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from greenroomd.domain.config import Limits
from greenroomd.domain.decision.actions import EndProcess
from greenroomd.domain.event_payloads import Expiring
from greenroomd.domain.events import EventType
from greenroomd.domain.lifecycle import deadlines, expiry
from greenroomd.domain.lifecycle.reconfiguration import Apply, Patch, update
from greenroomd.domain.states import State
from unit.live import says
from unit.live.owner import Owner, an_owner, payloads

MICROSECOND = timedelta(microseconds=1)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def test_a_live_session_is_announced_too() -> None:
    owner = Owner(config={"limits": Limits(max_duration=2 * MINUTE)}).launched()
    owner.forget().wait(109 * SECOND)
    assert payloads(owner.events, Expiring)[0].at == owner.session.create_time + 2 * MINUTE


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


def test_the_end_of_a_session_does_not_wait_for_work_in_the_background() -> None:
    owner = an_owner(config={"limits": Limits(max_duration=2 * MINUTE)})
    turn = owner.prompt()
    owner.says(says.task_began("b1"))
    owner.answers(turn)
    owner.forget().wait(2 * MINUTE)
    assert owner.done() == [EndProcess()]
    owner.exits()
    assert (owner.state, owner.session.state_reason) == (State.CLOSED, deadlines.MAX_DURATION)
    assert owner.session.lost_task_ids == ("b1",)


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
    owner.pass_time(HOUR)
    owner.decide(deadlines.tick)
    assert EventType.SESSION_EXPIRING not in owner.told()
    assert owner.state is State.CLOSED
