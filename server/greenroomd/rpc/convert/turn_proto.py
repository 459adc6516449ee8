"""Converts turns and approvals to messages."""

from __future__ import annotations

from greenroom.v1 import turn_pb2 as pb
from greenroomd.domain.approval import Approval
from greenroomd.domain.turn import Turn, Usage
from greenroomd.rpc.convert.content import block_messages
from greenroomd.rpc.convert.enums import APPROVAL_STATES, TURN_STATES
from greenroomd.rpc.convert.problems import maybe_status
from greenroomd.rpc.convert.structs import struct, wire_text
from greenroomd.rpc.convert.times import maybe_duration, maybe_timestamp, timestamp

MAX_RESULT_BYTES = 256 * 1024  # a turn must fit into the 4 MiB that gRPC clients accept by default

_NO_USAGE = Usage()


def turn_message(turn: Turn) -> pb.Turn:
    """Return a turn as a message."""
    result_text = _beginning(wire_text(turn.result_text))
    return pb.Turn(
        turn_id=turn.turn_id,
        session_id=turn.session_id,
        number=turn.number,
        state=TURN_STATES.number[turn.state],
        prompt=wire_text(turn.prompt),
        content=block_messages(turn.content),
        result_text=result_text,
        result_truncated=len(result_text) < len(turn.result_text),
        stop_reason=wire_text(turn.stop_reason),
        usage=_usage_message(turn.usage) if turn.usage != _NO_USAGE else None,
        cost_usd=turn.usage.cost_usd,
        error=maybe_status(turn.error),
        side_effects_unknown=turn.side_effects_unknown,
        rounds=turn.rounds,
        turn_timeout=maybe_duration(turn.timeout),
        create_time=timestamp(turn.create_time),
        start_time=maybe_timestamp(turn.start_time),
        end_time=maybe_timestamp(turn.end_time),
        request_id=turn.request_id,
        actor=turn.actor,
    )


def approval_message(approval: Approval) -> pb.Approval:
    """Return an approval as a message."""
    changed = approval.updated_input
    return pb.Approval(
        approval_id=wire_text(approval.approval_id),
        session_id=approval.session_id,
        turn_id=approval.turn_id,
        tool_use_id=wire_text(approval.tool_use_id),
        tool_name=wire_text(approval.tool_name),
        display_name=wire_text(approval.display_name),
        description=wire_text(approval.description),
        input=struct(approval.tool_input),
        blocked_path=wire_text(approval.blocked_path),
        suggestions=[struct(suggestion) for suggestion in approval.suggestions],
        requires_user_interaction=approval.requires_user_interaction,
        state=APPROVAL_STATES.number[approval.state],
        updated_input=None if changed is None else struct(changed),
        message=wire_text(approval.message),
        decided_by=approval.decided_by,
        create_time=timestamp(approval.create_time),
        expire_time=timestamp(approval.expire_time),
        decide_time=maybe_timestamp(approval.decide_time),
    )


def _beginning(text: str) -> str:
    """Return the beginning of a text: whole characters, at most MAX_RESULT_BYTES of UTF-8."""
    if len(text) * 4 <= MAX_RESULT_BYTES:
        return text
    return text.encode()[:MAX_RESULT_BYTES].decode(errors="ignore")


def _usage_message(usage: Usage) -> pb.TurnUsage:
    return pb.TurnUsage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_creation_tokens=usage.cache_creation_tokens,
    )
