"""Timeouts of a node in which nothing happens by time alone."""

from __future__ import annotations

from datetime import timedelta

from greenroomd.domain.decision.live import TurnTimeouts

LONG = timedelta(hours=1)

TIMEOUTS = TurnTimeouts(
    turn_timeout=LONG,
    stall_timeout=LONG,
    mcp_connect_timeout=timedelta(seconds=30),
    interrupt_grace=timedelta(seconds=5),
    approval_timeout=LONG,
    ready_grace=LONG,
    idle_timeout=LONG,
    api_retry_timeout=LONG,
    api_max_retries=4,
    background_grace=LONG,
    max_background_grace=LONG,
)
