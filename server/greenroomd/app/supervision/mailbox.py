"""A queue for one reader, which can wait with a timeout."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """An unbounded queue for one reader; its writers limit themselves."""

    def __init__(self) -> None:
        self._items: deque[T] = deque()
        self._filled = asyncio.Event()

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: T) -> None:
        """Add an item; wakes the reader."""
        self._items.append(item)
        self._filled.set()

    async def take(self, seconds: float | None) -> T | None:
        """Return the next item, or None if none arrives within `seconds` (None: wait forever)."""
        while not self._items:
            self._filled.clear()
            try:
                async with asyncio.timeout(seconds):
                    await self._filled.wait()
            except TimeoutError:
                return None
        return self._items.popleft()

    def take_now(self) -> T | None:
        """Return the next item if there is one."""
        return self._items.popleft() if self._items else None
