"""Rations processes: a fixed number of slots, a fair queue for them, and victims when all are taken."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from greenroomd.domain.errors import NoSlot

_LONGEST_RETRY_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolStatus:
    """How the slots stand now; `waiting` counts by workspace, `evictions` since the start."""

    slots: int
    busy: int
    idle: int
    waiting: Mapping[str, int]
    evictions: int

    @property
    def free(self) -> int:
        """Slots that nobody holds."""
        return self.slots - self.busy - self.idle


class Pool:
    """`Slots` for one event loop: no more than *max_processes* leases are ever out.

    A freed slot goes to the next workspace in turn, there to the one that has waited longest. While anyone waits,
    the leases that have been idle longest are asked back, one for each who waits. All calls but `lease` return at once.
    """

    def __init__(self, max_processes: int, max_wait: timedelta) -> None:
        self._max = max_processes
        self._max_wait = max_wait
        self._out: set[PoolLease] = set()
        self._idle: OrderedDict[PoolLease, Callable[[], None]] = OrderedDict()  # longest idle first
        self._asked_back: set[PoolLease] = set()
        self._queues: OrderedDict[str, deque[asyncio.Future[PoolLease]]] = OrderedDict()  # next in turn first
        self._evictions = 0

    async def lease(self, workspace_id: str, session_id: str) -> PoolLease:
        """Wait for a slot; raises NoSlot after the longest wait. A cancelled wait takes no slot.

        Which session it is makes no difference: slots are shared fairly between workspaces.
        """
        if len(self._out) < self._max and not self._queues:
            return self._grant()
        waiter: asyncio.Future[PoolLease] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(workspace_id, deque()).append(waiter)
        self._ask_back()
        try:
            async with asyncio.timeout(self._max_wait.total_seconds()):
                return await waiter
        except BaseException as error:
            self._leave_queue(workspace_id, waiter)
            if isinstance(error, TimeoutError):
                raise self._no_slot() from None
            raise

    def status(self) -> PoolStatus:
        """Return how the slots stand."""
        idle = len(self._idle)
        return PoolStatus(
            slots=self._max,
            busy=len(self._out) - idle,
            idle=idle,
            waiting={workspace: len(queue) for workspace, queue in self._queues.items()},
            evictions=self._evictions,
        )

    # What a lease calls.

    def offer(self, lease: PoolLease, evict: Callable[[], None]) -> None:
        """Take a lease as a victim, the last to be chosen."""
        if lease in self._out and lease not in self._asked_back:
            self._idle[lease] = evict
            self._ask_back()

    def withdraw(self, lease: PoolLease) -> None:
        """Spare a lease; if it was asked back already, another one is."""
        self._idle.pop(lease, None)
        if lease in self._asked_back:
            self._asked_back.remove(lease)
            self._ask_back()

    def take_back(self, lease: PoolLease) -> None:
        """Free the slot of a lease and give it on; without effect the second time."""
        if lease in self._out:
            self._out.remove(lease)
            self._idle.pop(lease, None)
            self._asked_back.discard(lease)
            self._hand_on()

    def _grant(self) -> PoolLease:
        lease = PoolLease(self)
        self._out.add(lease)
        return lease

    def _hand_on(self) -> None:
        while self._queues and len(self._out) < self._max:
            workspace_id, queue = self._queues.popitem(last=False)
            waiter = queue.popleft()
            if queue:
                self._queues[workspace_id] = queue  # at the end: every other workspace comes first
            if not waiter.done():  # cancelled, and not yet gone from the queue
                waiter.set_result(self._grant())

    def _leave_queue(self, workspace_id: str, waiter: asyncio.Future[PoolLease]) -> None:
        if waiter.done() and not waiter.cancelled():
            self.take_back(waiter.result())  # it was granted in the moment in which we gave up
            return
        queue = self._queues.get(workspace_id)
        if queue is not None and waiter in queue:
            queue.remove(waiter)
            if not queue:
                del self._queues[workspace_id]

    def _ask_back(self) -> None:
        while self._idle and len(self._asked_back) < self._waiting():
            lease, evict = self._idle.popitem(last=False)
            self._asked_back.add(lease)
            self._evictions += 1
            evict()

    def _waiting(self) -> int:
        return sum(map(len, self._queues.values()))

    def _no_slot(self) -> NoSlot:
        seconds = min(_LONGEST_RETRY_SECONDS, 1 + self._waiting() // self._max)
        return NoSlot(
            f"all {self._max} processes are in use and none became free in {self._max_wait.total_seconds():g} s",
            retry_after=timedelta(seconds=seconds),
        )


class PoolLease:
    """The right to run one process."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def idle(self, evict: Callable[[], None]) -> None:
        """Offer the process as a victim; *evict* is called at most once, and must only leave word."""
        self._pool.offer(self, evict)

    def busy(self) -> None:
        """Withdraw the offer; an eviction that was asked for and not yet carried out is off."""
        self._pool.withdraw(self)

    def release(self) -> None:
        """Give the slot back, after the process has ended."""
        self._pool.take_back(self)
