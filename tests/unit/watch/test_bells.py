"""What wakes watchers: a bell for one, one clock for all, and the stop."""

import asyncio

from greenroomd.app.bells import Bell, QuietClock, Stop


async def test_a_bell_wakes_who_waits_and_who_comes_later() -> None:
    bell = Bell()
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(bell.wait())
        await asyncio.sleep(0)
        assert not waiting.done()
        bell.set()
        bell.set()
    await bell.wait()
    bell.clear()
    assert not bell.is_set()


async def test_a_cancelled_wait_leaves_the_bell_usable() -> None:
    bell = Bell()
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(bell.wait())
        await asyncio.sleep(0)
        waiting.cancel()
    bell.set()
    await bell.wait()


async def test_each_bell_rings_after_its_own_quiet_time() -> None:
    clock, early, late = QuietClock(0.05), Bell(), Bell()
    with clock.timing(early), clock.timing(late):
        await early.wait()
        assert clock.is_over(early)
        early.clear()
        clock.restart(late)
        late.clear()
        assert not clock.is_over(late)
        await late.wait()
        assert clock.is_over(late)


async def test_a_bell_that_is_told_of_something_stays_quiet() -> None:
    clock, told, other = QuietClock(0.3), Bell(), Bell()
    with clock.timing(told), clock.timing(other):
        while not other.is_set():
            clock.restart(told)
            await asyncio.sleep(0.005)
        assert not told.is_set()


async def test_a_stop_rings_those_who_listen_only() -> None:
    stop, one, gone = Stop(), Bell(), Bell()
    with stop.telling(gone):
        pass
    with stop.telling(one):
        stop.begin()
    assert (stop.begun, one.is_set(), gone.is_set()) == (True, True, False)
