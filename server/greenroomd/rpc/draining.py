"""The end of service as streams see it: whoever waits for something to say stops waiting and says good-bye."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from greenroomd.app.bells import Stop

T = TypeVar("T")


class Drained(Exception):
    """The server goes away; what was waited for was given up."""


class Drain:
    """Begins once, and interrupts every wait that goes through it; `stop` tells the watches, which wait by bells."""

    def __init__(self) -> None:
        self.stop = Stop()
        self._begun = False
        self._waits: set[asyncio.Timeout] = set()

    @property
    def begun(self) -> bool:
        """Whether the server is going away."""
        return self._begun

    def begin(self) -> None:
        """Interrupt all waits, now and from now on."""
        self._begun = True
        self.stop.begin()
        now = asyncio.get_running_loop().time()
        for wait in self._waits:
            wait.reschedule(now)

    async def interruptible(self, awaitable: Awaitable[T]) -> T:
        """Return what `awaitable` gives; raises Drained once the server goes away, and `awaitable` is then cancelled.

        It costs no task: a wait is a timeout whose time comes when the drain begins.
        """
        wait = asyncio.timeout(0 if self._begun else None)
        try:
            async with wait:
                self._waits.add(wait)
                return await awaitable
        except TimeoutError:
            if wait.expired():
                raise Drained from None
            raise
        finally:
            self._waits.discard(wait)
