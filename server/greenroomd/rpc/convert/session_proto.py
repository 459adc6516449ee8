"""Converts a session to a message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from greenroom.v1 import config_pb2
from greenroom.v1 import session_pb2 as pb
from greenroomd.domain.costs.usage import Usage
from greenroomd.domain.enforcement import OptionReport
from greenroomd.domain.memo import IdentityMemo
from greenroomd.domain.session import LastExit, ProcessFacts, Recovery, Session, etag
from greenroomd.rpc.convert.config_proto import shared_config_message
from greenroomd.rpc.convert.enums import ENFORCEMENT, SESSION_STATES, permission_mode_number
from greenroomd.rpc.convert.plan_limit_proto import plan_limit_messages
from greenroomd.rpc.convert.problems import maybe_status
from greenroomd.rpc.convert.structs import struct, wire_text
from greenroomd.rpc.convert.times import maybe_timestamp, shared_timestamp, timestamp

_NO_RECOVERY = Recovery()


def session_message(session: Session, *, full: bool) -> pb.Session:
    """Return a session as a message: in view FULL, or in view BASIC without fields that may be long or confidential."""
    return pb.Session(
        session_id=session.session_id,
        workspace_id=session.workspace_id,
        user_id=session.user_id,
        display_name=session.display_name,
        profile_id=session.profile_id,
        labels=session.labels or None,
        metadata=struct(session.metadata) if session.metadata else None,
        config=shared_config_message(session.config, full=full),
        config_generation=session.config_generation,
        observed_config_generation=session.observed_config_generation,
        config_report=report_messages(session.config_report) if full and session.config_report else None,
        state=SESSION_STATES.number[session.state],
        state_reason=session.state_reason,
        state_time=shared_timestamp(session.state_time),
        error=maybe_status(session.error),
        recovery=_maybe_recovery(session.recovery),
        process=process_message(session.process) if session.process.start_time else None,
        cli_session_id=session.cli_session_id,
        current_turn_id=session.current_turn_id,
        usage=_shared_usage_message(session.usage),
        running_usage=usage_message(session.running_usage) if session.running_usage != _NO_USAGE else None,
        create_time=shared_timestamp(session.create_time),
        update_time=shared_timestamp(session.update_time),
        last_active_time=shared_timestamp(session.last_active_time),
        close_time=maybe_timestamp(session.close_time),
        expire_time=maybe_timestamp(session.expire_time),
        last_sequence=session.last_sequence,
        revision=session.revision,
        etag=etag(session),
        plan_limits=plan_limit_messages(session.plan_limits) if session.plan_limits else None,
        current_permission_mode=permission_mode_number(session.in_force.permission_mode),
        current_model=session.in_force.model,
        background_task_count=session.background_task_count,
        lost_task_ids=[wire_text(task_id) for task_id in session.lost_task_ids],
    )


session_bytes: IdentityMemo[Session, bytes] = IdentityMemo(
    lambda session: session_message(session, full=True).SerializeToString(), limit=1024
)
"""Returns a session serialized in view FULL; the answer and its record for replays are the same bytes."""


def _maybe_recovery(recovery: Recovery) -> pb.Recovery | None:
    if recovery == _NO_RECOVERY or replace(recovery, restarts=()) == _NO_RECOVERY:
        return None
    return recovery_message(recovery)


def report_messages(report: Sequence[OptionReport]) -> list[config_pb2.ConfigOptionReport]:
    """Return how each option is enforced."""
    return [
        config_pb2.ConfigOptionReport(
            option=each.option, enforcement=ENFORCEMENT.number[each.enforcement], reason=each.reason
        )
        for each in report
    ]


def process_message(process: ProcessFacts) -> pb.Process:
    """Return what is known about a session's process."""
    return pb.Process(
        node_id=process.node_id,
        pid=process.pid,
        start_time=maybe_timestamp(process.start_time),
        cli_version=process.cli_version,
        from_warm_pool=process.from_warm_pool,
        restart_count=process.restart_count,
        capabilities_etag=process.capabilities_etag,
        last_exit=_exit_message(process.last_exit) if process.last_exit else None,
    )


def recovery_message(recovery: Recovery) -> pb.Recovery:
    """Return the progress of a session's recovery."""
    return pb.Recovery(
        attempt=recovery.attempt,
        max_attempts=recovery.max_attempts,
        next_attempt_time=maybe_timestamp(recovery.next_attempt_time),
        recoverable=recovery.recoverable,
    )


def usage_message(usage: Usage) -> pb.SessionUsage:
    """Return what a session has used."""
    return pb.SessionUsage(
        turns=usage.turns,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_creation_tokens=usage.cache_creation_tokens,
        cost_usd=usage.cost_usd,
        requests=usage.requests,
        estimated_cost_usd=usage.estimated_cost_usd,
        incomplete=usage.incomplete,
    )


_NO_USAGE = Usage()
_shared_usage_message = IdentityMemo(usage_message)


def _exit_message(last: LastExit) -> pb.ProcessExit:
    return pb.ProcessExit(
        code=last.code,
        signal=last.signal,
        memory_limit_hit=last.memory_limit_hit,
        time=timestamp(last.time),
    )
