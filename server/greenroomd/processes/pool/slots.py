"""Rations processes: a fixed number of slots, a fair queue for them, and victims when all are taken."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta

from greenroomd.domain.retryable_errors import NoSlot
from greenroomd.processes.pool.admission import Room
from greenroomd.processes.pool.fair_queue import FairQueue, Waiter
from greenroomd.processes.pool.pool_lease import PoolLease
from greenroomd.processes.pool.pool_status import PoolStatus, WorkspaceUse
from greenroomd.processes.pool.victims import choose_victims

_LONGEST_RETRY_SECONDS = 60


class Pool:
    """The `Slots` of one event loop: at most `max_processes` leases exist, at most `per_workspace` in one workspace.

    A freed slot goes to the next workspace in turn, and there to the session that has waited longest. While sessions
    wait, the leases that have been idle longest are evicted, one for each waiter; for a workspace at its own limit,
    only its own leases. Before each grant, `room` says whether the host can hold one more process beside all leases,
    its first argument; its second are the leases that can be evicted or are being evicted. While there is no room,
    `room` is asked again every `recheck` and whenever a process is ready; for lack of memory, leases are evicted only
    while it says that this helps. `evicted` is called for each of them. Only `lease` waits.
    """

    def __init__(
        self,
        max_processes: int,
        max_wait: timedelta,
        *,
        per_workspace: int | None = None,
        room: Callable[[Collection[PoolLease], Collection[PoolLease]], Room] = lambda _out, _idle: Room.FREE,
        recheck: timedelta = timedelta(seconds=1),
        evicted: Callable[[], object] = lambda: None,
    ) -> None:
        self._max = max_processes
        self._max_wait = max_wait
        self._per_workspace = max_processes if per_workspace is None else per_workspace
        self._room = room
        self._recheck = recheck
        self._evicted = evicted
        self._looking_again: asyncio.TimerHandle | None = None
        self._out: set[PoolLease] = set()
        self._held: Counter[str] = Counter()
        self._idle: OrderedDict[PoolLease, Callable[[], None]] = OrderedDict()  # longest idle first
        self._asked_back: set[PoolLease] = set()
        self._queue: FairQueue[PoolLease] = FairQueue()
        self._evictions = 0

    async def lease(self, workspace_id: str, session_id: str) -> PoolLease:
        """Wait for a slot; raises NoSlot after the longest wait. A cancelled wait takes no slot.

        Which session it is makes no difference: slots are shared fairly between workspaces.
        """
        waiter = self._queue.join(workspace_id)
        self._hand_on()
        self._ask_back()
        try:
            async with asyncio.timeout(self._max_wait.total_seconds()):
                return await waiter.granted
        except BaseException as error:
            self._give_up(waiter)
            if isinstance(error, TimeoutError):
                raise self._no_slot(workspace_id) from None
            raise

    def spare(self, workspace_id: str) -> PoolLease | None:
        """Return a slot for a process that is started ahead, if one is free and nobody waits.

        Once offered, it is taken back before any other.
        """
        free = len(self._out) < self._max and self._allowance(workspace_id) > 0
        if not free or self._queue or self._room_now() is not Room.FREE:
            return None
        return self._grant(workspace_id, warm=True)

    def status(self) -> PoolStatus:
        """Return the current use of the slots."""
        idle = Counter(lease.workspace_id for lease in self._idle if not lease.warm)
        warm = Counter(lease.workspace_id for lease in self._out if lease.warm)
        waiting = self._queue.counts()
        longest = self._queue.longest_wait()
        return PoolStatus(
            slots=self._max,
            evictions=self._evictions,
            longest_wait=None if longest is None else timedelta(seconds=longest),
            workspaces={
                name: WorkspaceUse(
                    busy=self._held[name] - idle[name] - warm[name],
                    idle=idle[name],
                    warm=warm[name],
                    waiting=waiting.get(name, 0),
                )
                for name in {**self._held, **waiting}
            },
        )

    @property
    def waiting(self) -> int:
        """How many wait for a slot; any thread may ask."""
        return len(self._queue)

    def numbers(self) -> Mapping[str, int]:
        """Return the sums of the status by name; any thread may ask."""
        leases, idle_leases = list(self._out), list(self._idle)
        warm = sum(lease.warm for lease in leases)
        idle = sum(not lease.warm for lease in idle_leases)
        return {
            "slots": self._max,
            "busy": len(leases) - idle - warm,
            "idle": idle,
            "warm": warm,
            "waiting": self.waiting,
        }

    # LeaseGiver: what a lease calls.

    def offer(self, lease: PoolLease, evict: Callable[[], None]) -> None:
        """Add a lease to those that may be asked back; it is the last to be chosen."""
        if lease in self._out and lease not in self._asked_back:
            self._idle[lease] = evict
            if lease.warm:
                self._idle.move_to_end(lease, last=False)
            self._ask_back()

    def withdraw(self, lease: PoolLease) -> None:
        """Do not ask a lease back any more; if it was asked back already, another one is asked instead."""
        self._idle.pop(lease, None)
        if lease in self._asked_back:
            self._asked_back.remove(lease)
            self._ask_back()

    def measured(self) -> None:
        """Look again who may start: a process is ready, and nothing is kept free for its start any more."""
        if self._queue:
            self._hand_on()
            self._ask_back()

    def take_back(self, lease: PoolLease) -> None:
        """Free the slot of a lease and give it to the next waiter; without effect the second time."""
        if lease in self._out:
            self._out.remove(lease)
            self._held[lease.workspace_id] -= 1
            self._held += Counter()  # drops workspaces that have no slots any more
            self._idle.pop(lease, None)
            self._asked_back.discard(lease)
            self._hand_on()

    def _hand_on(self) -> None:
        while len(self._out) < self._max:
            waiter = self._queue.first(lambda workspace_id: self._allowance(workspace_id) > 0)
            if waiter is None:
                return
            if waiter.granted.done():  # cancelled, and not yet gone from the queue
                self._queue.take(waiter)
            elif self._room_now() is Room.FREE:
                self._queue.take(waiter)
                waiter.granted.set_result(self._grant(waiter.workspace_id))
            else:
                self._look_again_later()
                return

    def _room_now(self) -> Room:
        return self._room(self._out, [*self._idle, *self._asked_back])

    def _grant(self, workspace_id: str, *, warm: bool = False) -> PoolLease:
        lease = PoolLease(self, workspace_id, warm=warm)
        self._out.add(lease)
        self._held[workspace_id] += 1
        return lease

    def _look_again_later(self) -> None:
        if self._looking_again is None:
            loop = asyncio.get_running_loop()
            self._looking_again = loop.call_later(self._recheck.total_seconds(), self._look_again)

    def _look_again(self) -> None:
        self._looking_again = None
        self._hand_on()
        self._ask_back()  # not enough has come back, or memory has become short

    def _give_up(self, waiter: Waiter[PoolLease]) -> None:
        if waiter.granted.done() and not waiter.granted.cancelled():
            self.take_back(waiter.granted.result())  # it was granted in the moment in which we gave up
        else:
            self._queue.leave(waiter)

    def _ask_back(self) -> None:
        if not self._queue or not self._idle:
            return
        room = self._room_now()
        if room is Room.HOPELESS:
            self._look_again_later()
            return
        asked = Counter(lease.workspace_id for lease in self._asked_back)
        free = 0 if room is Room.SHORT else self._max - len(self._out)
        victims = choose_victims(self._queue.counts(), self._allowance, list(self._idle), asked, free)
        evictions = [(lease, self._idle.pop(lease)) for lease in victims]
        self._asked_back.update(victims)
        self._evictions += len(victims)
        for _, evict in evictions:
            self._evicted()
            evict()

    def _allowance(self, workspace_id: str) -> int:
        return self._per_workspace - self._held[workspace_id]

    def _no_slot(self, workspace_id: str) -> NoSlot:
        waited = f"in {self._max_wait.total_seconds():g} s"
        if len(self._out) >= self._max:
            why = f"all {self._max} processes are in use and none became free {waited}"
        elif self._allowance(workspace_id) <= 0:
            why = f"the workspace uses all {self._per_workspace} processes it may, and none became free {waited}"
        else:
            why = f"the host had no memory for another process {waited}"
        seconds = min(_LONGEST_RETRY_SECONDS, 1 + self.waiting // self._max)
        return NoSlot(why, retry_after=timedelta(seconds=seconds))
