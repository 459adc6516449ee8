"""Sessions to rows and back: one total function each way."""

from __future__ import annotations

from typing import Any

from greenroomd.domain.costs.usage import Usage
from greenroomd.domain.in_force import InForce
from greenroomd.domain.lifecycle.expiry import due_time
from greenroomd.domain.session import ProcessFacts, Recovery, Session, StartMode
from greenroomd.domain.states import State
from greenroomd.store.schema.documents import (
    Document,
    config_of,
    in_force_document,
    in_force_of,
    maybe_time,
    maybe_time_of,
    plan_limits_document,
    plan_limits_of,
    problem_document,
    problem_of,
    process_document,
    process_of,
    recovery_document,
    recovery_of,
    report_document,
    report_of,
    text,
    time,
    time_of,
    usage_document,
    usage_of,
    value_of,
)
from greenroomd.store.schema.rows import Row

_NO_RECOVERY = Recovery()
_NO_PROCESS = ProcessFacts()
_NO_USAGE = Usage()
_NOTHING_IN_FORCE = InForce()


def session_row(session: Session) -> tuple[Any, ...]:
    """Return the row of `sessions` without its number, which the first commit assigns."""
    return (
        session.session_id,
        session.workspace_id,
        session.user_id,
        session.profile_id,
        time(session.create_time),
        session.state.value,
        int(session.unsettled),
        time(session.last_active_time),
        maybe_time(due_time(session)),
        session.config_generation,
        session.node_id,
        _written(_description(session)),
        _written(_progress(session)),
        session.version,
        session.fence,
        session.last_sequence,
        session.revision,
    )


def _written(document: Document) -> str:
    """Return a document as JSON without empty and false values. Keeps 0, which may be a time."""
    kept = {name: value for name, value in document.items() if value or type(value) is int}
    return text(kept) if kept else "{}"


def _description(session: Session) -> Document:
    return {"display_name": session.display_name, "labels": session.labels, "metadata": session.metadata}


def _progress(session: Session) -> Document:
    recovery, process = session.recovery, session.process
    usage, running = session.usage, session.running_usage
    in_force = session.in_force
    return {
        "start_mode": session.start_mode,
        "state_reason": session.state_reason,
        "state_time": time(session.state_time),
        "error": problem_document(session.error),
        "recovery": None if recovery == _NO_RECOVERY else recovery_document(recovery),
        "process": None if process == _NO_PROCESS else process_document(process),
        "in_force": None if in_force == _NOTHING_IN_FORCE else in_force_document(in_force),
        "cli_session_id": session.cli_session_id,
        "conversation": session.conversation,
        "current_turn_id": session.current_turn_id,
        "turn_count": session.turn_count,
        "usage": None if usage == _NO_USAGE else usage_document(usage),
        "running_usage": None if running == _NO_USAGE else usage_document(running),
        "plan_limits": plan_limits_document(session.plan_limits),
        "profile_token": session.profile_token,
        "observed_config_generation": session.observed_config_generation,
        "config_report": report_document(session.config_report),
        "update_time": time(session.update_time),
        "close_time": maybe_time(session.close_time),
        "expiry_told": maybe_time(session.expiry_told),
        "background_task_count": session.background_task_count or None,
        "lost_task_ids": list(session.lost_task_ids),
    }


def session_of(row: Row) -> Session:
    """Return the session of a row of `sessions` followed by its config's JSON."""
    (
        _number,
        session_id,
        workspace_id,
        user_id,
        profile_id,
        create_time,
        state,
        _unsettled,
        last_active_time,
        _due_time,
        config_generation,
        node_id,
        description,
        progress,
        version,
        fence,
        last_sequence,
        revision,
        config,
    ) = row
    described: Document = value_of(description)
    moved: Document = value_of(progress)
    recovery, process = moved.get("recovery"), moved.get("process")
    usage, running = moved.get("usage"), moved.get("running_usage")
    in_force = moved.get("in_force")
    return Session(
        session_id=session_id,
        workspace_id=workspace_id,
        user_id=user_id,
        profile_id=profile_id,
        display_name=described.get("display_name", ""),
        labels=described.get("labels", {}),
        metadata=described.get("metadata", {}),
        config=config_of(config),
        config_generation=config_generation,
        observed_config_generation=moved.get("observed_config_generation", 0),
        config_report=report_of(moved.get("config_report", ())),
        in_force=in_force_of(in_force) if in_force else _NOTHING_IN_FORCE,
        start_mode=StartMode(moved["start_mode"]),
        state=State(state),
        state_reason=moved.get("state_reason", ""),
        state_time=time_of(moved["state_time"]),
        error=problem_of(moved.get("error")),
        recovery=recovery_of(recovery) if recovery else _NO_RECOVERY,
        process=process_of(process) if process else _NO_PROCESS,
        cli_session_id=moved.get("cli_session_id", ""),
        conversation=moved.get("conversation", False),
        current_turn_id=moved.get("current_turn_id", ""),
        turn_count=moved.get("turn_count", 0),
        usage=usage_of(usage) if usage else _NO_USAGE,
        running_usage=usage_of(running) if running else _NO_USAGE,
        plan_limits=plan_limits_of(moved.get("plan_limits", ())),
        profile_token=moved.get("profile_token", False),
        create_time=time_of(create_time),
        update_time=time_of(moved["update_time"]),
        last_active_time=time_of(last_active_time),
        close_time=maybe_time_of(moved.get("close_time")),
        expiry_told=maybe_time_of(moved.get("expiry_told")),
        background_task_count=moved.get("background_task_count", 0),
        lost_task_ids=tuple(moved.get("lost_task_ids", ())),
        node_id=node_id,
        fence=fence,
        version=version,
        last_sequence=last_sequence,
        revision=revision,
    )


def label_rows(number: int, session: Session) -> list[Row]:
    """Return the rows of `labels` for a session."""
    created = time(session.create_time)
    return [(number, key, value, session.workspace_id, created) for key, value in session.labels.items()]
