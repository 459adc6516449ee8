"""Wakes watchers: on new events, at the end of an idle time, and at shutdown.

Thousands wait at once and are woken for every event, so a wait is one future: no coroutine, no task, no lock. The
running loop is looked up only once, since each look-up calls getpid.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from datetime import timedelta

_TICK = 0.001  # seconds: the resolution of uvloop's timers and clock: a timer may fire this much early


class Wakeup:
    """An `asyncio.Event` for a single waiter."""

    __slots__ = ("_is_set", "_loop", "_waiter")

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_set = False
        self._waiter: asyncio.Future[None] | None = None

    def set(self) -> None:
        """Wake the waiter, and let later waits return at once until it is cleared."""
        self._is_set = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def clear(self) -> None:
        """Make the next wait wait."""
        self._is_set = False

    def is_set(self) -> bool:
        """Whether it was set since the last `clear`."""
        return self._is_set

    def wait(self) -> Awaitable[None]:
        """Return as soon as it is set. Only one waiter at a time."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        self._waiter = self._loop.create_future()
        if self._is_set:
            self._waiter.set_result(None)
        return self._waiter


class IdleTimer:
    """Sets a wakeup when an idle time has passed; `restart` begins a new one.

    A restart does not touch the loop's timer: a timer that fires too early is set again.
    """

    __slots__ = ("_due", "_loop", "_seconds", "_timer", "_wakeup", "over")

    def __init__(self, wakeup: Wakeup, seconds: float) -> None:
        self._wakeup = wakeup
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(seconds, self._look)
        self.restart()

    def restart(self) -> None:
        """Begin a new idle time."""
        self.over = False
        """Whether the idle time has ended, which set the wakeup."""
        self._due = self._loop.time() + self._seconds

    def cancel(self) -> None:
        """Never set the wakeup again."""
        self._timer.cancel()

    def _look(self) -> None:
        left = self._due - self._loop.time()
        if left <= 0:
            self.over = True
            self._wakeup.set()
            left = self._seconds
        self._timer = self._loop.call_later(max(left, _TICK), self._look)


@contextmanager
def idle_timer(wakeup: Wakeup, quiet: timedelta) -> Iterator[IdleTimer]:
    """Set a wakeup after each idle time while the block runs; the first one begins now."""
    timed = IdleTimer(wakeup, quiet.total_seconds())
    try:
        yield timed
    finally:
        timed.cancel()


class ShutdownSignal:
    """A signal that is given once and sets the wakeups of all subscribers."""

    def __init__(self) -> None:
        self.begun = False
        """Whether the shutdown has begun."""
        self._wakeups: set[Wakeup] = set()

    def begin(self) -> None:
        """Set the wakeup of every subscriber."""
        self.begun = True
        for wakeup in self._wakeups:
            wakeup.set()

    @contextmanager
    def subscribe(self, wakeup: Wakeup) -> Iterator[None]:
        """Set a wakeup if the shutdown begins while the block runs."""
        self._wakeups.add(wakeup)
        try:
            yield
        finally:
            self._wakeups.discard(wakeup)
