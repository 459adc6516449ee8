"""What wakes watchers: a bell for each, its quiet time, and the stop."""

import asyncio
from datetime import timedelta

from greenroomd.app.watch.wakeups import ShutdownSignal, Wakeup, idle_timer


async def test_a_bell_wakes_who_waits_and_who_comes_later() -> None:
    bell = Wakeup()
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(_heard(bell))
        await asyncio.sleep(0)
        assert not waiting.done()
        bell.set()
        bell.set()
    await bell.wait()
    bell.clear()
    assert not bell.is_set()


async def test_a_cancelled_wait_leaves_the_bell_usable() -> None:
    bell = Wakeup()
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(_heard(bell))
        await asyncio.sleep(0)
        waiting.cancel()
    bell.set()
    await bell.wait()


async def test_each_bell_rings_after_its_own_quiet_time() -> None:
    early, late = Wakeup(), Wakeup()
    shortly, later = timedelta(milliseconds=50), timedelta(milliseconds=60)
    with idle_timer(early, shortly) as soon, idle_timer(late, later) as postponed:
        await early.wait()
        assert soon.over
        postponed.restart()
        late.clear()
        assert not postponed.over
        await late.wait()
        assert postponed.over


async def test_a_bell_rings_again_after_each_quiet_time() -> None:
    bell = Wakeup()
    with idle_timer(bell, timedelta(milliseconds=10)) as quiet:
        for _ in range(3):
            await bell.wait()
            bell.clear()
            quiet.restart()


async def test_a_bell_that_is_told_of_something_stays_quiet() -> None:
    told, other = Wakeup(), Wakeup()
    span = timedelta(milliseconds=300)
    with idle_timer(told, span) as quiet, idle_timer(other, span):
        while not other.is_set():
            quiet.restart()
            await asyncio.sleep(0.005)
        assert not told.is_set()


async def test_a_bell_is_quiet_for_ever_behind_its_time() -> None:
    bell = Wakeup()
    with idle_timer(bell, timedelta(milliseconds=5)):
        pass
    await asyncio.sleep(0.02)  # four times as long as it would have taken to ring
    assert not bell.is_set()


async def test_a_stop_rings_those_who_listen_only() -> None:
    stop, one, gone = ShutdownSignal(), Wakeup(), Wakeup()
    with stop.subscribe(gone):
        pass
    with stop.subscribe(one):
        stop.begin()
    assert (stop.begun, one.is_set(), gone.is_set()) == (True, True, False)


async def _heard(bell: Wakeup) -> None:
    await bell.wait()
