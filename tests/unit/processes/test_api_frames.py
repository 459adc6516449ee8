"""What the CLI tells about the model's API, as values."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from greenroomd.domain.api_failure import ApiFailure
from greenroomd.domain.frames.api_reports import ApiRetried, PlanLimitsTold
from greenroomd.domain.frames.message_frames import AssistantSpoke
from greenroomd.domain.plan_limit import LimitKind, LimitState, PlanLimit
from greenroomd.processes.claude.parsing.stream_json import parse

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


def read(**message: Any) -> object:
    return parse(json.dumps(message).encode())


def limits_of(**info: Any) -> PlanLimitsTold:
    frame = read(type="rate_limit_event", rate_limit_info=info, session_id="s-1")
    assert isinstance(frame, PlanLimitsTold)
    return frame


def test_a_repetition_is_read_with_its_cause_and_its_wait() -> None:
    frame = read(
        type="system",
        subtype="api_retry",
        attempt=3,
        retry_delay_ms=2300,
        error_status=529,
        error="overloaded",
    )
    assert isinstance(frame, ApiRetried)
    wait = timedelta(seconds=2.3)
    assert (frame.attempt, frame.delay) == (3, wait)
    assert frame.failure == ApiFailure(status=529, word="overloaded", retry_after=wait)


@pytest.mark.parametrize("delay", [-5, 10**30, "soon", None, 1e300])
def test_a_wait_that_is_none_is_no_error(delay: Any) -> None:
    frame = read(type="system", subtype="api_retry", attempt=1, retry_delay_ms=delay, error_status=None)
    assert isinstance(frame, ApiRetried)
    assert frame.failure.status is None
    assert timedelta() <= frame.delay <= timedelta(days=30)


def test_the_message_of_a_failure_has_the_word_and_the_request() -> None:
    frame = read(type="assistant", message={"model": "<synthetic>"}, error="rate_limit", request_id="req_1")
    assert isinstance(frame, AssistantSpoke)
    assert (frame.synthetic, frame.api_error, frame.request_id) == (True, "rate_limit", "req_1")


def test_every_window_of_a_subscription_is_read_and_the_one_that_decides_counts() -> None:
    reset = int(NOON.timestamp())
    frame = limits_of(
        status="rejected",
        rateLimitType="five_hour",
        resetsAt=reset,
        utilization=1.0,
        overageStatus="rejected",
        unifiedWindows={
            "five_hour": {"utilization": 0.99, "resetsAt": reset, "status": "allowed_warning"},
            "seven_day": {"utilization": 0.5, "resetsAt": reset},
        },
    )
    assert frame.binding == "five_hour"
    assert {limit.name: limit for limit in frame.limits} == {
        "five_hour": PlanLimit(name="five_hour", state=LimitState.USED_UP, used=1.0, reset_time=NOON),
        "seven_day": PlanLimit(name="seven_day", state=LimitState.ALLOWED, used=0.5, reset_time=NOON),
        "overage": PlanLimit(name="overage", state=LimitState.USED_UP),
    }


def test_a_limit_of_another_version_keeps_its_name() -> None:
    (limit,) = limits_of(status="allowed_warning", rateLimitType="monthly").limits
    assert (limit.kind, limit.name, limit.state) == (LimitKind.OTHER, "monthly", LimitState.WARNING)


@pytest.mark.parametrize(
    "info",
    [
        {},
        {"rateLimitType": 7, "unifiedWindows": []},
        {"rateLimitType": "five_hour", "resetsAt": 10**40, "utilization": "much", "status": "new"},
        {"unifiedWindows": {"five_hour": None}},
    ],
)
def test_what_makes_no_sense_is_no_error(info: dict[str, Any]) -> None:
    assert all(limit.reset_time is None and limit.used is None for limit in limits_of(**info).limits)
