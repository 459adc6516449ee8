"""A turn while the model's API fails: it is repeated as the operator allows, and its error tells what can be done."""

from __future__ import annotations

from datetime import timedelta

import pytest

from greenroomd.domain.decision.actions import EndProcess, InterruptCli
from greenroomd.domain.event_payloads import PlanLimitsNoted
from greenroomd.domain.events import EventType
from greenroomd.domain.plan_limit import LimitState, PlanLimit
from greenroomd.domain.turn import Problem, Turn, TurnState
from unit.live import says
from unit.live.owner import NOON, Owner, an_owner, payloads

USED_UP = PlanLimit(
    name="seven_day_opus", state=LimitState.USED_UP, used=1.0, reset_time=NOON + timedelta(hours=3)
)


def error_of(turn: Turn) -> Problem:
    assert turn.state is TurnState.FAILED
    assert turn.error is not None
    return turn.error


def given_up(owner: Owner) -> Turn:
    """Let the CLI obey the interrupt that ends its running turn; return the turn."""
    assert owner.done() == [InterruptCli()]
    turn = owner.live.turns[0]
    owner.says(says.aborted(turn.turn_id), says.IDLE)
    return owner.turns[turn.turn_id]


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 413, 422])
def test_an_answer_that_no_repetition_can_change_ends_the_turn_at_once(status: int) -> None:
    owner = an_owner()
    owner.prompt()
    owner.forget().says(says.retries(status=status, word="unknown"))
    assert error_of(given_up(owner)).facts["api_status"] == str(status)


@pytest.mark.parametrize("status", [None, 408, 409, 429, 500, 502, 503, 529])
def test_any_other_is_repeated_as_often_as_the_operator_says(status: int | None) -> None:
    owner = an_owner()
    owner.prompt()
    owner.forget().says(*(says.retries(n, status=status, word="unknown") for n in (1, 2, 3, 4)))
    assert owner.done() == []
    owner.says(says.retries(5, status=status, word="unknown", delay=7))
    error = error_of(given_up(owner))
    assert "it was asked 5 times" in error.message
    assert error.retry_after == timedelta(seconds=7)


def test_a_turn_tries_only_as_long_as_the_operator_says() -> None:
    owner = an_owner()
    owner.prompt()
    owner.forget().says(says.retries(1))
    owner.wait(timedelta(seconds=119))
    assert owner.done() == []
    owner.wait(timedelta(seconds=2))
    assert "it has been asked for 120 s" in error_of(given_up(owner)).message


def test_a_next_try_that_would_come_too_late_is_not_waited_for() -> None:
    owner = an_owner()
    owner.prompt()
    owner.forget().says(says.retries(1, status=429, word="rate_limit", delay=121))
    error = error_of(given_up(owner))
    assert (error.reason, error.retry_after) == ("API_LIMIT_REACHED", timedelta(seconds=121))


def test_each_request_is_given_the_whole_patience() -> None:
    owner = an_owner()
    turn = owner.prompt()
    owner.forget().says(*(says.retries(n) for n in (1, 2, 3, 4)))
    owner.wait(timedelta(seconds=100))
    owner.says(says.text("well"))
    owner.wait(timedelta(seconds=100))
    owner.says(*(says.retries(n) for n in (1, 2, 3, 4)))
    owner.wait(timedelta(seconds=100))
    assert owner.done() == []
    owner.says(says.result(turn.turn_id), says.IDLE)
    assert owner.turns[turn.turn_id].state is TurnState.COMPLETED


def test_a_turn_whose_process_does_not_stop_trying_has_failed_all_the_same() -> None:
    owner = an_owner()
    turn = owner.prompt()
    owner.forget().says(says.retries(status=401, word="authentication_failed"))
    owner.wait(timedelta(seconds=6))
    assert EndProcess(gently=False) in owner.done()
    owner.exits(signal=9)
    assert error_of(owner.turns[turn.turn_id]).reason == "API_CREDENTIALS_REFUSED"


def test_what_the_cli_tells_of_a_failure_is_in_the_error() -> None:
    owner = an_owner()
    turn = owner.prompt()
    owner.says(
        says.retries(1, delay=2), says.api_error("overloaded", "req_7"), says.failed(turn.turn_id), says.IDLE
    )
    error = error_of(owner.turns[turn.turn_id])
    assert (error.reason, error.retry_after) == ("API_ERROR", timedelta(seconds=2))
    assert error.facts == {"api_status": "529", "api_request_id": "req_7"}
    assert error.message == "API Error: Overloaded (status 529)"


def test_a_failure_without_any_answer_tells_who_can_do_something() -> None:
    owner = an_owner()
    turn = owner.prompt()
    owner.says(says.api_error("authentication_failed", ""), says.failed(turn.turn_id, status=None), says.IDLE)
    error = error_of(owner.turns[turn.turn_id])
    assert (error.reason, error.facts) == ("API_CREDENTIALS_REFUSED", {})


def test_a_failure_that_was_overcome_is_not_told_of_the_next_one() -> None:
    owner = an_owner()
    turn = owner.prompt()
    owner.says(says.retries(1, delay=9), says.text("well"), says.failed(turn.turn_id, status=500), says.IDLE)
    error = error_of(owner.turns[turn.turn_id])
    assert (error.retry_after, error.facts) == (None, {"api_status": "500"})


def test_a_failure_of_an_agent_is_not_the_turns() -> None:
    owner = an_owner()
    turn = owner.prompt()
    owner.says(
        says.api_error("authentication_failed", "req_1", parent_tool_use_id="toolu_9"),
        says.failed(turn.turn_id, status=None),
        says.IDLE,
    )
    assert error_of(owner.turns[turn.turn_id]).reason == "API_ERROR"


def test_a_plan_that_is_used_up_is_told_by_kind_and_reset_time() -> None:
    owner = an_owner()
    turn = owner.prompt()
    owner.says(
        says.limits(USED_UP, binding="seven_day_opus"),
        says.api_error("rate_limit"),
        says.failed(turn.turn_id, status=429),
        says.IDLE,
    )
    ended = owner.turns[turn.turn_id]
    error = error_of(ended)
    assert (error.reason, error.retry_after) == ("API_LIMIT_REACHED", timedelta(hours=3))
    assert error.facts["limit_kind"] == "WEEKLY_OPUS"
    assert error.facts["resets_at"] == "2026-11-23T15:00:00Z"
    assert ended.plan_limits == owner.session.plan_limits == (USED_UP,)


def test_a_limit_that_turns_is_told_and_one_that_is_only_used_more_is_not() -> None:
    owner = an_owner()
    owner.prompt()
    warned = PlanLimit(name="five_hour", state=LimitState.WARNING, used=0.8)
    owner.forget().says(says.limits(warned, binding="five_hour"))
    assert EventType.SESSION_PLAN_LIMITS_CHANGED in owner.told()
    more = PlanLimit(name="five_hour", state=LimitState.WARNING, used=0.9)
    owner.says(says.limits(more, binding="five_hour"))
    assert EventType.SESSION_PLAN_LIMITS_CHANGED not in owner.told()
    assert owner.session.plan_limits == (more,)
    owner.says(says.limits(USED_UP, binding="seven_day_opus"))
    assert payloads(owner.events, PlanLimitsNoted)[0].limits == (more, USED_UP)


def test_a_limit_that_has_begun_anew_is_forgotten_with_the_next_that_is_told() -> None:
    owner = an_owner()
    owner.prompt()
    owner.says(says.limits(USED_UP, binding="seven_day_opus"))
    owner.pass_time(timedelta(hours=4))
    fresh = PlanLimit(name="five_hour", state=LimitState.ALLOWED)
    owner.says(says.limits(fresh, binding="five_hour"))
    assert owner.session.plan_limits == (fresh,)


def test_a_turn_tells_which_models_answered() -> None:
    owner = an_owner()
    turn = owner.prompt()
    owner.says(
        says.text("well"),
        says.api_error(),
        says.text("and more"),
        says.result(turn.turn_id),
        says.IDLE,
    )
    assert owner.turns[turn.turn_id].models == ("opus",)
