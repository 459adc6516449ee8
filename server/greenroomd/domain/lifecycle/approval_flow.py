"""Opens, decides, expires and cancels approvals within a step. Pure."""

from __future__ import annotations

from dataclasses import replace

from greenroomd.domain.approval import Approval, ApprovalState
from greenroomd.domain.config import ApprovalPolicy, JsonObject
from greenroomd.domain.decision.actions import AnswerPermission
from greenroomd.domain.decision.step import Step
from greenroomd.domain.errors import ApprovalNotFound, InvalidRequest
from greenroomd.domain.event_payloads import ApprovalNoted
from greenroomd.domain.events import Event, EventType
from greenroomd.domain.frames.tool_frames import PermissionAsked
from greenroomd.domain.rules.answer_rules import answer_violations
from greenroomd.domain.states import AWAITING_APPROVAL, State

_TOLD_AS = {
    ApprovalState.PENDING: EventType.APPROVAL_REQUESTED,
    ApprovalState.ALLOWED: EventType.APPROVAL_DECIDED,
    ApprovalState.DENIED: EventType.APPROVAL_DECIDED,
    ApprovalState.EXPIRED: EventType.APPROVAL_EXPIRED,
    ApprovalState.CANCELLED: EventType.APPROVAL_CANCELLED,
}


def ask(step: Step, frame: PermissionAsked) -> None:
    """Open an approval for the CLI's request; deny it at once if the policy is DENY."""
    turn = step.live.turn
    approval = Approval(
        approval_id=frame.request_id,
        session_id=step.session.session_id,
        turn_id=turn.turn_id if turn else "",
        state=ApprovalState.PENDING,
        tool_name=frame.tool_name,
        tool_use_id=frame.tool_use_id,
        tool_input=frame.tool_input,
        display_name=frame.display_name,
        description=frame.description,
        blocked_path=frame.blocked_path,
        suggestions=frame.suggestions,
        requires_user_interaction=frame.requires_user_interaction,
        create_time=step.at,
        expire_time=step.at + step.timeouts.approval_timeout,
    )
    _put(step, approval)
    if step.session.config.approval_policy is ApprovalPolicy.DENY:
        answer(step, approval.approval_id, allow=False, message="denied by policy", actor="policy")


def answer(
    step: Step,
    approval_id: str,
    *,
    allow: bool,
    updated_input: JsonObject | None = None,
    message: str = "",
    actor: str = "",
) -> Approval:
    """Decide a pending approval.

    Raises ApprovalNotFound if it is no longer pending. Raises InvalidRequest if the tool asks questions that
    `updated_input` does not answer; the approval then stays pending.
    """
    pending = step.live.approvals.get(approval_id)
    if pending is None:
        raise ApprovalNotFound(approval_id)
    broken = answer_violations(pending.tool_name, pending.tool_input, updated_input) if allow else []
    if broken:
        raise InvalidRequest(broken)
    decided = replace(
        pending,
        state=ApprovalState.ALLOWED if allow else ApprovalState.DENIED,
        decide_time=step.at,
        decided_by=actor,
        message=message,
        updated_input=updated_input if allow else None,
    )
    _put(step, decided)
    tool_input = (updated_input if updated_input is not None else pending.tool_input) if allow else None
    step.schedule(AnswerPermission(approval_id, tool_input, message or "denied"))
    return decided


def expire(step: Step) -> None:
    """Deny every approval that was not decided in time."""
    for approval_id, due in step.live.answer_by.items():
        if due <= step.moment:
            approval = step.live.approvals[approval_id]
            _put(step, replace(approval, state=ApprovalState.EXPIRED, decide_time=step.at))
            step.schedule(AnswerPermission(approval.approval_id, None, "nobody answered in time"))


def cancel(step: Step, approval_id: str = "") -> None:
    """Cancel one approval, or all of them; the CLI gets no answer."""
    for approval in list(step.live.approvals.values()):
        if approval_id in ("", approval.approval_id):
            _put(step, replace(approval, state=ApprovalState.CANCELLED, decide_time=step.at))


def require_known(approval: Approval, session_id: str) -> None:
    """Raise ApprovalNotFound if the approval belongs to another session than the one named, if any."""
    if session_id and approval.session_id != session_id:
        raise ApprovalNotFound(approval.approval_id)


def _put(step: Step, approval: Approval) -> None:
    step.put_approval(approval)
    step.emit(
        Event(
            type=_TOLD_AS[approval.state],
            time=step.at,
            turn_id=approval.turn_id,
            actor=approval.decided_by,
            payload=ApprovalNoted(approval=approval),
        )
    )
    step.update_live(heard_at=step.moment)  # it was waiting for a person, so its silence is counted from now
    if step.session.state is State.ACTIVE:
        step.update_session(state_reason=AWAITING_APPROVAL if step.live.approvals else "")
