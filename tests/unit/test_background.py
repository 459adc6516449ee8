"""Tasks in the background of a block: over when it is, and never in the way of what it raises."""

import asyncio
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from greenroomd.app import background
from greenroomd.app.background import background_tasks, restarting, task_group


class Work:
    """Something that goes on until it is cancelled, and then takes a moment to end."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.over = False

    async def run(self) -> None:
        try:
            self.begun.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            self.over = True


async def test_it_runs_while_the_block_does_and_is_over_afterwards() -> None:
    first, second = Work(), Work()
    async with background_tasks(first.run(), second.run()):
        await first.begun.wait()
        await second.begun.wait()
        assert not first.over
    assert first.over
    assert second.over


async def test_what_the_block_raises_comes_out_as_it_is_once_the_work_is_over() -> None:
    work = Work()

    async def block() -> None:
        async with background_tasks(work.run()):
            await work.begun.wait()
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        await block()
    assert work.over


async def test_a_cancelled_block_is_cancelled_once_the_work_is_over() -> None:
    work = Work()

    async def block() -> None:
        async with background_tasks(work.run()):
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(block())
        await work.begun.wait()
        task.cancel()
    assert task.cancelled()
    assert work.over


async def test_work_that_fails_ends_the_block_and_is_told() -> None:
    work = Work()

    async def fail() -> None:
        await work.begun.wait()
        raise ValueError("its own")

    with pytest.raises(ExceptionGroup) as raised:
        async with background_tasks(fail(), work.run()):
            await asyncio.Event().wait()
    (failure,) = raised.value.exceptions
    assert str(failure) == "its own"
    assert work.over


async def test_a_group_waits_for_tasks_that_nobody_tells_to_end() -> None:
    done = []

    async def take_a_moment() -> None:
        await asyncio.sleep(0)
        done.append(True)

    async def block() -> None:
        async with task_group() as group:
            group.create_task(take_a_moment())
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        await block()
    assert done == [True]


async def test_work_that_fails_is_run_again_until_it_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "FIRST_PAUSE", timedelta())
    outcomes = iter([ValueError("one bad input"), OSError("another"), None])

    async def work() -> None:
        if (outcome := next(outcomes)) is not None:
            raise outcome

    await restarting("work", work)
    assert list(outcomes) == []


async def test_each_failure_is_logged_under_the_name_of_the_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "FIRST_PAUSE", timedelta())
    failures = [ValueError("one bad input")]

    async def work() -> None:
        if failures:
            raise failures.pop()

    with capture_logs() as lines:
        await restarting("the watchdog", work)
    (line,) = lines
    assert (line["event"], line["task"]) == ("task_failed", "the watchdog")


async def test_cancelling_ends_work_that_would_be_run_again() -> None:
    work = Work()
    async with background_tasks(restarting("work", work.run)):
        await work.begun.wait()
    assert work.over


async def test_restarting_goes_on_after_something_that_it_waited_for_was_cancelled() -> None:
    runs = 0

    async def work() -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            given_up: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            given_up.cancel()
            await given_up

    await asyncio.wait_for(restarting("work", work), 20)
    assert runs == 2


async def test_restarting_ends_when_it_is_cancelled_though_the_work_raises_something_else() -> None:
    begun = asyncio.Event()

    async def work() -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            raise ValueError("while it cleans up")

    async with asyncio.timeout(60), background_tasks(restarting("work", work)):
        await begun.wait()
