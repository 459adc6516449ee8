"""Frames that report how the model's API answers: failed requests, and the limits of a subscription."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from greenroomd.domain.api_failure import ApiFailure
from greenroomd.domain.frames.frame import SystemNoted
from greenroomd.domain.plan_limit import PlanLimit


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRetried(SystemNoted):
    """`system/api_retry`: a request to the model's API has failed, and the CLI will repeat it."""

    attempt: int
    """How many requests of the same kind have failed in a row."""
    delay: timedelta
    """How long the CLI waits before the next one."""
    failure: ApiFailure
    """Why it failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanLimitsTold(SystemNoted):
    """`rate_limit_event`: how much of the subscription's limits is used; only for sessions that a subscription pays."""

    limits: Sequence[PlanLimit]
    """The limits that it names."""
    binding: str
    """The CLI's word for the limit that decides now; "" if it names none."""
