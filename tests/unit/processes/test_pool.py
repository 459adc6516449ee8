import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Collection
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from greenroomd.domain.retryable_errors import NoSlot
from greenroomd.processes.pool.admission import Admission, Room, available_bytes
from greenroomd.processes.pool.pool_lease import PoolLease
from greenroomd.processes.pool.pool_status import WorkspaceUse
from greenroomd.processes.pool.slots import Pool

LONG = timedelta(minutes=5)
"""Longer than a test may take, also on a machine that is busy with others."""


class Crowd:
    """Many who want a lease; `got` tells in which order they got it."""

    def __init__(self, pool: Pool, tasks: asyncio.TaskGroup) -> None:
        self.pool = pool
        self.got: list[str] = []
        self.leases: dict[str, PoolLease] = {}
        self._tasks = tasks

    async def ask(self, *names: str) -> list[asyncio.Task[None]]:
        """Let each name (its first letter is the workspace) ask for a lease, in this order."""
        asked = [self._tasks.create_task(self._wait(name)) for name in names]
        await settled()
        return asked

    async def release(self, name: str) -> None:
        self.leases[name].release()
        await settled()

    async def _wait(self, name: str) -> None:
        self.leases[name] = await self.pool.lease(name[0], name)
        self.got.append(name)


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


Seen = tuple[int, int, int, int, dict[str, int]]


def seen(pool: Pool) -> Seen:
    """Return what the pool says of itself: slots, busy, idle, evictions, and who waits."""
    now = pool.status()
    waiting = {name: use.waiting for name, use in now.workspaces.items() if use.waiting}
    return now.slots, now.busy, now.idle, now.evictions, waiting


def status(slots: int, busy: int = 0, idle: int = 0, evictions: int = 0, **waiting: int) -> Seen:
    return slots, busy, idle, evictions, waiting


async def test_leases_up_to_the_limit_come_at_once() -> None:
    pool = Pool(2, LONG)
    first, second = await pool.lease("a", "a1"), await pool.lease("a", "a2")
    assert seen(pool) == status(2, busy=2)
    first.release()
    second.release()
    second.release()
    assert seen(pool) == status(2)
    assert pool.status().free == 2


async def test_the_oldest_first_and_workspaces_in_turn() -> None:
    pool = Pool(1, LONG)
    async with asyncio.TaskGroup() as tasks:
        crowd = Crowd(pool, tasks)
        await crowd.ask("a1", "a2", "a3", "a4", "b1", "b2", "c1")
        assert seen(pool) == status(1, busy=1, a=3, b=2, c=1)
        while len(crowd.got) < 7:
            await crowd.release(crowd.got[-1])
    assert crowd.got == ["a1", "a2", "b1", "c1", "a3", "b2", "a4"]


async def test_a_thousand_waiting_delay_another_workspace_by_one_slot_at_most() -> None:
    pool = Pool(8, LONG)
    async with asyncio.TaskGroup() as tasks:
        crowd = Crowd(pool, tasks)
        await crowd.ask(*(f"a{n}" for n in range(1000)))
        await crowd.ask("b1")
        await crowd.release("a0")
        await crowd.release("a1")
        assert crowd.got[-2:] == ["a8", "b1"]
        for number in range(2, 1000):
            await crowd.release(f"a{number}")


@pytest.mark.parametrize("seed", range(20))
async def test_no_workspace_gets_two_slots_while_another_waits_for_its_first(seed: int) -> None:
    choose = random.Random(seed)
    pool = Pool(choose.randrange(1, 4), LONG)
    asked: Counter[str] = Counter()
    passed_over: defaultdict[str, Counter[str]] = defaultdict(Counter)  # whom others overtook, and how often
    async with asyncio.TaskGroup() as tasks:
        crowd = Crowd(pool, tasks)
        seen = 0
        for _ in range(300):
            held = [name for name in crowd.got if name in crowd.leases]
            if held and choose.random() < 0.5:
                await crowd.release(name := choose.choice(held))
                del crowd.leases[name]
            else:
                workspace = choose.choice("aaaaaabc")
                asked[workspace] += 1
                await crowd.ask(f"{workspace}{asked[workspace]}")
            for name in crowd.got[seen:]:
                passed_over.pop(name[0], None)
                for waiting, use in pool.status().workspaces.items():
                    if use.waiting and waiting != name[0]:
                        passed_over[waiting][name[0]] += 1
            seen = len(crowd.got)
            assert all(times <= 1 for others in passed_over.values() for times in others.values())
        while pool.status().waiting:
            name = next(name for name in crowd.got if name in crowd.leases)
            await crowd.release(name)
            del crowd.leases[name]


async def test_too_long_a_wait_fails_with_advice() -> None:
    pool = Pool(1, timedelta(milliseconds=10))
    lease = await pool.lease("a", "a1")
    with pytest.raises(NoSlot, match=r"all 1 processes are in use and none became free in 0\.01 s") as none:
        await pool.lease("b", "b1")
    assert none.value.retry_after >= timedelta(seconds=1)
    assert seen(pool) == status(1, busy=1)
    lease.release()
    (await pool.lease("b", "b1")).release()


async def test_a_cancelled_wait_leaves_nothing() -> None:
    pool = Pool(1, LONG)
    async with asyncio.TaskGroup() as tasks:
        crowd = Crowd(pool, tasks)
        _, second, third = await crowd.ask("a1", "a2", "b1")
        second.cancel()
        crowd.leases["a1"].release()  # before the cancelled one has run
        await settled()
        assert crowd.got == ["a1", "b1"]
        assert third.done()
    assert seen(pool) == status(1, busy=1)


async def test_cancelled_in_the_moment_of_the_grant_the_slot_goes_on() -> None:
    pool = Pool(1, LONG)
    async with asyncio.TaskGroup() as tasks:
        crowd = Crowd(pool, tasks)
        _, second, _ = await crowd.ask("a1", "a2", "a3")
        crowd.leases["a1"].release()
        second.cancel()
        await settled()
        assert crowd.got == ["a1", "a3"]


async def test_under_pressure_the_longest_idle_is_asked_back() -> None:
    pool = Pool(3, LONG)
    asked: list[str] = []
    async with asyncio.TaskGroup() as tasks:
        crowd = Crowd(pool, tasks)
        await crowd.ask("a1", "a2", "a3")
        for name in ("a2", "a1", "a3"):
            crowd.leases[name].idle(lambda name=name: asked.append(name))  # type: ignore[misc]
        crowd.leases["a2"].busy()
        crowd.leases["a2"].idle(lambda: asked.append("a2"))  # used again: no longer the oldest
        assert seen(pool) == status(3, idle=3)
        await crowd.ask("b1", "b2")
        assert asked == ["a1", "a3"]
        assert seen(pool) == status(3, busy=2, idle=1, evictions=2, b=2)
        await crowd.release("a3")
        await crowd.release("a1")
        assert crowd.got[-2:] == ["b1", "b2"]
        assert asked == ["a1", "a3"]


async def test_one_that_becomes_idle_while_others_wait_is_asked_back_at_once() -> None:
    pool = Pool(1, LONG)
    async with asyncio.TaskGroup() as tasks:
        crowd = Crowd(pool, tasks)
        await crowd.ask("a1", "b1")
        crowd.leases["a1"].idle(crowd.leases["a1"].release)
        await settled()
        assert crowd.got == ["a1", "b1"]


async def test_one_that_is_busy_again_is_spared_and_another_asked() -> None:
    pool = Pool(2, LONG)
    asked: list[str] = []
    async with asyncio.TaskGroup() as tasks:
        crowd = Crowd(pool, tasks)
        await crowd.ask("a1", "a2")
        crowd.leases["a1"].idle(lambda: asked.append("a1"))
        crowd.leases["a2"].idle(lambda: asked.append("a2"))
        await crowd.ask("b1")
        assert asked == ["a1"]
        crowd.leases["a1"].busy()
        assert asked == ["a1", "a2"]
        await crowd.release("a2")
        assert crowd.got[-1] == "b1"


async def test_a_busy_lease_is_never_asked_back() -> None:
    pool = Pool(1, timedelta(milliseconds=10))
    lease = await pool.lease("a", "a1")
    lease.idle(lambda: pytest.fail("evicted"))
    lease.busy()
    with pytest.raises(NoSlot):
        await pool.lease("a", "a2")


@pytest.mark.parametrize("seed", range(20))
async def test_whatever_happens_no_slot_is_lost_and_none_is_given_twice(seed: int) -> None:
    choose = random.Random(seed)
    pool = Pool(3, timedelta(milliseconds=5))
    held = 0

    async def session(workspace: str) -> None:
        nonlocal held
        try:
            lease = await pool.lease(workspace, workspace)
        except NoSlot:
            return
        held += 1
        assert held <= 3
        try:
            evicted = asyncio.Event()
            for _ in range(choose.randrange(3)):
                lease.idle(evicted.set)
                await asyncio.sleep(choose.choice([0, 0, 0.001]))
                lease.busy()
                await asyncio.sleep(0)
        finally:
            held -= 1
            lease.release()

    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(session(choose.choice("abc"))) for _ in range(200)]
        for task in choose.sample(running, 60):
            await asyncio.sleep(0)
            task.cancel()
    assert pool.status().free == 3
    assert not pool.status().waiting


async def test_evict_may_give_the_lease_back_at_once() -> None:
    pool = Pool(2, LONG)
    leases = [await pool.lease("a", "a") for _ in range(2)]
    releases: list[Callable[[], None]] = [lease.release for lease in leases]
    for lease, release in zip(leases, releases, strict=True):
        lease.idle(release)
    others = [await pool.lease("b", "b") for _ in range(2)]
    assert seen(pool) == status(2, busy=2, evictions=2)
    for other in others:
        other.release()


async def test_a_workspace_gets_no_more_than_its_share_and_holds_nobody_up() -> None:
    pool = Pool(3, LONG, per_workspace=2)
    async with asyncio.TaskGroup() as tasks:
        crowd = Crowd(pool, tasks)
        await crowd.ask("a1", "a2", "a3", "a4", "b1")
        assert crowd.got == ["a1", "a2", "b1"]
        await crowd.release("b1")
        assert crowd.got == ["a1", "a2", "b1"], "a slot is free, and none of the waiting may have it"
        await crowd.release("a1")
        assert crowd.got[-1] == "a3"
        await crowd.release("a2")
        assert crowd.got[-1] == "a4"


async def test_a_workspace_at_its_limit_gets_only_its_own_back() -> None:
    pool = Pool(3, LONG, per_workspace=1)
    asked: list[str] = []
    async with asyncio.TaskGroup() as tasks:
        crowd = Crowd(pool, tasks)
        await crowd.ask("b1", "a1")
        for name in ("b1", "a1"):
            crowd.leases[name].idle(lambda name=name: asked.append(name))  # type: ignore[misc]
        await crowd.ask("a2")
        assert asked == ["a1"]
        await crowd.ask("a3")
        assert asked == ["a1"]
        await crowd.release("a1")
        await crowd.release("a2")
        assert crowd.got[-1] == "a3"


async def test_one_that_is_alone_at_its_limit_is_told_so() -> None:
    pool = Pool(2, timedelta(milliseconds=10), per_workspace=1)
    await pool.lease("a", "a1")
    with pytest.raises(NoSlot, match="the workspace uses all 1 processes it may"):
        await pool.lease("a", "a2")


async def test_without_memory_nobody_starts_until_there_is_some() -> None:
    available = 0
    admission = Admission(reserve=50, per_process=100, available=lambda: available)
    pool = Pool(8, LONG, room=admission.room, recheck=timedelta(milliseconds=1))
    async with asyncio.TaskGroup() as tasks:
        crowd = Crowd(pool, tasks)
        waiting = await crowd.ask("a1", "a2")
        assert crowd.got == []
        available = 249  # for one, and the reserve; the other would find 99 left
        await waiting[0]
        await settled()
        assert crowd.got == ["a1"]
        available = 250
    assert crowd.got == ["a1", "a2"]


async def test_a_start_that_memory_never_came_for_fails_with_the_cause() -> None:
    pool = Pool(2, timedelta(milliseconds=10), room=lambda _out, _idle: Room.HOPELESS)
    with pytest.raises(NoSlot, match="no memory for another process"):
        await pool.lease("a", "a1")


async def test_while_memory_is_short_the_idle_are_asked_back() -> None:
    room = Room.FREE
    pool = Pool(2, LONG, room=lambda _out, _idle: room)
    first = await pool.lease("a", "a1")
    asked: list[str] = []
    first.idle(lambda: asked.append("a1"))
    room = Room.SHORT
    async with asyncio.TaskGroup() as tasks:
        crowd = Crowd(pool, tasks)
        await crowd.ask("b1")
        assert asked == ["a1"]
        room = Room.FREE
        first.release()
    assert crowd.got == ["b1"]


async def test_while_memory_stays_short_no_more_of_the_idle_are_asked_back_than_it_takes() -> None:
    enough = True

    def room(out: Collection[PoolLease], _idle: Collection[PoolLease]) -> Room:
        return Room.FREE if enough or len(out) < 2 else Room.SHORT

    pool = Pool(4, LONG, room=room, recheck=timedelta(milliseconds=1))
    leases = {name: await pool.lease("a", name) for name in ("a1", "a2", "a3")}
    enough = False
    asked: list[str] = []

    def give_back(name: str) -> None:
        asked.append(name)
        leases[name].release()

    for name, lease in leases.items():
        lease.idle(partial(give_back, name))
    await pool.lease("b", "b1")
    assert asked == ["a1", "a2"]
    assert seen(pool) == status(4, busy=1, idle=1, evictions=2)


async def test_a_process_that_has_ended_is_not_reckoned_with() -> None:
    admission = Admission(reserve=0, per_process=100, available=lambda: 150)
    pool = Pool(8, timedelta(milliseconds=10), room=admission.room)
    for _ in range(3):
        lease = await pool.lease("a", "a1")
        with pytest.raises(NoSlot, match="no memory for another process"):
            await pool.lease("a", "a2")
        lease.release()


def test_a_containers_share_bounds_what_is_available(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("400000\n")
    assert available_bytes(tmp_path) == 600_000
    (tmp_path / "memory.stat").write_text(
        "anon 200000\ninactive_file 100000\nslab_reclaimable 50000\nslab 60000\n"
    )
    assert available_bytes(tmp_path) == 750_000, "what the kernel would take back counts as free"
    (tmp_path / "memory.max").write_text("max\n")
    assert available_bytes(tmp_path) == pytest.approx(available_bytes(tmp_path / "none"), rel=0.5)


async def test_status_tells_of_each_workspace_and_the_longest_wait() -> None:
    pool = Pool(2, LONG)
    async with asyncio.TaskGroup() as tasks:
        crowd = Crowd(pool, tasks)
        await crowd.ask("a1", "a2")
        crowd.leases["a1"].idle(lambda: None)
        assert pool.status().longest_wait is None
        await crowd.ask("b1")
        now = pool.status()
        assert now.workspaces == {"a": WorkspaceUse(busy=2), "b": WorkspaceUse(waiting=1)}, (
            "a1 was asked back"
        )
        assert now.longest_wait is not None
        assert now.longest_wait > timedelta()
        await crowd.release("a1")
        await crowd.release("a2")
        crowd.leases["b1"].idle(lambda: None)
        assert pool.status().workspaces == {"b": WorkspaceUse(idle=1)}


async def test_a_spare_slot_is_only_one_that_nobody_wants() -> None:
    pool = Pool(2, LONG, per_workspace=1)
    spare = pool.spare("a")
    assert spare is not None
    assert pool.spare("a") is None, "the workspace has all that it may"
    assert pool.status().workspaces == {"a": WorkspaceUse(warm=1)}
    assert pool.status().free == 1
    (await pool.lease("b", "b1")).idle(lambda: None)
    assert pool.spare("c") is None, "the pool is full"
    spare.release()
    assert pool.spare("c") is not None


async def test_a_warm_process_goes_before_any_that_has_a_session() -> None:
    pool = Pool(2, LONG)
    asked: list[str] = []
    leases = {"session": await pool.lease("a", "a1"), "warm": pool.spare("a")}
    for name, lease in leases.items():
        assert lease is not None
        lease.idle(lambda name=name: asked.append(name))  # type: ignore[misc]
    async with asyncio.TaskGroup() as tasks:
        crowd = Crowd(pool, tasks)
        await crowd.ask("b1")
        assert asked == ["warm"]
        assert leases["warm"] is not None
        leases["warm"].release()
    assert crowd.got == ["b1"]


async def test_a_warm_process_that_a_session_takes_over_is_in_use_and_not_asked_back() -> None:
    pool = Pool(1, LONG)
    lease = pool.spare("a")
    assert lease is not None
    asked: list[str] = []
    lease.idle(lambda: asked.append("warm"))
    lease.adopt()
    assert pool.status().workspaces == {"a": WorkspaceUse(busy=1)}
    async with asyncio.TaskGroup() as tasks:
        crowd = Crowd(pool, tasks)
        await crowd.ask("b1")
        assert asked == []
        lease.release()
        await settled()
        assert crowd.got == ["b1"]
