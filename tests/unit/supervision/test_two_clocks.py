"""What is waited for is waited for by the monotonic clock, whatever happens to the wall clock; ADR 0022."""

from __future__ import annotations

from datetime import timedelta

import pytest

from greenroomd.domain.config import Limits, RecoveryMode, RecoveryPolicy, SessionConfig
from greenroomd.domain.states import State
from greenroomd.domain.turn import TurnState
from unit.live import says
from unit.supervision.conftest import Node

HOURS = timedelta(hours=30)


async def running_turn(node: Node) -> tuple[str, str]:
    """Return the ids of a session and of its turn, which runs and is silent."""
    session_id = (await node.create()).session_id
    turn = await node.start_turn(session_id)
    await node.look(session_id)
    assert node.host.last.told == [f"say {turn.turn_id}"]
    return session_id, turn.turn_id


async def test_a_wall_clock_that_is_set_ends_no_turn(node: Node) -> None:
    session_id, turn_id = await running_turn(node)
    for step in (HOURS, -2 * HOURS):
        node.clocks.time += step
        await node.look(session_id)
    assert node.host.last.told == [f"say {turn_id}"]
    node.host.last.answers(turn_id)
    await node.until(session_id, turn_id=turn_id)
    assert (await node.turn(turn_id)).state is TurnState.COMPLETED


async def test_a_turn_is_overdue_although_the_wall_clock_stands_still(node: Node) -> None:
    session_id, turn_id = await running_turn(node)
    node.clocks.seconds += HOURS.total_seconds()
    await node.look(session_id)
    await node.look(session_id)
    assert node.host.last.told == [f"say {turn_id}", "interrupt"]


@pytest.mark.parametrize(("clock", "denied"), [("time", False), ("seconds", True)])
async def test_a_question_waits_by_the_monotonic_clock(node: Node, clock: str, denied: bool) -> None:
    session_id, _ = await running_turn(node)
    session = await node.sessions.get(session_id)
    node.host.last.says(says.asks("q1"))
    await node.until_changed(session)
    if clock == "time":
        node.clocks.time += HOURS
    else:
        node.clocks.seconds += HOURS.total_seconds()
    await node.look(session_id)
    await node.look(session_id)
    assert ("deny q1" in node.host.last.told) == denied


async def test_an_unused_process_is_kept_by_the_monotonic_clock(node: Node) -> None:
    session_id = (await node.create()).session_id
    node.clocks.time += HOURS
    await node.look(session_id)
    assert (await node.sessions.get(session_id)).state is State.READY
    node.clocks.seconds += HOURS.total_seconds()
    await node.look(session_id)
    await node.until(session_id, State.SUSPENDED)


async def test_a_session_expires_by_the_calendar(node: Node) -> None:
    config = SessionConfig(working_dir="/srv/work", limits=Limits(max_duration=HOURS / 2))
    session = await node.create(created=node.clocks.time, config=config)
    node.clocks.time += HOURS
    await node.look(session.session_id)
    await node.until(session.session_id, State.CLOSED)


async def test_a_restart_comes_after_its_backoff_although_the_wall_clock_was_set_back(node: Node) -> None:
    policy = RecoveryPolicy(mode=RecoveryMode.ON_CRASH)
    config = SessionConfig(working_dir="/srv/work", recovery=policy)
    session_id = (await node.create(config=config)).session_id
    node.host.last.says()  # it closes its output, and is gone
    await node.until(session_id, State.ERROR)
    node.clocks.time -= HOURS
    node.clocks.seconds += policy.max_backoff.total_seconds()
    await node.look(session_id)
    await node.until(session_id, State.READY)
