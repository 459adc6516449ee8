"""Converts an event to a message before the store numbers it; EventType names the payload's field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from greenroom.v1 import event_payload_pb2 as pb
from greenroom.v1.event_pb2 import Event as EventMessage
from greenroom.v1.session_pb2 import Session as SessionMessage
from greenroomd.domain import event_payloads as payloads
from greenroomd.domain.events import Event, EventType
from greenroomd.domain.session import Recovery, Session
from greenroomd.domain.states import State
from greenroomd.rpc.convert.content import block_messages
from greenroomd.rpc.convert.enums import EVENT_TYPES, SESSION_STATES, permission_mode_number
from greenroomd.rpc.convert.mcp_proto import mcp_server_message
from greenroomd.rpc.convert.plan_limit_proto import plan_limit_messages
from greenroomd.rpc.convert.problems import maybe_status
from greenroomd.rpc.convert.session_proto import process_message, recovery_message, session_message
from greenroomd.rpc.convert.structs import wire_text
from greenroomd.rpc.convert.task_proto import task_message
from greenroomd.rpc.convert.times import duration, shared_timestamp, timestamp
from greenroomd.rpc.convert.turn_proto import approval_message, turn_message


def event_message(event: Event, session: Session) -> EventMessage:
    """Return an event of a session with its complete payload, but without id, sequence, revision and cursor."""
    payload = event.payload
    build: Callable[[EventType, Any], Message] = _BUILDERS[type(payload)]
    fields: dict[str, Any] = {event.type.name.lower(): build(event.type, payload)}
    return EventMessage(
        session_id=session.session_id,
        workspace_id=session.workspace_id,
        type=EVENT_TYPES.number[event.type],
        time=shared_timestamp(event.time),
        actor=event.actor,
        turn_id=event.turn_id,
        request_id=event.request_id,
        **fields,
    )


_OF_SESSION: Mapping[EventType, Callable[..., Message]] = {
    EventType.SESSION_CREATED: pb.SessionCreated,
    EventType.SESSION_STARTED: pb.SessionStarted,
    EventType.SESSION_SUSPENDED: pb.SessionSuspended,
    EventType.SESSION_RESUMED: pb.SessionResumed,
    EventType.SESSION_RESTARTED: pb.SessionRestarted,
    EventType.SESSION_CLOSED: pb.SessionClosed,
    EventType.SESSION_DELETED: pb.SessionDeleted,
    EventType.SESSION_ERROR: pb.SessionError,
}
_OF_TURN: Mapping[EventType, Callable[..., Message]] = {
    EventType.TURN_QUEUED: pb.TurnQueued,
    EventType.TURN_STARTED: pb.TurnStarted,
    EventType.TURN_COMPLETED: pb.TurnCompleted,
    EventType.TURN_FAILED: pb.TurnFailed,
    EventType.TURN_INTERRUPTED: pb.TurnInterrupted,
}
_OF_APPROVAL: Mapping[EventType, Callable[..., Message]] = {
    EventType.APPROVAL_REQUESTED: pb.ApprovalRequested,
    EventType.APPROVAL_DECIDED: pb.ApprovalDecided,
    EventType.APPROVAL_EXPIRED: pb.ApprovalExpired,
    EventType.APPROVAL_CANCELLED: pb.ApprovalCancelled,
}
_OF_TASK: Mapping[EventType, Callable[..., Message]] = {
    EventType.TASK_STARTED: pb.TaskStarted,
    EventType.TASK_UPDATED: pb.TaskUpdated,
    EventType.TASK_ENDED: pb.TaskEnded,
}
_OF_MESSAGE: Mapping[EventType, Callable[..., Message]] = {
    EventType.MESSAGE_USER: pb.UserMessage,
    EventType.MESSAGE_ASSISTANT: pb.AssistantMessage,
    EventType.MESSAGE_TOOL_USE: pb.ToolUse,
    EventType.MESSAGE_TOOL_RESULT: pb.ToolResult,
}
_HAS_MODEL = (EventType.MESSAGE_ASSISTANT, EventType.MESSAGE_TOOL_USE)


def _snapshot(session: Session) -> SessionMessage:
    message = session_message(session, full=False)
    # They belong to the commit in progress, and the event itself carries them.
    message.ClearField("last_sequence")
    message.ClearField("revision")
    return message


def _session(type: EventType, payload: payloads.SessionNoted) -> Message:
    return _OF_SESSION[type](session=_snapshot(payload.session))


def _session_updated(_type: EventType, payload: payloads.SessionUpdated) -> Message:
    mask = FieldMask(paths=list(payload.paths))
    return pb.SessionUpdated(session=_snapshot(payload.session), update_mask=mask)


def _state_changed(_type: EventType, payload: payloads.StateChanged) -> Message:
    return pb.SessionStateChanged(
        from_state=SESSION_STATES.number[State(payload.from_state)],
        to_state=SESSION_STATES.number[State(payload.to_state)],
        reason=payload.reason,
        error=maybe_status(payload.error),
        lost_task_ids=[wire_text(task_id) for task_id in payload.lost_task_ids],
    )


def _config_applied(_type: EventType, payload: payloads.ConfigApplied) -> Message:
    return pb.SessionConfigApplied(config_generation=payload.generation, restarted=payload.restarted)


def _model_changed(_type: EventType, payload: payloads.ModelChanged) -> Message:
    return pb.SessionModelChanged(
        from_model=wire_text(payload.from_model),
        to_model=wire_text(payload.to_model),
        overrides_config=payload.own,
    )


def _permission_mode_changed(_type: EventType, payload: payloads.PermissionModeChanged) -> Message:
    return pb.SessionPermissionModeChanged(
        from_mode=permission_mode_number(payload.from_mode),
        to_mode=permission_mode_number(payload.to_mode),
        overrides_config=payload.own,
    )


def _recovery_scheduled(_type: EventType, payload: payloads.RecoveryScheduled) -> Message:
    recovery = Recovery(
        attempt=payload.attempt,
        max_attempts=payload.max_attempts,
        next_attempt_time=payload.at,
        recoverable=True,
    )
    return pb.SessionRecoveryScheduled(recovery=recovery_message(recovery))


def _limit_reached(_type: EventType, payload: payloads.LimitReached) -> Message:
    return pb.SessionLimitReached(limit=payload.limit, detail=payload.detail)


def _plan_limits(_type: EventType, payload: payloads.PlanLimitsNoted) -> Message:
    return pb.SessionPlanLimitsChanged(plan_limits=plan_limit_messages(payload.limits))


def _expiring(_type: EventType, payload: payloads.Expiring) -> Message:
    return pb.SessionExpiring(expire_time=timestamp(payload.at))


def _process_spawned(_type: EventType, payload: payloads.ProcessSpawned) -> Message:
    return pb.ProcessSpawned(process=process_message(payload.session.process))


def _process_ready(_type: EventType, payload: payloads.ProcessReady) -> Message:
    session = payload.session
    return pb.ProcessReady(
        process=process_message(session.process),
        cli_session_id=session.cli_session_id,
        config_generation=session.observed_config_generation,
        startup_time=duration(payload.startup),
    )


def _process_exited(_type: EventType, payload: payloads.ProcessExited) -> Message:
    return pb.ProcessExited(
        node_id=payload.node_id,
        pid=payload.pid,
        code=payload.code,
        signal=payload.signal,
        memory_limit_hit=payload.memory_limit_hit,
        expected=payload.expected,
        stderr_tail=wire_text(payload.stderr_tail),
    )


def _turn(type: EventType, payload: payloads.TurnNoted) -> Message:
    return _OF_TURN[type](turn=turn_message(payload.turn, whole_prompt=type is EventType.TURN_QUEUED))


def _approval(type: EventType, payload: payloads.ApprovalNoted) -> Message:
    return _OF_APPROVAL[type](approval=approval_message(payload.approval, whole=True))


def _task(type: EventType, payload: payloads.TaskNoted) -> Message:
    return _OF_TASK[type](task=task_message(payload.task))


def _message(type: EventType, payload: payloads.MessageNoted) -> Message:
    model = {"model": wire_text(payload.model)} if type in _HAS_MODEL else {}
    return _OF_MESSAGE[type](
        message_id=wire_text(payload.message_id),
        content=block_messages(payload.blocks),
        parent_tool_use_id=wire_text(payload.parent_tool_use_id),
        raw_frame=payload.raw.decode("utf-8", "replace"),
        synthetic=payload.synthetic,
        **model,
    )


def _system(_type: EventType, payload: payloads.SystemMessage) -> Message:
    return pb.SystemMessage(
        frame_type=wire_text(payload.type),
        subtype=wire_text(payload.subtype),
        raw_frame=payload.raw.decode("utf-8", "replace"),
    )


def _delta(type: EventType, payload: payloads.DeltaNoted) -> Message:
    text, parent = wire_text(payload.text), wire_text(payload.parent_tool_use_id)
    message_id, index = wire_text(payload.message_id), payload.block_index
    if type is EventType.THINKING_DELTA:
        return pb.ThinkingDelta(
            message_id=message_id, block_index=index, thinking=text, parent_tool_use_id=parent
        )
    return pb.MessageDelta(message_id=message_id, block_index=index, text=text, parent_tool_use_id=parent)


def _tool_input(_type: EventType, payload: payloads.ToolInputNoted) -> Message:
    return pb.ToolInputDelta(
        message_id=wire_text(payload.message_id),
        block_index=payload.block_index,
        tool_use_id=wire_text(payload.tool_use_id),
        tool_name=wire_text(payload.tool_name),
        partial_json=wire_text(payload.partial_json),
        parent_tool_use_id=wire_text(payload.parent_tool_use_id),
    )


def _tool_output(_type: EventType, payload: payloads.ToolOutputNoted) -> Message:
    return pb.ToolOutputDelta(tool_use_id=wire_text(payload.tool_use_id), text=wire_text(payload.text))


def _tool_progress(_type: EventType, payload: payloads.ToolProgressNoted) -> Message:
    return pb.ToolProgress(
        tool_use_id=wire_text(payload.tool_use_id),
        tool_name=wire_text(payload.tool_name),
        elapsed_time=duration(payload.elapsed),
        parent_tool_use_id=wire_text(payload.parent_tool_use_id),
    )


def _retracted(_type: EventType, payload: payloads.MessageRetracted) -> Message:
    return pb.MessageRetracted(
        message_id=wire_text(payload.message_id), parent_tool_use_id=wire_text(payload.parent_tool_use_id)
    )


def _stats(_type: EventType, payload: payloads.StatsNoted) -> Message:
    return pb.ProcessStats(
        memory_bytes=payload.memory_bytes,
        cpu_time=duration(payload.cpu_time),
        process_count=payload.process_count,
    )


def _capabilities(_type: EventType, payload: payloads.CapabilitiesChanged) -> Message:
    return pb.SessionCapabilitiesChanged(etag=payload.etag)


def _mcp_server(_type: EventType, payload: payloads.McpServerNoted) -> Message:
    server = mcp_server_message(payload.server, required=payload.required, tools=False)
    return pb.McpServerUpdated(mcp_server=server)


def _stderr(_type: EventType, payload: payloads.StderrNoted) -> Message:
    return pb.ProcessStderr(text=wire_text(payload.text))


_BUILDERS: Mapping[type, Callable[[EventType, Any], Message]] = {
    payloads.SessionNoted: _session,
    payloads.SessionUpdated: _session_updated,
    payloads.StateChanged: _state_changed,
    payloads.ConfigApplied: _config_applied,
    payloads.ModelChanged: _model_changed,
    payloads.PermissionModeChanged: _permission_mode_changed,
    payloads.RecoveryScheduled: _recovery_scheduled,
    payloads.LimitReached: _limit_reached,
    payloads.PlanLimitsNoted: _plan_limits,
    payloads.Expiring: _expiring,
    payloads.ProcessSpawned: _process_spawned,
    payloads.ProcessReady: _process_ready,
    payloads.ProcessExited: _process_exited,
    payloads.TurnNoted: _turn,
    payloads.MessageNoted: _message,
    payloads.SystemMessage: _system,
    payloads.ApprovalNoted: _approval,
    payloads.CapabilitiesChanged: _capabilities,
    payloads.McpServerNoted: _mcp_server,
    payloads.TaskNoted: _task,
    payloads.DeltaNoted: _delta,
    payloads.ToolInputNoted: _tool_input,
    payloads.ToolOutputNoted: _tool_output,
    payloads.ToolProgressNoted: _tool_progress,
    payloads.MessageRetracted: _retracted,
    payloads.StatsNoted: _stats,
    payloads.StderrNoted: _stderr,
}
