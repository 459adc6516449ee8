import asyncio

import pytest

from greenroomd.processes.host.finish import finish


async def test_the_result_comes_back() -> None:
    async def ending() -> int:
        await asyncio.sleep(0)
        return 7

    assert await finish(ending()) == 7


async def test_a_failure_comes_back() -> None:
    async def ending() -> None:
        raise ValueError("no end")

    with pytest.raises(ValueError, match="no end"):
        await finish(ending())


async def test_cancelled_again_and_again_it_still_waits_for_the_end() -> None:
    may_end = asyncio.Event()
    ended = False

    async def ending() -> None:
        nonlocal ended
        await may_end.wait()
        ended = True

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(finish(ending()))
        for _ in range(5):
            await asyncio.sleep(0)
            task.cancel()
        await asyncio.sleep(0)
        assert not task.done()
        may_end.set()
    assert ended
    assert task.cancelled()


async def test_a_failure_after_a_cancellation_is_its_cause() -> None:
    may_end = asyncio.Event()
    raised: list[BaseException] = []

    async def ending() -> None:
        await may_end.wait()
        raise ValueError("no end")

    async def owner() -> None:
        try:
            await finish(ending())
        except asyncio.CancelledError as error:
            raised.append(error)

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(owner())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0)
        may_end.set()
    assert isinstance(raised[0].__cause__, ValueError)
