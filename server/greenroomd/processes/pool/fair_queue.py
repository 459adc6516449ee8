"""The sessions that wait for a slot: the workspaces take turns, and within one the oldest comes first."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

G = TypeVar("G")


@dataclass(frozen=True, slots=True, eq=False)
class Waiter(Generic[G]):
    """One that waits."""

    workspace_id: str
    """The workspace on whose account it waits."""
    granted: asyncio.Future[G]
    """What it waits for; done already if it was cancelled."""
    since: float
    """Since when, in seconds of the monotonic clock."""


class FairQueue(Generic[G]):
    """A queue for each workspace, and the order in which the workspaces have their turn."""

    def __init__(self) -> None:
        self._queues: OrderedDict[str, deque[Waiter[G]]] = OrderedDict()  # next in turn first

    def __len__(self) -> int:
        """Return how many wait; any thread may ask."""
        return sum(map(len, list(self._queues.values())))

    def counts(self) -> Mapping[str, int]:
        """Return how many wait in each workspace in which any wait, the next in turn first."""
        return {name: len(queue) for name, queue in self._queues.items()}

    def longest_wait(self) -> float | None:
        """Return how many seconds the oldest has waited; None if none waits."""
        return (
            time.monotonic() - min(queue[0].since for queue in self._queues.values())
            if self._queues
            else None
        )

    def join(self, workspace_id: str) -> Waiter[G]:
        """Add a new waiter at the end of its workspace's queue."""
        waiter: Waiter[G] = Waiter(workspace_id, asyncio.get_running_loop().create_future(), time.monotonic())
        self._queues.setdefault(workspace_id, deque()).append(waiter)
        return waiter

    def first(self, eligible: Callable[[str], bool]) -> Waiter[G] | None:
        """Return the oldest waiter of the eligible workspace that is next in turn; None if there is none."""
        name = next((name for name in self._queues if eligible(name)), None)
        return None if name is None else self._queues[name][0]

    def take(self, waiter: Waiter[G]) -> None:
        """Remove a waiter that was `first`: every other workspace comes before its own again."""
        self.leave(waiter)
        if waiter.workspace_id in self._queues:
            self._queues.move_to_end(waiter.workspace_id)

    def leave(self, waiter: Waiter[G]) -> None:
        """Remove a waiter that gave up; without effect if it is not there."""
        queue = self._queues.get(waiter.workspace_id)
        if queue is not None and waiter in queue:
            queue.remove(waiter)
            if not queue:
                del self._queues[waiter.workspace_id]
