"""Reads what the CLI tells about the model's API: failed requests, and the limits of a subscription. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from greenroomd.domain.api_failure import ApiFailure
from greenroomd.domain.config import JsonObject
from greenroomd.domain.frames.api_reports import ApiRetried, PlanLimitsTold
from greenroomd.domain.plan_limit import LimitState, PlanLimit
from greenroomd.processes.claude.parsing.json_fields import json_object, number, text, whole

_STATES = frozenset(LimitState)
_LAST_SECOND = 253402300799  # of the year 9999


def api_retried(raw: bytes, message: JsonObject) -> ApiRetried:
    """Read `system/api_retry`."""
    status, delay = whole(message.get("error_status")), timedelta(milliseconds=_wait(message))
    return ApiRetried(
        raw=raw,
        cli_session_id=text(message.get("session_id")),
        type="system",
        subtype="api_retry",
        attempt=whole(message.get("attempt")),
        delay=delay,
        failure=ApiFailure(status=status or None, word=text(message.get("error")), retry_after=delay),
    )


def plan_limits_told(raw: bytes, message: JsonObject) -> PlanLimitsTold:
    """Read `rate_limit_event`."""
    info = json_object(message.get("rate_limit_info"))
    return PlanLimitsTold(
        raw=raw,
        cli_session_id=text(message.get("session_id")),
        type="rate_limit_event",
        subtype="",
        limits=tuple({limit.name: limit for limit in _limits(info)}.values()),
        binding=text(info.get("rateLimitType")),
    )


def _limits(info: JsonObject) -> Iterator[PlanLimit]:
    """Yield every limit that the frame names; the one that decides comes last, with the state that counts."""
    for name, window in json_object(info.get("unifiedWindows")).items():
        yield _limit(name, json_object(window), state="status", reset="resetsAt")
    if info.get("overageStatus") in _STATES:
        yield _limit("overage", info, state="overageStatus", reset="overageResetsAt", used="")
    binding = text(info.get("rateLimitType"))
    if binding:
        yield _limit(binding, info, state="status", reset="resetsAt")


def _limit(name: str, told: JsonObject, *, state: str, reset: str, used: str = "utilization") -> PlanLimit:
    word = told.get(state)
    return PlanLimit(
        name=name,
        state=LimitState(word) if word in _STATES else LimitState.ALLOWED,
        used=number(told[used]) if isinstance(told.get(used), int | float) else None,
        reset_time=_time(told.get(reset)),
    )


def _time(seconds: Any) -> datetime | None:
    """Return the time of so many seconds since the epoch; None for none, or for one that no calendar has."""
    found = whole(seconds)
    return datetime.fromtimestamp(found, UTC) if 0 < found <= _LAST_SECOND else None


def _wait(message: JsonObject) -> int:
    return min(
        max(whole(message.get("retry_delay_ms")), 0), int(timedelta(days=30) / timedelta(milliseconds=1))
    )
