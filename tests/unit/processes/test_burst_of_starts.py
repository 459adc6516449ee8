"""A burst of starts beside idle sessions: who waits for what, by readings of the memory that a test scripts."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from greenroomd.app.ports.processes import ProcessIdentity
from greenroomd.domain.retryable_errors import NoSlot
from greenroomd.processes.linux.procfs import private_bytes, resident_bytes
from greenroomd.processes.pool.admission import GROWING_SECONDS, Admission, Room
from greenroomd.processes.pool.pool_lease import PoolLease
from greenroomd.processes.pool.slots import Pool

MIB = 2**20
EXPECTED = 256 * MIB
"""What a start is believed to take until it is measured."""
TAKEN = 110 * MIB
"""What a process of the CLI really takes."""
LONG = timedelta(minutes=5)
OFTEN = timedelta(milliseconds=1)


@dataclass
class Host:
    """A machine with `free` bytes, from which processes take memory as a test says."""

    free: int
    held: dict[int, int] = field(default_factory=dict)
    readable: bool = True

    def available(self) -> int:
        if not self.readable:
            raise OSError("no descriptor")
        return self.free - sum(self.held.values())

    def pool(self, slots: int) -> Pool:
        admission = Admission(0, EXPECTED, self.available, measure=lambda pid: self.held.get(pid, 0))
        return Pool(slots, LONG, room=admission.room, recheck=OFTEN)

    def spawn(self, lease: PoolLease, takes: int) -> int:
        """Run a process in the slot that holds this much."""
        pid = len(self.held) + 1
        self.held[pid] = takes
        lease.spawned(
            ProcessIdentity(pid=pid, kernel_start=1, boot_id="b", start_time=datetime(2026, 1, 1, tzinfo=UTC))
        )
        return pid


class Sessions:
    """Sessions of a pool; those that are idle go as soon as they are asked."""

    def __init__(self, host: Host, slots: int) -> None:
        self.host = host
        self.pool = host.pool(slots)
        self.evicted: list[str] = []

    async def start(self, name: str, takes: int = TAKEN) -> PoolLease:
        """Run a session until its process is ready."""
        lease = await self.pool.lease(name[0], name)
        self.host.spawn(lease, takes)
        await asyncio.sleep(0)
        lease.started()
        return lease

    def rest(self, name: str, lease: PoolLease, *, frees: bool = True) -> None:
        """Let it be idle."""
        lease.idle(partial(self._evict, name, lease, frees=frees))

    async def idle(self, *names: str, frees: bool = True) -> None:
        """Have sessions that are idle, and whose starts are over."""
        for name in names:
            self.rest(name, await self.start(name), frees=frees)

    def _evict(self, name: str, lease: PoolLease, *, frees: bool) -> None:
        self.evicted.append(name)
        if frees and lease.pid is not None:
            self.host.held[lease.pid] = 0
        lease.release()


async def test_a_burst_of_starts_suspends_nobody_while_memory_is_free() -> None:
    """200 sessions fit into 22 GiB, though 200 times what is kept free for a start would not."""
    sessions = Sessions(Host(22 * 1024 * MIB), 200)

    async def life(number: int) -> None:
        name = f"a{number}"
        sessions.rest(name, await sessions.start(name))

    async with asyncio.TaskGroup() as tasks:
        for number in range(200):
            tasks.create_task(life(number))
    assert sessions.evicted == []
    assert sessions.pool.status().idle == 200


async def test_starts_under_way_hold_up_others_but_suspend_nobody() -> None:
    sessions = Sessions(Host(3 * EXPECTED), 8)
    await sessions.idle("a1")
    first = await sessions.pool.lease("a", "a2")
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(sessions.pool.lease("a", "a3"))
        second = await waiting
        third = tasks.create_task(sessions.pool.lease("a", "a4"))
        await asyncio.sleep(0.02)  # some looks of the pool
        assert not third.done(), "what is free is kept for the two starts under way"
        assert sessions.evicted == []
        for lease in (first, second):
            sessions.host.spawn(lease, TAKEN)
            lease.started()
        await third
    assert sessions.evicted == []


async def test_what_a_start_has_taken_already_is_not_kept_free_for_it() -> None:
    host = Host(3 * EXPECTED)
    pool = host.pool(8)
    leases = [await pool.lease("a", "a") for _ in range(2)]
    for lease in leases:
        host.spawn(lease, TAKEN)
    third = await asyncio.wait_for(pool.lease("a", "a"), 5)
    host.free -= 1
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(pool.lease("a", "a"), 0.02)
    host.spawn(third, EXPECTED)
    for lease in [*leases, third]:
        lease.started()
    host.free += EXPECTED
    await asyncio.wait_for(pool.lease("a", "a"), 5)


async def test_without_memory_the_idle_go_one_for_each_that_waits() -> None:
    sessions = Sessions(Host(3 * EXPECTED), 8)
    await sessions.idle("a1", "a2", "a3", "a4")
    assert sessions.evicted == []
    sessions.host.free = 4 * TAKEN + EXPECTED - 2 * TAKEN
    await sessions.start("b1")
    assert sessions.evicted == ["a1", "a2"]


@pytest.mark.parametrize("slots", [8, 3])
async def test_nobody_goes_for_memory_that_all_of_the_idle_do_not_hold(slots: int) -> None:
    sessions = Sessions(Host(8 * EXPECTED), slots)
    await sessions.idle("a1", "a2", "a3")
    sessions.host.free -= 10 * EXPECTED + EXPECTED // 2
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(sessions.pool.lease("b", "b1"), 0.05)
    assert sessions.evicted == []
    sessions.host.free = 8 * EXPECTED
    await sessions.pool.lease("b", "b2")


async def test_nobody_goes_while_the_memory_cannot_be_read() -> None:
    sessions = Sessions(Host(8 * EXPECTED), 8)
    await sessions.idle("a1")
    sessions.host.readable = False
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(sessions.pool.lease("b", "b1"), 0.05)
    assert sessions.evicted == []
    sessions.host.readable = True
    await sessions.pool.lease("b", "b2")


async def test_for_want_of_slots_the_idle_go_though_starts_are_under_way() -> None:
    sessions = Sessions(Host(4 * EXPECTED), 3)
    await sessions.idle("a1")
    await sessions.pool.lease("a", "a2")
    await sessions.pool.lease("a", "a3")
    sessions.host.free = TAKEN + 3 * EXPECTED
    await sessions.pool.lease("b", "b1")
    assert sessions.evicted == ["a1"]


@pytest.mark.parametrize(("warm", "room"), [(True, Room.FREE), (False, Room.RESERVED)])
def test_a_slow_start_is_reckoned_with_until_it_is_ready(warm: bool, room: Room) -> None:
    now = 10.0
    start = PoolLease(Pool(1, LONG), "a", warm=warm)
    start.since = now
    admission = Admission(0, EXPECTED, lambda: EXPECTED, clock=lambda: now)
    assert admission.room([start], []) is Room.RESERVED
    now += GROWING_SECONDS
    assert admission.room([start], []) is room, "a process that waits for its session is never asked"
    start.started()
    assert admission.room([start], []) is Room.FREE


def test_what_a_process_holds_by_itself_is_measured() -> None:
    holding = "import sys; held = b'x' * (64 << 20); print('holds', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-IS", "-c", holding], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"holds\n"
        held = private_bytes(process.pid)
        assert 64 * MIB <= held < resident_bytes(process.pid) < 128 * MIB
        process.communicate()
    assert private_bytes(process.pid) == 0


async def test_no_slot_says_that_memory_is_what_is_missing() -> None:
    pool = Pool(2, timedelta(milliseconds=5), room=lambda _out, _idle: Room.HOPELESS)
    with pytest.raises(NoSlot, match="no memory for another process"):
        await pool.lease("a", "a1")
