"""Turns and approvals to rows and back. Rows are tuples in the order of the table's columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from greenroomd.domain.approval import Approval, ApprovalState
from greenroomd.domain.turn import CauseKind, Turn, TurnCause, TurnKind, TurnState
from greenroomd.store.schema.documents import (
    Document,
    maybe_time,
    maybe_time_of,
    plan_limits_document,
    plan_limits_of,
    problem_document,
    problem_of,
    span,
    span_of,
    text,
    time,
    time_of,
    usage_document,
    usage_of,
    value_of,
)

Row = Sequence[Any]


def turn_row(session_number: int, turn: Turn) -> Row:
    """Return the row of `turns`."""
    return (
        turn.turn_id,
        session_number,
        turn.session_id,
        turn.number,
        turn.state.value,
        int(not turn.state.final),
        time(turn.create_time),
        text([turn.prompt, turn.content]),
        text(
            {
                "timeout": span(turn.timeout),
                "request_id": turn.request_id,
                "actor": turn.actor,
                "kind": turn.kind,
                "cause": None if turn.cause is None else [turn.cause.kind, turn.cause.task_id],
                "rounds": turn.rounds,
                "result_text": turn.result_text,
                "stop_reason": turn.stop_reason,
                "usage": usage_document(turn.usage),
                "error": problem_document(turn.error),
                "side_effects_unknown": turn.side_effects_unknown,
                "plan_limits": plan_limits_document(turn.plan_limits),
                "models": turn.models,
                "start_time": maybe_time(turn.start_time),
                "end_time": maybe_time(turn.end_time),
            }
        ),
    )


def turn_of(row: Row) -> Turn:
    """Return the turn of a row of `turns`."""
    turn_id, _, session_id, number, state, _unfinished, create_time, prompt, outcome = row
    said, content = value_of(prompt)
    came: Document = value_of(outcome)
    cause = came.get("cause")  # rows of earlier versions lack it
    return Turn(
        turn_id=turn_id,
        session_id=session_id,
        number=number,
        state=TurnState(state),
        kind=TurnKind(came.get("kind", TurnKind.PROMPT)),
        cause=TurnCause(kind=CauseKind(cause[0]), task_id=cause[1]) if cause else None,
        prompt=said,
        content=tuple(content),
        timeout=span_of(came["timeout"]),
        request_id=came["request_id"],
        actor=came.get("actor", ""),  # rows of earlier versions lack it
        rounds=came.get("rounds", 0),
        result_text=came["result_text"],
        stop_reason=came["stop_reason"],
        usage=usage_of(came["usage"]),
        error=problem_of(came["error"]),
        side_effects_unknown=came["side_effects_unknown"],
        plan_limits=plan_limits_of(came.get("plan_limits", ())),
        models=tuple(came.get("models", ())),
        create_time=time_of(create_time),
        start_time=maybe_time_of(came["start_time"]),
        end_time=maybe_time_of(came["end_time"]),
    )


def approval_row(session_number: int, approval: Approval) -> Row:
    """Return the row of `approvals`."""
    return (
        approval.approval_id,
        session_number,
        approval.session_id,
        approval.state.value,
        time(approval.create_time),
        text(
            {
                "turn_id": approval.turn_id,
                "tool_name": approval.tool_name,
                "tool_use_id": approval.tool_use_id,
                "tool_input": approval.tool_input,
                "display_name": approval.display_name,
                "description": approval.description,
                "blocked_path": approval.blocked_path,
                "suggestions": list(approval.suggestions),
                "requires_user_interaction": approval.requires_user_interaction,
                "expire_time": time(approval.expire_time),
                "decide_time": maybe_time(approval.decide_time),
                "decided_by": approval.decided_by,
                "message": approval.message,
                "updated_input": approval.updated_input,
            }
        ),
    )


def approval_of(row: Row) -> Approval:
    """Return the approval of a row of `approvals`."""
    approval_id, _, session_id, state, create_time, question = row
    document: Document = value_of(question)
    document["expire_time"] = time_of(document["expire_time"])
    document["decide_time"] = maybe_time_of(document["decide_time"])
    document["suggestions"] = tuple(document.get("suggestions", ()))
    return Approval(
        approval_id=approval_id,
        session_id=session_id,
        state=ApprovalState(state),
        create_time=time_of(create_time),
        **document,
    )
