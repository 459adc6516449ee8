"""The two clocks, distinguished by their types.

Everything that is reported or stored has a time of the wall clock (`datetime`). Waits inside this process use a
`Moment` of the monotonic clock, which cannot be set and stands still while the machine is suspended. ADR 0022 says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """A reading of the monotonic clock. It means nothing to another process, so it is never stored."""

    seconds: float

    def __add__(self, span: timedelta) -> Moment:
        return Moment(self.seconds + span.total_seconds())

    def __sub__(self, earlier: Moment) -> timedelta:
        return timedelta(seconds=self.seconds - earlier.seconds)


@dataclass(frozen=True, slots=True)
class Now:
    """The current time on both clocks."""

    time: datetime
    moment: Moment

    def until(self, due: datetime | Moment) -> timedelta:
        """Return the time until `due` on the clock that it belongs to; negative if it has passed."""
        return due - self.moment if isinstance(due, Moment) else due - self.time
