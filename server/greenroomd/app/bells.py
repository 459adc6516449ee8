"""What wakes a watcher: a bell of its own, one clock of quiet for all, and the end of service.

Thousands wait at once and are woken for every event, so a wait is one future: no timer, no task, no lock. Nor is the
running loop looked up each time, for which Python asks the system for the process's id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

_TICK = 0.001  # seconds: the loop's own clock is no finer, so a timer may come early by as much


class Bell:
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

    async def wait(self) -> None:
        """Return as soon as it rings; only one may wait."""
        if self._rung:
            return
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None


class QuietClock:
    """Rings bells some time after each was last told of something; one timer for all of them."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._due: dict[Bell, float] = {}  # in the order in which they fall due
        self._timer: asyncio.TimerHandle | None = None

    @contextmanager
    def timing(self, bell: Bell) -> Iterator[None]:
        """Time a bell while the block runs, from now on."""
        self.restart(bell)
        try:
            yield
        finally:
            del self._due[bell]
            if not self._due and self._timer is not None:
                self._timer.cancel()
                self._timer = None

    def restart(self, bell: Bell) -> None:
        """Begin a new quiet time."""
        self._due.pop(bell, None)
        self._due[bell] = monotonic() + self._seconds
        if self._timer is None:
            self._ring_after(self._seconds)

    def is_over(self, bell: Bell) -> bool:
        """Whether a bell's quiet time has passed."""
        return self._due[bell] <= monotonic()

    def _ring_after(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._ring)

    def _ring(self) -> None:
        now = monotonic()
        self._timer = None
        for bell, due in self._due.items():
            if due > now:
                self._ring_after(max(due - now, _TICK))
                return
            bell.set()


class Stop:
    """Begins once, and rings all bells that are to be told."""

    def __init__(self) -> None:
        self.begun = False
        """Whether it is time to stop."""
        self._bells: set[Bell] = set()

    def begin(self) -> None:
        """Ring everybody's bell, now and from now on."""
        self.begun = True
        for bell in self._bells:
            bell.set()

    @contextmanager
    def telling(self, bell: Bell) -> Iterator[None]:
        """Ring a bell once it begins, while the block runs."""
        self._bells.add(bell)
        try:
            yield
        finally:
            self._bells.discard(bell)
