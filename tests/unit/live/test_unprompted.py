"""Work that the CLI begins by itself: a turn with its cause, and with everything that turns have."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from greenroomd.domain.decision.actions import AnswerPermission, InterruptCli, SayPrompt
from greenroomd.domain.errors import TurnRunning
from greenroomd.domain.frames.frame import Frame
from greenroomd.domain.lifecycle import approval_flow, deadlines, orders
from greenroomd.domain.lifecycle.process import process_end
from greenroomd.domain.states import AWAITING_APPROVAL, State
from greenroomd.domain.task import TaskKind, TaskState
from greenroomd.domain.turn import CauseKind, TurnCause, TurnKind, TurnState
from unit.live import says
from unit.live.owner import NOON, Owner, an_owner

REWAKING = {"hooks": {"PostToolUse": [{"hooks": [{"type": "command", "command": "x", "asyncRewake": True}]}]}}


def after(*frames: Frame, **config: Any) -> Owner:
    """Return the owner of a session whose turn left this behind."""
    owner = an_owner(config=config) if config else an_owner()
    turn = owner.prompt()
    owner.says(*frames)
    owner.answers(turn)
    return owner.forget()


def cause(owner: Owner) -> TurnCause | None:
    """Return the cause of the running turn, which the CLI began."""
    turn = owner.live.turn
    assert turn is not None
    assert turn.kind is TurnKind.UNPROMPTED
    return turn.cause


def test_what_follows_from_a_task_is_a_turn_that_names_it() -> None:
    owner = after(says.lists("b1"), says.task_began("b1"))
    owner.says(says.task_changed("b1", state=TaskState.COMPLETED), says.task_reported("b1"), says.lists())
    states = [owner.state]
    owner.says(says.RUNNING)
    states.append(owner.state)
    assert states == [State.IDLE, State.ACTIVE]
    assert cause(owner) == TurnCause(kind=CauseKind.TASK, task_id="b1")
    owner.says(says.init(), says.text("built"), says.result(text="built"), says.IDLE)
    (turn,) = owner.unprompted
    assert (turn.state, turn.result_text, turn.number, turn.actor) == (TurnState.COMPLETED, "built", 2, "cli")
    assert owner.state is State.IDLE


def test_what_two_tasks_bring_before_the_cli_is_idle_is_one_turn_of_the_first() -> None:
    owner = after(says.task_began("b1"), says.task_began("b2"))
    owner.says(says.task_reported("b1"), says.RUNNING, says.task_reported("b2"), says.result(text="one"))
    owner.says(says.init(), says.result(text="two"), says.IDLE)
    (turn,) = owner.unprompted
    assert (turn.cause, turn.result_text) == (TurnCause(kind=CauseKind.TASK, task_id="b1"), "two")


def test_nothing_follows_from_a_task_that_was_stopped() -> None:
    owner = after(says.lists("b1"), says.task_began("b1"))
    owner.says(says.task_reported("b1", TaskState.STOPPED), says.lists())
    turn = owner.prompt()
    owner.wait(timedelta())
    assert owner.live.turn is not None
    assert owner.live.turn.turn_id == turn.turn_id


def test_a_task_that_was_stopped_does_not_hide_what_follows_from_another() -> None:
    owner = after(says.task_began("b1"), says.task_began("b2"))
    owner.says(says.task_reported("b1"), says.task_reported("b2", TaskState.STOPPED))
    owner.wait(timedelta())
    assert owner.live.held
    owner.says(says.RUNNING)
    assert cause(owner) == TurnCause(kind=CauseKind.TASK, task_id="b1")


def test_a_task_that_ends_during_a_turn_belongs_to_it() -> None:
    owner = after(says.task_began("b1"))
    turn = owner.prompt()
    owner.says(says.RUNNING, says.task_reported("b1"), says.result(turn.turn_id), says.init())
    owner.says(says.result(text="after"), says.IDLE)
    assert owner.turns[turn.turn_id].result_text == "after"
    owner.says(says.RUNNING, says.init())
    assert cause(owner) == TurnCause(kind=CauseKind.OTHER), "not that task any more"


@pytest.mark.parametrize(
    ("config", "left", "expected"),
    [
        ({}, [], TurnCause(kind=CauseKind.OTHER)),
        ({"settings": REWAKING}, [], TurnCause(kind=CauseKind.HOOK)),
        ({}, [says.task_began("m1", TaskKind.MONITOR)], TurnCause(kind=CauseKind.TASK, task_id="m1")),
        (
            {},
            [says.task_began("m1", TaskKind.MONITOR), says.task_began("m2", TaskKind.MONITOR)],
            TurnCause(kind=CauseKind.TASK),
        ),
        ({"settings": REWAKING}, [says.task_began("m1", TaskKind.MONITOR)], TurnCause(kind=CauseKind.OTHER)),
    ],
)
def test_work_of_which_the_cli_does_not_say_why_has_the_only_cause_that_there_can_be(
    config: dict[str, Any], left: list[Frame], expected: TurnCause
) -> None:
    owner = after(*left, **config)
    owner.says(says.RUNNING)
    assert owner.live.turn is None, "what comes next may say why"
    owner.says(says.init())
    assert cause(owner) == expected


def test_a_timer_that_fires_once_is_the_cause_and_has_ended() -> None:
    owner = after(
        says.timer_set("c1", next_time=NOON + timedelta(minutes=1)),
        says.timer_set("c2", next_time=NOON + timedelta(minutes=9)),
    )
    owner.pass_time(timedelta(minutes=1))
    owner.says(says.RUNNING)
    owner.says(says.timer_fires(), says.init())
    assert cause(owner) == TurnCause(kind=CauseKind.TIMER, task_id="c1")
    assert owner.tasks["c1"].state is TaskState.COMPLETED
    assert owner.tasks["c2"].state is TaskState.SCHEDULED


def test_a_wakeup_may_fire_some_seconds_before_the_minute_that_was_announced() -> None:
    owner = after(says.timer_set("w1", schedule="", next_time=NOON + timedelta(minutes=2)))
    owner.pass_time(timedelta(seconds=50))
    owner.says(says.RUNNING, says.timer_fires(), says.init())
    assert cause(owner) == TurnCause(kind=CauseKind.TIMER, task_id="w1")
    assert owner.tasks["w1"].state is TaskState.COMPLETED


def test_a_timer_that_fires_again_goes_on() -> None:
    owner = after(says.timer_set("c1", recurring=True, next_time=NOON + timedelta(minutes=1)))
    owner.pass_time(timedelta(minutes=1))
    for _ in range(2):
        owner.says(says.RUNNING, says.timer_fires(), says.init())
        assert cause(owner) == TurnCause(kind=CauseKind.TIMER, task_id="c1")
        owner.says(says.result(), says.IDLE)
    assert owner.tasks["c1"].state is TaskState.SCHEDULED
    assert owner.tasks["c1"].next_time is None


def test_a_cli_that_only_stirs_begins_no_turn() -> None:
    owner = after()
    owner.says(says.RUNNING, says.IDLE)
    assert owner.unprompted == []
    assert owner.state is State.IDLE


def test_a_turn_that_the_cli_ends_without_a_result_is_over() -> None:
    owner = after()
    owner.says(says.RUNNING, says.init(), says.IDLE)
    assert [turn.state for turn in owner.unprompted] == [TurnState.COMPLETED]
    assert owner.state is State.IDLE


def working(**config: Any) -> Owner:
    """Return an owner whose CLI works by itself."""
    owner = after(says.task_began("b1"), **config)
    owner.says(says.task_reported("b1"), says.RUNNING, says.init())
    return owner.forget()


def test_its_permissions_are_asked_of_a_person_as_in_any_turn() -> None:
    owner = working()
    owner.says(says.asks("q1"))
    assert owner.session.state_reason == AWAITING_APPROVAL
    assert owner.live.approvals["q1"].turn_id == owner.unprompted[0].turn_id
    owner.decide(lambda step: approval_flow.answer(step, "q1", allow=True))
    assert isinstance(owner.done()[0], AnswerPermission)


def test_it_can_be_interrupted() -> None:
    owner = working()
    owner.decide(lambda step: orders.interrupt(step, "", reason="enough"))
    assert owner.done() == [InterruptCli()]
    owner.says(says.aborted(), says.IDLE)
    assert owner.unprompted[0].state is TurnState.INTERRUPTED


def test_it_keeps_its_process_from_a_caller_that_does_not_force() -> None:
    owner = working()
    with pytest.raises(TurnRunning):
        owner.decide(orders.suspend)


def test_its_time_is_limited() -> None:
    owner = working()
    owner.pass_time(owner.timeouts.turn_timeout)
    owner.decide(deadlines.tick)
    assert owner.done() == [InterruptCli()]
    owner.says(says.aborted(), says.IDLE)
    assert owner.unprompted[0].state is TurnState.FAILED


def test_a_budget_that_it_spends_closes_the_session() -> None:
    owner = working(max_budget_usd=1.0)
    owner.says(says.result(total_cost_usd=1.5), says.IDLE)
    assert owner.state is State.CLOSING


def test_a_prompt_waits_for_it_though_its_number_is_higher() -> None:
    owner = working()
    turn = owner.prompt(queue=True)
    assert turn.state is TurnState.QUEUED
    owner.says(says.result(), says.IDLE)
    assert owner.turns[turn.turn_id].state is TurnState.RUNNING


def test_a_prompt_that_comes_between_a_task_and_what_follows_from_it_waits() -> None:
    owner = after(says.task_began("b1"))
    owner.says(says.task_reported("b1"))
    turn = owner.prompt()
    assert owner.turns[turn.turn_id].state is TurnState.QUEUED
    owner.says(says.RUNNING, says.init(), says.result(), says.IDLE)
    assert owner.turns[turn.turn_id].state is TurnState.RUNNING
    assert [each.number for each in owner.unprompted] == [3]


def test_a_prompt_waits_for_that_not_for_ever() -> None:
    owner = after(says.task_began("b1"))
    owner.says(says.task_reported("b1"))
    turn = owner.prompt()
    owner.wait(timedelta(seconds=6))
    assert owner.done() == [SayPrompt(owner.turns[turn.turn_id])]


def test_a_server_that_dies_amid_it_settles_it_as_any_turn() -> None:
    owner = working()
    owner.lose_memory().decide(process_end.owner_lost)
    (turn,) = owner.unprompted
    assert (turn.state, turn.side_effects_unknown) == (TurnState.INTERRUPTED, True)


def test_what_the_cli_begins_while_it_is_being_ended_is_interrupted_by_that() -> None:
    owner = after(says.task_began("b1"))
    owner.decide(orders.suspend)
    owner.says(says.task_reported("b1"), says.RUNNING, says.init())
    owner.exits()
    (turn,) = owner.unprompted
    assert turn.state is TurnState.INTERRUPTED
    assert turn.error is not None
    assert "told to suspend" in turn.error.message
    assert owner.state is State.SUSPENDED
