"""The questions of the CLI: asked, answered once, expired, withdrawn, denied by policy."""

from __future__ import annotations

from datetime import timedelta

import pytest

from greenroomd.domain.approval import ApprovalState
from greenroomd.domain.config import ApprovalPolicy
from greenroomd.domain.decision.actions import AnswerPermission, InterruptCli
from greenroomd.domain.errors import ApprovalNotFound
from greenroomd.domain.event_payloads import ApprovalNoted
from greenroomd.domain.events import EventType
from greenroomd.domain.lifecycle import approval_flow, orders
from greenroomd.domain.states import AWAITING_APPROVAL, State
from greenroomd.domain.turn import TurnState
from unit.live import says
from unit.live.owner import Owner, an_owner, payloads

MINUTE = timedelta(minutes=1)


def asked() -> Owner:
    """Return the owner of a session whose turn waits for a permission."""
    owner = an_owner()
    owner.prompt()
    owner.says(says.RUNNING, says.init(), says.tool_use())
    owner.forget().says(says.asks("q1"))
    return owner


def test_a_question_is_told_and_the_session_says_that_it_waits() -> None:
    owner = asked()
    assert (owner.state, owner.session.state_reason) == (State.ACTIVE, AWAITING_APPROVAL)
    question = owner.approvals["q1"]
    assert (question.state, question.tool_name, question.tool_input) == (
        ApprovalState.PENDING,
        "Bash",
        {"command": "make"},
    )
    assert question.turn_id == owner.session.current_turn_id
    assert question.expire_time == owner.at + owner.timeouts.approval_timeout
    assert owner.told() == [EventType.APPROVAL_REQUESTED]
    assert owner.done() == []


def test_allowing_runs_the_tool_as_it_was_asked_for() -> None:
    owner = asked()
    decided = owner.forget().decide(lambda step: approval_flow.answer(step, "q1", allow=True, actor="ann"))
    assert (decided.state, decided.decided_by, decided.decide_time) == (
        ApprovalState.ALLOWED,
        "ann",
        owner.at,
    )
    assert owner.done() == [AnswerPermission("q1", {"command": "make"}, "denied")]
    assert owner.told() == [EventType.APPROVAL_DECIDED]
    assert owner.session.state_reason == ""


def test_allowing_with_another_input_runs_that() -> None:
    owner = asked()
    changed = {"command": "make -n"}
    decided = owner.decide(lambda step: approval_flow.answer(step, "q1", allow=True, updated_input=changed))
    assert decided.updated_input == changed
    (answer,) = owner.done()
    assert isinstance(answer, AnswerPermission)
    assert answer.tool_input == changed


def test_denying_tells_the_model_why() -> None:
    owner = asked()
    decided = owner.decide(
        lambda step: approval_flow.answer(
            step, "q1", allow=False, updated_input={"command": "x"}, message="not here"
        )
    )
    assert (decided.state, decided.message, decided.updated_input) == (ApprovalState.DENIED, "not here", None)
    assert owner.done() == [AnswerPermission("q1", None, "not here")]


def test_the_first_decision_wins() -> None:
    owner = asked()
    owner.decide(lambda step: approval_flow.answer(step, "q1", allow=True))
    before = owner.forget().live
    with pytest.raises(ApprovalNotFound):
        owner.decide(lambda step: approval_flow.answer(step, "q1", allow=False))
    assert owner.live == before


def test_of_two_questions_each_is_decided_for_itself() -> None:
    owner = asked()
    owner.says(says.asks("q2", "toolu_2"))
    owner.decide(lambda step: approval_flow.answer(step, "q2", allow=True))
    assert owner.session.state_reason == AWAITING_APPROVAL
    owner.decide(lambda step: approval_flow.answer(step, "q1", allow=True))
    assert owner.session.state_reason == ""


def test_a_question_that_nobody_answers_is_denied() -> None:
    owner = asked()
    owner.forget().wait(10 * MINUTE)
    assert owner.approvals["q1"].state is ApprovalState.EXPIRED
    assert owner.done() == [AnswerPermission("q1", None, "nobody answered in time")]
    assert owner.told() == [EventType.APPROVAL_EXPIRED]
    assert owner.live.approvals == {}


def test_the_time_a_person_takes_is_no_silence_of_the_cli() -> None:
    owner = an_owner()
    owner.prompt()
    owner.says(says.RUNNING, says.asks("q1"), says.asks("q2"))  # of a tool that no frame named
    owner.wait(9 * MINUTE)
    owner.decide(lambda step: approval_flow.answer(step, "q1", allow=True))
    owner.forget().wait(MINUTE)
    assert owner.approvals["q2"].state is ApprovalState.EXPIRED
    owner.forget().wait(5 * MINUTE)
    assert owner.done() == []
    owner.wait(MINUTE)
    assert owner.done() == [InterruptCli()]


def test_an_interrupt_cancels_the_questions_first() -> None:
    owner = asked()
    turn = owner.live.turn
    assert turn is not None
    owner.decide(lambda step: orders.interrupt(step, ""))
    assert owner.approvals["q1"].state is ApprovalState.CANCELLED
    assert owner.told() == [EventType.APPROVAL_REQUESTED, EventType.APPROVAL_CANCELLED]
    assert owner.done() == [InterruptCli()]  # the CLI is not answered any more
    owner.says(says.withdraws("q1"), says.aborted(turn.turn_id), says.IDLE)
    assert owner.turns[turn.turn_id].state is TurnState.INTERRUPTED
    assert owner.approvals["q1"].state is ApprovalState.CANCELLED


def test_a_question_that_the_cli_withdraws_is_cancelled() -> None:
    owner = asked()
    owner.says(says.withdraws("q1"))
    assert owner.approvals["q1"].state is ApprovalState.CANCELLED
    assert owner.session.state_reason == ""
    assert owner.done() == []


def test_a_crash_cancels_what_is_pending() -> None:
    owner = asked()
    owner.exits(signal=9)
    assert owner.approvals["q1"].state is ApprovalState.CANCELLED
    assert owner.state is State.ERROR


def test_the_policy_can_be_a_standing_no() -> None:
    owner = Owner(config={"approval_policy": ApprovalPolicy.DENY}).launched()
    owner.prompt()
    owner.forget().says(says.RUNNING, says.asks("q1"))
    assert owner.approvals["q1"].state is ApprovalState.DENIED
    assert owner.approvals["q1"].decided_by == "policy"
    assert [noted.approval.state for noted in payloads(owner.events, ApprovalNoted)] == [
        ApprovalState.PENDING,
        ApprovalState.DENIED,
    ]
    assert owner.done() == [AnswerPermission("q1", None, "denied by policy")]
    assert owner.session.state_reason == ""


def test_an_approval_of_another_session_does_not_exist() -> None:
    approval = asked().approvals["q1"]
    approval_flow.require_known(approval, approval.session_id)
    approval_flow.require_known(approval, "")
    with pytest.raises(ApprovalNotFound):
        approval_flow.require_known(approval, "another")
