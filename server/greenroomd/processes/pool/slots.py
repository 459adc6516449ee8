"""Rations processes: a fixed number of slots, a fair queue for them, and victims when all are taken."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta

from greenroomd.app.ports.processes import ProcessIdentity
from greenroomd.domain.retryable_errors import NoSlot
from greenroomd.processes.pool.admission import Room
from greenroomd.processes.pool.pool_status import PoolStatus, WorkspaceUse
from greenroomd.processes.pool.victims import choose_victims

_LONGEST_RETRY_SECONDS = 60


@dataclass(frozen=True, slots=True, eq=False)
class _Waiter:
    granted: asyncio.Future[PoolLease]
    since: float


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
        self._queues: OrderedDict[str, deque[_Waiter]] = OrderedDict()  # next in turn first
        self._evictions = 0

    async def lease(self, workspace_id: str, session_id: str) -> PoolLease:
        """Wait for a slot; raises NoSlot after the longest wait. A cancelled wait takes no slot.

        Which session it is makes no difference: slots are shared fairly between workspaces.
        """
        waiter = _Waiter(asyncio.get_running_loop().create_future(), time.monotonic())
        self._queues.setdefault(workspace_id, deque()).append(waiter)
        self._hand_on()
        self._ask_back()
        try:
            async with asyncio.timeout(self._max_wait.total_seconds()):
                return await waiter.granted
        except BaseException as error:
            self._leave_queue(workspace_id, waiter)
            if isinstance(error, TimeoutError):
                raise self._no_slot(workspace_id) from None
            raise

    def spare(self, workspace_id: str) -> PoolLease | None:
        """Return a slot for a process that is started ahead, if one is free and nobody waits.

        Once offered, it is taken back before any other.
        """
        free = len(self._out) < self._max and self._allowance(workspace_id) > 0
        if not free or self._queues or self._room_now() is not Room.FREE:
            return None
        return self._grant(workspace_id, warm=True)

    def status(self) -> PoolStatus:
        """Return the current use of the slots."""
        idle = Counter(lease.workspace_id for lease in self._idle if not lease.warm)
        warm = Counter(lease.workspace_id for lease in self._out if lease.warm)
        waits = [queue[0].since for queue in self._queues.values()]
        return PoolStatus(
            slots=self._max,
            evictions=self._evictions,
            longest_wait=timedelta(seconds=time.monotonic() - min(waits)) if waits else None,
            workspaces={
                name: WorkspaceUse(
                    busy=self._held[name] - idle[name] - warm[name],
                    idle=idle[name],
                    warm=warm[name],
                    waiting=len(self._queues.get(name, ())),
                )
                for name in {**self._held, **self._queues}
            },
        )

    @property
    def waiting(self) -> int:
        """How many wait for a slot; any thread may ask."""
        return sum(map(len, list(self._queues.values())))

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

    # What a lease calls.

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
        if self._queues:
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
            workspace_id = next((name for name in self._queues if self._allowance(name) > 0), None)
            if workspace_id is None:
                return
            queue = self._queues[workspace_id]
            if queue[0].granted.done():  # cancelled, and not yet gone from the queue
                self._take_next(workspace_id)
            elif self._room_now() is Room.FREE:
                self._take_next(workspace_id).granted.set_result(self._grant(workspace_id))
            else:
                self._look_again_later()
                return

    def _room_now(self) -> Room:
        return self._room(self._out, [*self._idle, *self._asked_back])

    def _take_next(self, workspace_id: str) -> _Waiter:
        queue = self._queues.pop(workspace_id)
        waiter = queue.popleft()
        if queue:
            self._queues[workspace_id] = queue  # at the end: every other workspace comes first
        return waiter

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

    def _leave_queue(self, workspace_id: str, waiter: _Waiter) -> None:
        if waiter.granted.done() and not waiter.granted.cancelled():
            self.take_back(waiter.granted.result())  # it was granted in the moment in which we gave up
            return
        queue = self._queues.get(workspace_id)
        if queue is not None and waiter in queue:
            queue.remove(waiter)
            if not queue:
                del self._queues[workspace_id]

    def _ask_back(self) -> None:
        if not self._queues or not self._idle:
            return
        room = self._room_now()
        if room is Room.HOPELESS:
            self._look_again_later()
            return
        waiting = {name: len(queue) for name, queue in self._queues.items()}
        asked = Counter(lease.workspace_id for lease in self._asked_back)
        free = 0 if room is Room.SHORT else self._max - len(self._out)
        victims = choose_victims(waiting, self._allowance, list(self._idle), asked, free)
        evictions = [(lease, self._idle.pop(lease)) for lease in victims]
        self._asked_back.update(victims)
        self._evictions += len(victims)
        for _, evict in evictions:
            self._evicted()
            evict()

    def _allowance(self, workspace_id: str) -> int:
        return self._per_workspace - self._held[workspace_id]

    def _no_slot(self, workspace_id: str) -> NoSlot:
        waiting = sum(map(len, self._queues.values()))
        waited = f"in {self._max_wait.total_seconds():g} s"
        if len(self._out) >= self._max:
            why = f"all {self._max} processes are in use and none became free {waited}"
        elif self._allowance(workspace_id) <= 0:
            why = f"the workspace uses all {self._per_workspace} processes it may, and none became free {waited}"
        else:
            why = f"the host had no memory for another process {waited}"
        seconds = min(_LONGEST_RETRY_SECONDS, 1 + waiting // self._max)
        return NoSlot(why, retry_after=timedelta(seconds=seconds))


class PoolLease:
    """The right to run one process, granted at `since` on the monotonic clock; `warm` until a session has it.

    `pid` is the process once it has been spawned; it is `ready` once it has taken the memory that its start takes.
    """

    def __init__(self, pool: Pool, workspace_id: str, *, warm: bool = False) -> None:
        self.workspace_id = workspace_id
        self.warm = warm
        self.since = time.monotonic()
        self.pid: int | None = None
        self.ready = False
        self._pool = pool

    def spawned(self, identity: ProcessIdentity) -> None:
        """Say which process runs: from now on, what its start has taken can be measured."""
        self.pid, self.ready = identity.pid, False

    def started(self) -> None:
        """Say that the process is ready: its start takes no more."""
        self.ready = True
        self._pool.measured()

    def idle(self, evict: Callable[[], None]) -> None:
        """Offer the process as a victim; `evict` is called at most once, and must return at once."""
        self._pool.offer(self, evict)

    def busy(self) -> None:
        """Withdraw the offer; an eviction that was asked for and not yet carried out is off."""
        self._pool.withdraw(self)

    def adopt(self) -> None:
        """Make the process that was started ahead a session's; it is in use from now on."""
        self.warm = False
        self.busy()

    def release(self) -> None:
        """Give the slot back, after the process has ended."""
        self._pool.take_back(self)
