"""Background tasks as the CLI tells them: each begins once, ends once, and is lost with its process."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from greenroomd.domain.config import Limits, OnIdle
from greenroomd.domain.decision.actions import EndProcess, StopTask
from greenroomd.domain.errors import TaskNotFound, TaskNotStoppable
from greenroomd.domain.event_payloads import StateChanged, TaskNoted
from greenroomd.domain.events import EventType
from greenroomd.domain.frames.frame import Frame
from greenroomd.domain.lifecycle import orders, reconfiguration
from greenroomd.domain.lifecycle.process import process_end
from greenroomd.domain.lifecycle.reconfiguration import Apply, Patch
from greenroomd.domain.states import IDLE_TIMEOUT, POOL_PRESSURE, State
from greenroomd.domain.task import TaskKind, TaskState
from unit.live import says
from unit.live.owner import NOON, TIMEOUTS, Owner, an_owner, payloads

TASK_EVENTS = (EventType.TASK_STARTED, EventType.TASK_UPDATED, EventType.TASK_ENDED)
MINUTE = timedelta(minutes=1)


def told(owner: Owner) -> list[EventType]:
    """Return the types of the events of tasks since the last call."""
    return [kind for kind in owner.told() if kind in TASK_EVENTS]


def after(*frames: Frame, **config: Any) -> Owner:
    """Return the owner of an idle session whose turn left this behind."""
    owner = an_owner(config=config) if config else an_owner()
    turn = owner.prompt()
    owner.says(*frames)
    owner.answers(turn)
    return owner.forget()


@pytest.mark.parametrize("order", list(permutations(range(2))))
def test_a_task_begins_once_whatever_says_so_first(order: tuple[int, ...]) -> None:
    owner = an_owner()
    turn = owner.prompt()
    frames = [says.lists("b1"), says.task_began("b1")]
    for index in order:
        owner.says(frames[index])
    owner.answers(turn)
    assert told(owner) == [EventType.TASK_STARTED]
    task = owner.tasks["b1"]
    assert (task.kind, task.state, task.turn_id) == (TaskKind.SHELL, TaskState.RUNNING, turn.turn_id)
    assert (task.tool_use_id, task.description) == ("toolu_1", "build")
    assert owner.session.background_task_count == 1


def test_a_task_that_is_only_listed_begins_at_the_latest_with_the_end_of_the_turn() -> None:
    owner = after(says.lists("b1"))
    assert owner.tasks["b1"].tool_use_id == ""
    owner.says(says.task_began("b1"))
    assert owner.tasks["b1"].tool_use_id == "toolu_1"
    assert told(owner) == [EventType.TASK_UPDATED]


def test_a_task_for_which_its_tool_waits_is_no_background_task_until_it_moves_there() -> None:
    owner = an_owner()
    owner.prompt()
    owner.says(says.task_began("a1", TaskKind.AGENT, background=False))
    assert told(owner) == []
    owner.says(says.task_changed("a1", background=True))
    assert told(owner) == [EventType.TASK_STARTED]
    owner.says(says.task_began("a2", TaskKind.AGENT, background=False), says.lists("a1", "a2"))
    assert told(owner) == [EventType.TASK_STARTED]


def test_a_task_for_which_its_tool_waits_leaves_nothing_behind() -> None:
    owner = an_owner()
    owner.prompt()
    owner.says(says.task_began("a1", background=False), says.task_reported("a1"))
    assert told(owner) == []
    assert owner.live.waited_for == {}


def test_housekeeping_is_no_work_of_the_session() -> None:
    owner = after(says.lists("b1", housekeeping=True), says.task_began("b1", housekeeping=True))
    assert owner.tasks == {}


def test_a_task_ends_with_its_report_and_only_once() -> None:
    owner = after(says.task_began("b1"))
    owner.says(
        says.task_changed("b1", state=TaskState.FAILED), says.task_reported("b1", TaskState.FAILED, "no")
    )
    owner.says(says.lists(), says.task_reported("b1"))
    assert told(owner) == [EventType.TASK_ENDED]
    assert (owner.tasks["b1"].state, owner.tasks["b1"].summary) == (TaskState.FAILED, "no")
    assert owner.session.background_task_count == 0


def test_a_task_without_a_report_ends_when_it_is_no_longer_listed() -> None:
    owner = after(says.lists("b1", "b2"), says.task_began("b1"), says.task_began("b2"))
    owner.says(says.task_changed("b1", state=TaskState.STOPPED), says.lists("b2"))
    assert owner.tasks["b1"].state is TaskState.STOPPED
    assert owner.tasks["b2"].state is TaskState.RUNNING


def test_an_agent_that_is_resumed_runs_again() -> None:
    owner = after(says.task_began("a1", TaskKind.AGENT))
    owner.says(says.task_reported("a1"), says.RUNNING, says.init(), says.task_began("a1", TaskKind.AGENT))
    assert owner.tasks["a1"].state is TaskState.RUNNING


def test_tasks_are_lost_with_their_process_and_told_by_name() -> None:
    owner = after(says.task_began("b1"), says.task_began("b2"))
    owner.exits(signal=9)
    assert owner.tasks["b1"].state is owner.tasks["b2"].state is TaskState.LOST
    assert owner.session.lost_task_ids == ("b1", "b2")
    assert owner.session.background_task_count == 0
    moved = payloads(owner.events, StateChanged)[-1]
    assert (moved.to_state, moved.lost_task_ids) == ("error", ("b1", "b2"))


def test_tasks_that_the_cli_stops_because_it_is_ended_are_lost_too() -> None:
    owner = after(says.lists("b1"), says.task_began("b1"))
    owner.decide(orders.suspend)
    owner.says(says.task_reported("b1", TaskState.STOPPED), says.lists())
    owner.exits()
    assert owner.tasks["b1"].state is TaskState.LOST
    assert owner.session.lost_task_ids == ("b1",)


def test_what_was_lost_is_forgotten_with_the_next_turn() -> None:
    owner = after(says.task_began("b1"))
    owner.decide(orders.suspend)
    owner.exits()
    owner.launched()
    lost = [owner.session.lost_task_ids]
    owner.answers(owner.prompt())
    lost.append(owner.session.lost_task_ids)
    assert lost == [("b1",), ()]


def test_tasks_of_a_dead_server_are_lost() -> None:
    owner = after(says.task_began("b1"), says.timer_set("c1"))
    owner.lose_memory().decide(process_end.owner_lost)
    assert owner.session.lost_task_ids == ("b1",)
    assert owner.tasks["c1"].state is TaskState.PAUSED


def test_a_timer_pauses_with_its_process_and_ends_with_its_session() -> None:
    owner = after(says.timer_set("c1"))
    owner.decide(orders.suspend)
    owner.exits()
    states = [owner.tasks["c1"].state]
    assert owner.session.lost_task_ids == ()
    owner.launched()
    states.append(owner.tasks["c1"].state)
    owner.decide(orders.suspend)
    owner.exits()
    owner.lose_memory().decide(orders.close)
    states.append(owner.tasks["c1"].state)
    assert states == [TaskState.PAUSED, TaskState.SCHEDULED, TaskState.LOST]


def test_a_timer_whose_time_passes_without_a_process_is_lost_as_the_cli_drops_it() -> None:
    soon = NOON + MINUTE
    owner = after(
        says.timer_set("once", next_time=soon),
        says.timer_set("again", next_time=soon, recurring=True),
        says.timer_set("later", next_time=soon + 9 * MINUTE),
    )
    owner.decide(orders.suspend)
    owner.exits()
    owner.pass_time(2 * MINUTE)
    owner.launched()
    states = {task_id: task.state for task_id, task in owner.tasks.items()}
    scheduled = TaskState.SCHEDULED
    assert states == {"once": TaskState.LOST, "again": scheduled, "later": scheduled}
    assert owner.session.background_task_count == 2


def test_a_wakeup_is_lost_with_its_process() -> None:
    owner = after(says.timer_set("w1", schedule=""), says.timer_set("c1"))
    owner.decide(orders.suspend)
    owner.exits()
    assert (owner.tasks["w1"].state, owner.tasks["c1"].state) == (TaskState.LOST, TaskState.PAUSED)
    assert owner.session.lost_task_ids == ("w1",)


def test_a_timer_that_the_cli_does_not_list_is_over() -> None:
    owner = after(says.task_began("b1"), says.timer_set("c1"), says.timer_set("c2"))
    owner.says(says.timers("c2"))
    states = [owner.tasks[task_id].state for task_id in ("b1", "c1", "c2")]
    assert states == [TaskState.RUNNING, TaskState.STOPPED, TaskState.SCHEDULED]


def test_a_task_is_stopped_by_the_cli() -> None:
    owner = after(says.task_began("b1"))
    owner.decide(lambda step: orders.stop_task(step, "b1"))
    assert owner.done() == [StopTask("b1")]
    owner.says(says.task_reported("b1", TaskState.STOPPED))
    assert owner.tasks["b1"].state is TaskState.STOPPED


def test_what_is_not_open_or_a_timer_cannot_be_stopped() -> None:
    owner = after(says.timer_set("c1"))
    with pytest.raises(TaskNotFound):
        owner.decide(lambda step: orders.stop_task(step, "b1"))
    with pytest.raises(TaskNotStoppable):
        owner.decide(lambda step: orders.stop_task(step, "c1"))


# Use, up to the grace.


@pytest.mark.parametrize("left", [says.task_began("b1"), says.timer_set("c1")], ids=["task", "timer"])
def test_work_in_the_background_keeps_its_process_as_long_as_the_grace(left: Frame) -> None:
    owner = after(left)
    owner.wait(TIMEOUTS.background_grace - MINUTE)
    assert (owner.state, owner.live.evictable) == (State.IDLE, False)
    owner.wait(MINUTE)
    assert EndProcess() in owner.done()
    owner.exits()
    assert owner.session.state_reason == IDLE_TIMEOUT


def test_the_grace_counts_from_the_last_turn_whoever_began_it() -> None:
    owner = after(says.task_began("b1"), says.task_began("b2"))
    owner.wait(15 * MINUTE)
    owner.says(says.task_reported("b1"), says.RUNNING, says.init(), says.result(), says.IDLE)
    owner.wait(15 * MINUTE)
    assert owner.state is State.IDLE
    owner.wait(5 * MINUTE)
    assert EndProcess() in owner.done()


def test_a_session_has_its_own_grace_within_what_the_server_allows() -> None:
    short = after(says.task_began("b1"), limits=Limits(background_grace=MINUTE), on_idle=OnIdle.KEEP)
    short.wait(MINUTE - timedelta(seconds=1))
    assert not short.live.evictable
    short.wait(timedelta(seconds=1))
    assert short.live.evictable
    long = after(
        says.task_began("b1"), limits=Limits(background_grace=timedelta(days=1)), on_idle=OnIdle.KEEP
    )
    long.wait(TIMEOUTS.max_background_grace)
    assert long.live.evictable


def test_without_a_grace_the_process_can_be_taken_at_once() -> None:
    owner = after(says.task_began("b1"), limits=Limits(background_grace=timedelta()))
    assert owner.live.evictable
    owner.decide(lambda step: orders.suspend(step, reason=POOL_PRESSURE))
    owner.exits()
    assert (owner.session.state_reason, owner.session.lost_task_ids) == (POOL_PRESSURE, ("b1",))


def reconfigure(owner: Owner, apply: Apply = Apply.WHEN_IDLE, **config: Any) -> None:
    """Change options of a session's config."""
    changed = replace(owner.session.config, **config)
    patch = Patch(paths=["config"], config=changed)
    owner.decide(lambda step: reconfiguration.update(step, patch, apply))


def test_a_changed_option_that_needs_a_restart_waits() -> None:
    owner = after(says.task_began("b1"), on_idle=OnIdle.KEEP)
    reconfigure(owner, system_prompt="Be brief.")
    assert owner.done() == []
    owner.wait(TIMEOUTS.background_grace)
    assert owner.done() == [EndProcess()]


def test_a_changed_option_comes_into_force_once_nothing_works_any_more() -> None:
    owner = after(says.task_began("b1"))
    reconfigure(owner, system_prompt="Be brief.")
    owner.says(says.task_reported("b1"))
    assert owner.done() == [], "the CLI goes on from the end of the task"
    owner.says(says.RUNNING, says.init(), says.result(), says.IDLE)
    assert owner.done() == [EndProcess()]


def test_a_caller_that_wants_it_now_does_not_wait() -> None:
    owner = after(says.task_began("b1"))
    reconfigure(owner, Apply.NOW, system_prompt="Be brief.")
    assert owner.done() == [EndProcess()]


def test_a_grace_that_is_shortened_holds_at_once() -> None:
    owner = after(says.task_began("b1"))
    owner.wait(2 * MINUTE)
    reconfigure(owner, limits=Limits(background_grace=MINUTE))
    assert owner.live.evictable


def test_a_server_that_stops_waits_for_tasks_as_for_a_turn() -> None:
    owner = after(says.task_began("b1"))
    owner.decide(lambda step: orders.drain(step, grace=MINUTE))
    assert owner.done() == []
    owner.says(says.task_reported("b1"), says.RUNNING, says.init(), says.result(text="built"), says.IDLE)
    assert owner.unprompted[0].result_text == "built"
    assert owner.done() == [EndProcess()]


def test_a_server_that_stops_does_not_wait_longer_than_it_can() -> None:
    owner = after(says.task_began("b1"))
    owner.decide(lambda step: orders.drain(step, grace=MINUTE))
    owner.wait(MINUTE)
    assert owner.done() == [EndProcess()]


def test_a_server_that_stops_does_not_wait_for_a_timer() -> None:
    owner = after(says.timer_set("c1"))
    owner.decide(lambda step: orders.drain(step, grace=MINUTE))
    assert owner.done() == [EndProcess()]


def test_the_lifetime_of_a_session_waits_for_nothing() -> None:
    owner = after(says.task_began("b1"), limits=Limits(max_duration=5 * MINUTE))
    owner.wait(5 * MINUTE)
    owner.exits()
    assert owner.state is State.CLOSED
    assert [noted.task.state for noted in payloads(owner.events, TaskNoted)][-1] is TaskState.LOST
