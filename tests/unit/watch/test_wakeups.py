"""What wakes watchers: a wakeup for each, its idle time, and the shutdown. No test depends on how fast it runs."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest

from greenroomd.app.watch.wakeups import ShutdownSignal, Wakeup, idle_timer
from unit.watch.virtual_time import in_virtual_time


async def test_a_wakeup_wakes_who_waits_and_who_comes_later() -> None:
    wakeup = Wakeup()
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(_woken(wakeup))
        await asyncio.sleep(0)
        assert not waiting.done()
        wakeup.set()
        wakeup.set()
    await wakeup.wait()
    wakeup.clear()
    assert not wakeup.is_set()


async def test_a_cancelled_wait_leaves_the_wakeup_usable() -> None:
    wakeup = Wakeup()
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(_woken(wakeup))
        await asyncio.sleep(0)
        waiting.cancel()
    wakeup.set()
    await wakeup.wait()


def test_each_wakeup_is_set_after_its_own_idle_time() -> None:
    async def test(now: Callable[[], float]) -> None:
        early, late = Wakeup(), Wakeup()
        with (
            idle_timer(early, timedelta(seconds=5)) as soon,
            idle_timer(late, timedelta(seconds=6)) as postponed,
        ):
            await early.wait()
            assert soon.over
            assert now() == pytest.approx(5)
            postponed.restart()
            assert not late.is_set()
            assert not postponed.over
            await late.wait()
            assert postponed.over
            assert now() == pytest.approx(11)

    in_virtual_time(_with_clock(test))


def test_a_wakeup_is_set_again_after_each_idle_time() -> None:
    async def test(now: Callable[[], float]) -> None:
        wakeup, times = Wakeup(), []
        with idle_timer(wakeup, timedelta(seconds=10)) as idle:
            for _ in range(3):
                await wakeup.wait()
                times.append(now())
                wakeup.clear()
                idle.restart()
        assert times == pytest.approx([10, 20, 30])

    in_virtual_time(_with_clock(test))


def test_an_idle_time_that_is_restarted_never_ends() -> None:
    async def test(now: Callable[[], float]) -> None:
        restarted, other = Wakeup(), Wakeup()
        span = timedelta(seconds=10)
        with idle_timer(restarted, span) as idle, idle_timer(other, span):
            while now() < 35:
                await asyncio.sleep(9)
                idle.restart()
            assert other.is_set()
            assert not restarted.is_set()

    in_virtual_time(_with_clock(test))


def test_no_wakeup_is_set_after_its_block() -> None:
    async def test(_now: Callable[[], float]) -> None:
        wakeup = Wakeup()
        with idle_timer(wakeup, timedelta(seconds=5)):
            pass
        await asyncio.sleep(20)
        assert not wakeup.is_set()

    in_virtual_time(_with_clock(test))


async def test_a_shutdown_wakes_its_subscribers_alone() -> None:
    shutdown, one, gone = ShutdownSignal(), Wakeup(), Wakeup()
    with shutdown.subscribe(gone):
        pass
    with shutdown.subscribe(one):
        shutdown.begin()
    assert (shutdown.begun, one.is_set(), gone.is_set()) == (True, True, False)


async def _with_clock(test: Callable[[Callable[[], float]], Coroutine[Any, Any, None]]) -> None:
    await test(asyncio.get_running_loop().time)


async def _woken(wakeup: Wakeup) -> None:
    await wakeup.wait()
