"""A turn from its acceptance to its one end: answered, queued, interrupted, timed out, stalled."""

from __future__ import annotations

from datetime import timedelta

import pytest

from greenroomd.domain.config import Limits
from greenroomd.domain.costs.usage import Usage
from greenroomd.domain.decision.actions import EndProcess, InterruptCli, SayPrompt
from greenroomd.domain.errors import IllegalTransition, NoTurnRunning, TurnNotFound, TurnRunning
from greenroomd.domain.event_payloads import MessageNoted, TurnNoted
from greenroomd.domain.events import EventType
from greenroomd.domain.lifecycle import orders
from greenroomd.domain.lifecycle.turn_queue import MAX_WAITING_TURNS
from greenroomd.domain.retryable_errors import QueueFull
from greenroomd.domain.states import State
from greenroomd.domain.turn import Problem, Turn, TurnKind, TurnState
from unit.live import says
from unit.live.owner import Owner, an_owner, payloads

MINUTE = timedelta(minutes=1)


def reason_of(turn: Turn) -> str:
    assert turn.error is not None
    return turn.error.reason


def test_a_turn_begins_at_once_where_the_cli_is_free() -> None:
    owner = an_owner()
    turn = owner.prompt("Write a poem.")
    assert turn.state is TurnState.RUNNING
    assert (owner.state, owner.session.current_turn_id) == (State.ACTIVE, turn.turn_id)
    assert owner.done() == [SayPrompt(turn)]
    (prompt,) = payloads(owner.events, MessageNoted)
    assert prompt.blocks == ({"type": "text", "text": "Write a poem."},)
    assert owner.told() == [
        EventType.TURN_QUEUED,
        EventType.SESSION_STATE_CHANGED,
        EventType.TURN_STARTED,
        EventType.MESSAGE_USER,
    ]


def test_a_turn_ends_when_the_cli_is_idle_and_not_before() -> None:
    owner = an_owner()
    turn = owner.prompt()
    owner.forget().says(says.RUNNING, says.init(), says.text("well"), says.result(turn.turn_id))
    assert owner.turns[turn.turn_id].state is TurnState.RUNNING
    assert owner.state is State.ACTIVE
    owner.says(says.IDLE)
    ended = owner.turns[turn.turn_id]
    assert (ended.state, ended.result_text, ended.error) == (TurnState.COMPLETED, "well", None)
    assert (owner.state, owner.session.current_turn_id) == (State.IDLE, "")
    assert owner.session.conversation
    assert owner.told() == [
        EventType.MESSAGE_SYSTEM,  # init
        EventType.MESSAGE_ASSISTANT,
        EventType.MESSAGE_SYSTEM,  # result
        EventType.TURN_COMPLETED,
        EventType.SESSION_STATE_CHANGED,
    ]


def test_deltas_are_shown_and_not_kept() -> None:
    owner = an_owner()
    owner.prompt()
    owner.forget().says(says.delta("w"), says.delta("ell"))
    assert [event.type for event in owner.ephemeral] == [EventType.MESSAGE_DELTA] * 2
    assert owner.told() == []


def test_a_busy_session_refuses_a_turn_that_does_not_queue() -> None:
    owner = an_owner()
    running = owner.prompt()
    before = owner.live
    with pytest.raises(TurnRunning) as refusal:
        owner.prompt()
    assert refusal.value.turn_id == running.turn_id
    assert owner.live == before


def test_queued_turns_begin_in_order_one_at_a_time() -> None:
    owner = an_owner()
    first, second, third = owner.prompt(), owner.prompt(queue=True), owner.prompt(queue=True)
    assert [turn.state for turn in owner.live.turns] == [
        TurnState.RUNNING,
        TurnState.QUEUED,
        TurnState.QUEUED,
    ]
    owner.forget().answers(first)
    assert owner.session.current_turn_id == second.turn_id
    assert [action.turn.turn_id for action in owner.done() if isinstance(action, SayPrompt)] == [
        second.turn_id
    ]
    assert EventType.SESSION_STATE_CHANGED not in owner.told()
    owner.answers(second)
    owner.answers(third)
    assert owner.state is State.IDLE
    assert {turn.state for turn in owner.turns.values()} == {TurnState.COMPLETED}


def test_the_queue_is_bounded() -> None:
    owner = an_owner()
    owner.prompt()
    for _ in range(MAX_WAITING_TURNS):
        owner.prompt(queue=True)
    before = owner.live
    with pytest.raises(QueueFull):
        owner.prompt(queue=True)
    assert owner.live == before


@pytest.mark.parametrize("state", [State.ERROR, State.CLOSING, State.CLOSED])
def test_a_session_that_failed_or_ends_takes_no_turn(state: State) -> None:
    with pytest.raises(IllegalTransition):
        Owner(state=state).prompt(queue=True)


def test_a_cli_that_is_busy_by_itself_gets_the_turn_when_it_is_idle() -> None:
    owner = an_owner()
    owner.says(says.RUNNING)
    turn = owner.prompt()
    assert turn.state is TurnState.QUEUED
    owner.says(says.result(), says.IDLE)
    assert owner.turns[turn.turn_id].state is TurnState.RUNNING


def test_a_result_that_nobody_asked_for_ends_no_turn() -> None:
    """A background task comes back while our prompt is on its way to the CLI."""
    owner = an_owner()
    turn = owner.prompt()
    owner.says(says.RUNNING, says.text("the build is done"), says.result(text="the build is done"), says.IDLE)
    assert owner.turns[turn.turn_id].state is TurnState.RUNNING
    assert owner.answers(turn, text="mine").result_text == "mine"


def test_what_the_cli_does_without_a_prompt_is_a_turn_with_its_own_usage() -> None:
    owner = an_owner()
    first = owner.answers(owner.prompt(), total_cost_usd=0.25)
    owner.forget().says(
        says.RUNNING,
        says.text("done"),
        says.result(total_cost_usd=0.75, usage=Usage(input_tokens=7)),
        says.IDLE,
    )
    assert owner.told() == [
        EventType.SESSION_STATE_CHANGED,
        EventType.TURN_STARTED,
        EventType.MESSAGE_ASSISTANT,
        EventType.MESSAGE_SYSTEM,
        EventType.TURN_COMPLETED,
        EventType.SESSION_STATE_CHANGED,
    ]
    assert owner.state is State.IDLE
    (own,) = owner.unprompted
    assert (own.kind, own.state, own.prompt) == (TurnKind.UNPROMPTED, TurnState.COMPLETED, "")
    assert own.usage == Usage(turns=1, requests=1, input_tokens=7, cost_usd=0.5)
    third = owner.answers(owner.prompt(), total_cost_usd=1.0)
    assert (first.usage.cost_usd, third.usage.cost_usd, third.number) == (0.25, 0.25, 3)
    assert owner.session.usage == Usage(turns=3, requests=3, input_tokens=207, output_tokens=40, cost_usd=1.0)


def test_cost_is_a_difference_within_one_process() -> None:
    owner = an_owner()
    costs = [owner.answers(owner.prompt(), total_cost_usd=total).usage.cost_usd for total in (0.5, 0.75)]
    owner.decide(orders.suspend)
    owner.exits()
    owner.launched()
    costs.append(owner.answers(owner.prompt(), total_cost_usd=0.125).usage.cost_usd)
    assert costs == [0.5, 0.25, 0.125]
    assert owner.session.usage.cost_usd == 0.875


@pytest.mark.parametrize(
    ("result", "reason", "message"),
    [
        (
            {"is_error": True, "terminal_reason": "api_error", "text": "Overloaded", "api_error_status": 529},
            "API_ERROR",
            "Overloaded (status 529)",
        ),
        (
            {"is_error": True, "subtype": "error_max_turns", "errors": ["8 turns"]},
            "MAX_TURNS",
            "error_max_turns: 8 turns",
        ),
        (
            {"is_error": True, "subtype": "error_max_budget_usd", "text": ""},
            "BUDGET_EXHAUSTED",
            "error_max_budget_usd",
        ),
        (
            {"is_error": True, "subtype": "error_during_execution", "errors": ["a", "b"]},
            "TURN_FAILED",
            "error_during_execution: a; b",
        ),
    ],
)
def test_a_turn_that_fails_says_why(result: dict[str, object], reason: str, message: str) -> None:
    owner = an_owner()
    turn = owner.answers(owner.prompt(), **result)
    assert turn.error is not None
    assert (turn.state, turn.error.reason, turn.error.message) == (TurnState.FAILED, reason, message)
    assert (turn.result_text, turn.side_effects_unknown) == ("", False)
    assert owner.state is State.IDLE


def test_an_interrupted_turn_ends_interrupted_and_the_process_stays() -> None:
    owner = an_owner()
    turn = owner.prompt()
    owner.forget().decide(lambda step: orders.interrupt(step, "", actor="bob"))
    assert owner.done() == [InterruptCli()]
    owner.decide(lambda step: orders.interrupt(step, turn.turn_id))  # once is enough
    assert owner.done() == []
    assert owner.turns[turn.turn_id].state is TurnState.RUNNING
    owner.says(says.aborted(turn.turn_id), says.IDLE)
    ended = owner.turns[turn.turn_id]
    assert ended.error is not None
    assert (ended.state, ended.error.reason) == (TurnState.INTERRUPTED, "TURN_INTERRUPTED")
    assert ended.error.message == "the turn was interrupted by bob"
    assert not ended.side_effects_unknown
    assert owner.state is State.IDLE
    assert owner.done() == []
    assert owner.prompt().state is TurnState.RUNNING


def test_an_interrupt_that_comes_too_late_leaves_the_turn_completed() -> None:
    owner = an_owner()
    turn = owner.prompt()
    owner.decide(lambda step: orders.interrupt(step, ""))
    assert owner.answers(turn).state is TurnState.COMPLETED


def test_a_waiting_turn_is_taken_off_the_queue() -> None:
    owner = an_owner()
    running, waiting = owner.prompt(), owner.prompt(queue=True)
    owner.forget().decide(lambda step: orders.interrupt(step, waiting.turn_id))
    gone = owner.turns[waiting.turn_id]
    assert (gone.state, gone.side_effects_unknown) == (TurnState.INTERRUPTED, False)
    assert owner.told() == [EventType.TURN_INTERRUPTED]
    assert owner.done() == []
    owner.answers(running)
    assert owner.state is State.IDLE


def test_only_open_turns_can_be_interrupted() -> None:
    owner = an_owner()
    with pytest.raises(NoTurnRunning):
        owner.decide(lambda step: orders.interrupt(step, ""))
    turn = owner.answers(owner.prompt())
    with pytest.raises(TurnNotFound):
        owner.decide(lambda step: orders.interrupt(step, turn.turn_id))


def test_a_turn_that_takes_too_long_is_interrupted_and_fails() -> None:
    owner = an_owner()
    turn = owner.prompt(timeout=2 * MINUTE)
    owner.forget().wait(2 * MINUTE - timedelta(seconds=1))
    assert owner.done() == []
    owner.wait(timedelta(seconds=1))
    assert owner.done() == [InterruptCli()]
    owner.says(says.aborted(turn.turn_id), says.IDLE)
    assert owner.turns[turn.turn_id].state is TurnState.FAILED
    assert reason_of(owner.turns[turn.turn_id]) == "TURN_TIMEOUT"
    assert owner.state is State.IDLE


@pytest.mark.parametrize(
    ("own", "configured", "limit"),
    [(None, None, 30 * MINUTE), (None, 3 * MINUTE, 3 * MINUTE), (MINUTE, 3 * MINUTE, MINUTE)],
)
def test_a_turns_own_timeout_comes_before_the_sessions_and_that_before_the_servers(
    own: timedelta | None, configured: timedelta | None, limit: timedelta
) -> None:
    owner = Owner(config={"limits": Limits(turn_timeout=configured)}).launched()
    owner.prompt(timeout=own)
    owner.says(says.tool_use())  # so that silence is no matter
    owner.forget().wait(limit - timedelta(seconds=1))
    assert owner.done() == []
    owner.wait(timedelta(seconds=1))
    assert owner.done() == [InterruptCli()]


def test_a_process_that_does_not_obey_is_ended_and_the_session_fails() -> None:
    owner = an_owner()
    turn = owner.prompt(timeout=MINUTE)
    owner.wait(MINUTE)
    owner.forget().wait(owner.timeouts.interrupt_grace)
    assert owner.done() == [EndProcess(gently=False)]
    owner.wait(timedelta(hours=1))
    assert owner.done() == []  # once
    owner.exits(code=143)
    ended = owner.turns[turn.turn_id]
    assert (ended.state, ended.side_effects_unknown) == (TurnState.FAILED, True)
    assert reason_of(ended) == "TURN_TIMEOUT"
    assert owner.state is State.ERROR
    assert owner.session.error is not None
    assert owner.session.error.message == "the process did not obey an interrupt and was ended"


def test_silence_is_a_stall() -> None:
    owner = an_owner()
    turn = owner.prompt()
    owner.wait(5 * MINUTE)
    owner.says(says.text("still here"))
    owner.forget().wait(5 * MINUTE)
    assert owner.done() == []
    owner.wait(MINUTE)
    assert owner.done() == [InterruptCli()]
    owner.says(says.aborted(turn.turn_id), says.IDLE)
    assert (owner.turns[turn.turn_id].state, reason_of(owner.turns[turn.turn_id])) == (
        TurnState.FAILED,
        "PROCESS_SILENT",
    )


def test_a_tool_may_be_silent() -> None:
    owner = an_owner()
    owner.prompt()
    owner.says(says.tool_use("toolu_1"), says.tool_use("toolu_2"), says.tool_result("toolu_1"))
    owner.forget().wait(20 * MINUTE)
    assert owner.done() == []
    owner.says(says.tool_result("toolu_2"))
    owner.wait(6 * MINUTE)
    assert owner.done() == [InterruptCli()]


def test_each_end_of_a_turn_is_told_with_the_whole_turn() -> None:
    owner = an_owner()
    owner.answers(owner.prompt())
    told = [noted.turn.state for noted in payloads(owner.events, TurnNoted)]
    assert told == [TurnState.QUEUED, TurnState.RUNNING, TurnState.COMPLETED]


def test_a_prompt_that_a_hook_refused_has_failed() -> None:
    owner = an_owner()
    turn = owner.prompt()
    owner.says(says.RUNNING, says.init(), says.refuses("not today"))
    owner.says(says.result(turn.turn_id, text="blocked by hook: not today", terminal_reason=""), says.IDLE)
    ended = owner.turns[turn.turn_id]
    assert (ended.state, ended.result_text) == (TurnState.FAILED, "")
    assert ended.error == Problem(reason="PROMPT_REFUSED", message="not today")
    again = owner.prompt()
    owner.says(says.RUNNING, says.init(), says.result(again.turn_id, text="well"), says.IDLE)
    assert owner.turns[again.turn_id].state is TurnState.COMPLETED


def test_a_turn_that_a_hook_stopped_has_failed() -> None:
    owner = an_owner()
    turn = owner.prompt()
    result = says.result(turn.turn_id, text="let me", terminal_reason="hook_stopped")
    owner.says(says.RUNNING, says.init(), says.text("let me"), result, says.IDLE)
    ended = owner.turns[turn.turn_id]
    assert (ended.state, ended.result_text, reason_of(ended)) == (TurnState.FAILED, "", "HOOK_STOPPED")
