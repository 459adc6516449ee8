"""Converts turns and approvals to messages."""

from __future__ import annotations

from greenroom.v1 import turn_pb2 as pb
from greenroomd.domain.approval import Approval
from greenroomd.domain.costs.usage import Usage
from greenroomd.domain.turn import Turn, TurnCause
from greenroomd.rpc.convert.content import block_messages
from greenroomd.rpc.convert.enums import APPROVAL_STATES, TURN_CAUSES, TURN_KINDS, TURN_STATES
from greenroomd.rpc.convert.plan_limit_proto import plan_limit_messages
from greenroomd.rpc.convert.problems import maybe_status
from greenroomd.rpc.convert.shortening import shorten, shorten_fields
from greenroomd.rpc.convert.structs import struct, wire_text
from greenroomd.rpc.convert.times import maybe_duration, maybe_timestamp, timestamp

# Every answer must fit into the 4 MiB that gRPC clients accept by default, also one with a prompt of 4 MiB.
MAX_RESULT_BYTES = 256 * 1024
MAX_PROMPT_SHOWN_BYTES = 256 * 1024
MAX_APPROVAL_FIELD_BYTES = 256 * 1024

_NO_USAGE = Usage()


def turn_message(turn: Turn, *, whole_prompt: bool = False) -> pb.Turn:
    """Return a turn as a message; without `whole_prompt`, a prompt too long for an answer is shortened and marked."""
    result_text = _beginning(wire_text(turn.result_text), MAX_RESULT_BYTES)
    message = pb.Turn(
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
        plan_limits=plan_limit_messages(turn.plan_limits) if turn.plan_limits else None,
        models=[wire_text(model) for model in turn.models],
        kind=TURN_KINDS.number[turn.kind],
        cause=None if turn.cause is None else _cause_message(turn.cause),
    )
    if not whole_prompt:
        _shorten_prompt(message)
    return message


def approval_message(approval: Approval, *, whole: bool = False) -> pb.Approval:
    """Return an approval as a message; without `whole`, fields too long for an answer are shortened and marked."""
    changed = approval.updated_input
    message = pb.Approval(
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
    if not whole and message.ByteSize() > MAX_APPROVAL_FIELD_BYTES:
        message.truncated = shorten_fields(message, MAX_APPROVAL_FIELD_BYTES)
    return message


def _shorten_prompt(message: pb.Turn) -> None:
    text = _beginning(message.prompt, MAX_PROMPT_SHOWN_BYTES)
    message.prompt_truncated = len(text) < len(message.prompt)
    message.prompt = text
    if message.ByteSize() <= MAX_PROMPT_SHOWN_BYTES:
        return
    blocks = pb.Turn(content=message.content)
    if shorten(blocks, MAX_PROMPT_SHOWN_BYTES):
        message.ClearField("content")
        message.MergeFrom(blocks)
        message.prompt_truncated = True


def _beginning(text: str, size: int) -> str:
    """Return the beginning of a text, at most `size` bytes of UTF-8, cut at a character."""
    if len(text) * 4 <= size:
        return text
    return text.encode()[:size].decode(errors="ignore")


def _cause_message(cause: TurnCause) -> pb.TurnCause:
    return pb.TurnCause(kind=TURN_CAUSES.number[cause.kind], task_id=wire_text(cause.task_id))


def _usage_message(usage: Usage) -> pb.TurnUsage:
    return pb.TurnUsage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_creation_tokens=usage.cache_creation_tokens,
        requests=usage.requests,
        estimated_cost_usd=usage.estimated_cost_usd,
        incomplete=usage.incomplete,
    )
