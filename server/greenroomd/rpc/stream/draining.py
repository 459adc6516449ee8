"""Shutdown for calls in progress: interrupts calls that wait, and lets streams send a last frame."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import TypeVar

from greenroomd.app.watch.wakeups import ShutdownSignal
from greenroomd.domain.retryable_errors import Draining

T = TypeVar("T")

UNDER_WAY = timedelta(seconds=4)
"""How long a call may still run once the drain has begun; the connections are closed after that."""


class Drain:
    """The server's drain: interrupts every wait that goes through it once it begins; watches subscribe to `stop`."""

    def __init__(self) -> None:
        self.stop = ShutdownSignal()
        self._begun_at: float | None = None
        self._waits: dict[asyncio.Timeout, float] = {}

    @property
    def begun(self) -> bool:
        """Whether the server is shutting down."""
        return self._begun_at is not None

    def begin(self) -> None:
        """Interrupt all waits, present and future."""
        self.stop.begin()
        self._begun_at = asyncio.get_running_loop().time()
        for wait, grace in self._waits.items():
            wait.reschedule(self._begun_at + grace)

    async def interruptible(self, awaitable: Awaitable[T], *, grace: timedelta = timedelta()) -> T:
        """Await `awaitable`; raises Draining if it takes longer than `grace` after the drain has begun.

        `awaitable` is then cancelled. Costs no task: each wait is a timeout that `begin` schedules.
        """
        seconds = grace.total_seconds()
        wait = asyncio.timeout_at(None if self._begun_at is None else self._begun_at + seconds)
        try:
            async with wait:
                self._waits[wait] = seconds
                return await awaitable
        except TimeoutError:
            if wait.expired():
                raise Draining("this server is shutting down") from None
            raise
        finally:
            self._waits.pop(wait, None)
