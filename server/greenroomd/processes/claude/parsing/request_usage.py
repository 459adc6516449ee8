"""Reads the tokens of a model request, as the API and the CLI name them. Pure; never raises."""

from __future__ import annotations

from typing import Any

from greenroomd.domain.config import JsonObject
from greenroomd.domain.costs.usage import Usage
from greenroomd.domain.frames.turn_frames import RequestProgressed
from greenroomd.processes.claude.parsing.json_fields import json_object, text, whole


def tokens_of(usage: Any) -> Usage:
    """Return the tokens of a `usage` object of the API."""
    given = json_object(usage)
    if not given:
        return _NO_TOKENS
    return Usage(
        input_tokens=whole(given.get("input_tokens")),
        output_tokens=whole(given.get("output_tokens")),
        cache_creation_tokens=whole(given.get("cache_creation_input_tokens")),
        cache_read_tokens=whole(given.get("cache_read_input_tokens")),
    )


_NO_TOKENS = Usage()


def request_progress(raw: bytes, message: JsonObject) -> RequestProgressed | None:
    """Return what a `stream_event` tells of its request; None if it tells nothing."""
    event = json_object(message.get("event"))
    began = event.get("type") == "message_start"
    if not began and event.get("type") != "message_delta":
        return None
    answer = json_object(event.get("message"))
    return RequestProgressed(
        raw=raw,
        cli_session_id=text(message.get("session_id")),
        message_id=text(answer.get("id")) or text(message.get("api_message_id")),
        model=text(answer.get("model")),
        usage=tokens_of(answer.get("usage") if began else event.get("usage")),
        ended=not began,
    )
