"""Reads a `result` of the CLI: how the turn ended, and what it has used since the result before."""

from __future__ import annotations

from typing import Any

from greenroomd.domain.config import JsonObject
from greenroomd.domain.costs.usage import Usage
from greenroomd.domain.frames.turn_frames import TurnResult
from greenroomd.processes.claude.parsing.json_fields import json_object, number, text, texts, whole
from greenroomd.processes.claude.parsing.request_usage import tokens_of


def result(raw: bytes, message: JsonObject) -> TurnResult:
    """Read a `result` line."""
    status = message.get("api_error_status")
    uuids = texts(message.get("user_message_uuids")) or texts([message.get("user_message_uuid")])
    return TurnResult(
        raw=raw,
        cli_session_id=text(message.get("session_id")),
        subtype=text(message.get("subtype")),
        is_error=message.get("is_error") is True,
        terminal_reason=text(message.get("terminal_reason")),
        text=text(message.get("result")),
        errors=texts(message.get("errors")),
        stop_reason=text(message.get("stop_reason")),
        api_error_status=whole(status) if status is not None else None,
        num_turns=whole(message.get("num_turns")),
        usage=_usage(message),
        total_cost_usd=number(message.get("total_cost_usd")),
        message_uuids=uuids,
        own_cost_usd=_cost(message.get("model_usage_since_last_result")),
    )


def _usage(message: JsonObject) -> Usage:
    """Return the tokens since the last result: `usage` alone has only those of the main conversation."""
    used = [json_object(each) for each in json_object(message.get("model_usage_since_last_result")).values()]
    if any("inputTokens" in each for each in used):
        return Usage(
            input_tokens=sum(whole(each.get("inputTokens")) for each in used),
            output_tokens=sum(whole(each.get("outputTokens")) for each in used),
            cache_creation_tokens=sum(whole(each.get("cacheCreationInputTokens")) for each in used),
            cache_read_tokens=sum(whole(each.get("cacheReadInputTokens")) for each in used),
        )
    return tokens_of(message.get("usage"))


def _cost(usage_by_model: Any) -> float | None:
    if not isinstance(usage_by_model, dict):
        return None
    return max(0.0, sum(number(json_object(usage).get("costUSD")) for usage in usage_by_model.values()))
