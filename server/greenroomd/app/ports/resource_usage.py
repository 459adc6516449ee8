"""The port that measures what processes use."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceUsage:
    """What a process uses, together with everything that it started."""

    memory_bytes: int
    """Memory in RAM, in bytes; what processes share counts for each of them."""
    cpu_time: timedelta
    """How long they have computed, with the children that they waited for."""
    process_count: int
    """How many processes."""


Measure = Callable[[Collection[int]], Awaitable[Mapping[int, ResourceUsage]]]
"""Measures processes that this node runs, by their pids; those that have ended are missing in the answer."""
