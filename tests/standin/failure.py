"""What the model's API says when it refuses, and about the limits of a subscription, in its own shapes. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

from standin.plan import JsonObject, Step

ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    422: "invalid_request_error",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
MESSAGES = {
    401: "invalid x-api-key",
    403: "Your API key does not have permission to use the specified resource.",
    429: "This request would exceed your organization's rate limit of 30,000 input tokens per minute.",
    500: "Internal server error",
    529: "Overloaded",
}

_SEVERITY = ("allowed", "allowed_warning", "rejected")
_WINDOWS = {
    "five_hour": "5h",
    "seven_day": "7d",
    "seven_day_overage_included": "7d_oi",
    "overage": "overage",
}
"""The limits that have headers of their own; any other is only named as the one that decides."""

_serial = itertools.count(1)


def new_request_id() -> str:
    """Return the id of one more request."""
    return f"req_stub{next(_serial):08d}"


def error_body(kind: str, message: str, request_id: str = "req_stub") -> JsonObject:
    """Return the body of an HTTP error, or the data of an error event."""
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": request_id}


def refusal(step: Step, request_id: str = "req_stub") -> JsonObject:
    """Return the body for a step with a `status`."""
    kind = step.error or ERROR_TYPES.get(step.status, "api_error")
    message = step.message or MESSAGES.get(step.status, f"stub error {step.status}")
    return error_body(kind, message, request_id)


def plan_headers(limits: Mapping[str, JsonObject], *, now: float) -> Iterator[tuple[str, str]]:
    """Yield the headers that tell how much of a subscription is used.

    A limit has a `status` (allowed, allowed_warning, rejected), how much is `used` (1 is all), and in how many seconds
    it `resets`. The limit with the worst status decides; of several, the last.
    """
    prefix = "anthropic-ratelimit-unified"
    for name, limit in limits.items():
        if (window := _WINDOWS.get(name)) is not None:
            status = limit.get("status", "allowed")
            yield f"{prefix}-{window}-status", status
            yield f"{prefix}-{window}-utilization", str(limit.get("used", 0))
            yield f"{prefix}-{window}-reset", str(_reset(limit, now))
            if status != "allowed":
                yield f"{prefix}-{window}-surpassed-threshold", str(min(1, limit.get("used", 0)))
    names = [*limits][::-1]
    decides = max(names, key=lambda name: _SEVERITY.index(limits[name].get("status", "allowed")))
    yield f"{prefix}-status", limits[decides].get("status", "allowed")
    yield f"{prefix}-reset", str(_reset(limits[decides], now))
    yield f"{prefix}-representative-claim", decides


def _reset(limit: JsonObject, now: float) -> int:
    return int(now + limit.get("resets", 3600))
