"""The two clocks, kept apart by their types.

What is told and stored has a time of the wall clock (`datetime`). What is waited for within this process has a `Moment`
of the monotonic clock, which nobody sets and which stands still while the machine is suspended. ADR 0022 says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """A point of the monotonic clock. It means nothing to another process, so it is never stored."""

    seconds: float

    def __add__(self, span: timedelta) -> Moment:
        return Moment(self.seconds + span.total_seconds())

    def __sub__(self, earlier: Moment) -> timedelta:
        return timedelta(seconds=self.seconds - earlier.seconds)


@dataclass(frozen=True, slots=True)
class Now:
    """The present, as both clocks show it."""

    time: datetime
    moment: Moment

    def until(self, due: datetime | Moment) -> timedelta:
        """Return how long it is until `due` by the clock that it belongs to; negative if it is over."""
        return due - self.moment if isinstance(due, Moment) else due - self.time
