"""When a process that waited, or could not be started, is followed by another one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from greenroomd.app.ports.processes import Launch


class RestartPauses:
    """Remembers which launches have failed lately; `clock` is the monotonic clock in seconds.

    A launch that fails is paused. A process that dies while it waits is replaced at once, since somebody may have
    killed it; only if its successor dies within the pause as well, its launch is paused too.
    """

    def __init__(self, pause: timedelta, clock: Callable[[], float]) -> None:
        self._pause = pause.total_seconds()
        self._clock = clock
        self._paused: list[tuple[Launch, float]] = []
        self._died: list[tuple[Launch, float]] = []

    def failed(self, launch: Launch) -> None:
        """Pause a launch: no process could be started with it."""
        self._paused.append((launch, self._clock() + self._pause))

    def died(self, launch: Launch) -> None:
        """Note that a process of this launch has ended while it waited."""
        if self._among(self._died, launch):
            self.failed(launch)
        else:
            self._died.append((launch, self._clock() + self._pause))

    def paused(self, launch: Launch) -> bool:
        """Return whether to start nothing with this launch now."""
        return self._among(self._paused, launch)

    def _among(self, noted: list[tuple[Launch, float]], launch: Launch) -> bool:
        now = self._clock()
        noted[:] = [(each, until) for each, until in noted if until > now]
        return any(each == launch for each, _ in noted)
