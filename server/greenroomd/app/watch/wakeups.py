"""What wakes a watcher: its wakeup, rung by what is new, by a quiet time that is over, and by the end of service.

Thousands wait at once and are woken for every event, so a wait is one future: no coroutine, no task, no lock. Nor is
the running loop looked up each time, for which Python asks the system for the process's id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from time import monotonic

_TICK = 0.001  # seconds: the loop's own clock is no finer, so a timer may come early by as much


class Wakeup:
    """An `asyncio.Event` for one who waits."""

    __slots__ = ("_loop", "_rung", "_waiter")

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._rung = False
        self._waiter: asyncio.Future[None] | None = None

    def set(self) -> None:
        """Ring, until it is cleared."""
        self._rung = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def clear(self) -> None:
        """Stop ringing."""
        self._rung = False

    def is_set(self) -> bool:
        """Whether it rings."""
        return self._rung

    def wait(self) -> Awaitable[None]:
        """Return as soon as it rings; only one may wait."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        self._waiter = self._loop.create_future()
        if self._rung:
            self._waiter.set_result(None)
        return self._waiter


class IdleTimer:
    """The quiet time of one who waits: it begins anew with `restart`, and rings the wakeup when it is over.

    To restart it moves no timer: the one that then comes too early is set again.
    """

    __slots__ = ("_due", "_loop", "_seconds", "_timer", "_wakeup", "over")

    def __init__(self, wakeup: Wakeup, seconds: float) -> None:
        self._wakeup = wakeup
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(seconds, self._look)
        self.restart()

    def restart(self) -> None:
        """Begin a new quiet time."""
        self.over = False
        """Whether the wakeup was rung at its end."""
        self._due = monotonic() + self._seconds

    def cancel(self) -> None:
        """Ring no more."""
        self._timer.cancel()

    def _look(self) -> None:
        left = self._due - monotonic()
        if left <= 0:
            self.over = True
            self._wakeup.set()
            left = self._seconds
        self._timer = self._loop.call_later(max(left, _TICK), self._look)


@contextmanager
def idle_timer(wakeup: Wakeup, quiet: timedelta) -> Iterator[IdleTimer]:
    """Ring a wakeup after each quiet time while the block runs; the first begins now."""
    timed = IdleTimer(wakeup, quiet.total_seconds())
    try:
        yield timed
    finally:
        timed.cancel()


class ShutdownSignal:
    """Begins once, and rings all wakeups that are to be told."""

    def __init__(self) -> None:
        self.begun = False
        """Whether it is time to stop."""
        self._wakeups: set[Wakeup] = set()

    def begin(self) -> None:
        """Ring everybody's wakeup, now and from now on."""
        self.begun = True
        for wakeup in self._wakeups:
            wakeup.set()

    @contextmanager
    def subscribe(self, wakeup: Wakeup) -> Iterator[None]:
        """Ring a wakeup once it begins, while the block runs."""
        self._wakeups.add(wakeup)
        try:
            yield
        finally:
            self._wakeups.discard(wakeup)
