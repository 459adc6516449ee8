"""Background tasks that end with the block that started them.

A bare `asyncio.TaskGroup` wraps the block's own exception in an ExceptionGroup; here it is raised unchanged.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import structlog

log = structlog.get_logger(__name__)

FIRST_PAUSE = timedelta(milliseconds=200)
LONGEST_PAUSE = timedelta(seconds=30)


@asynccontextmanager
async def task_group() -> AsyncIterator[asyncio.TaskGroup]:
    """Yield a TaskGroup and wait for its tasks on exit. Nothing is cancelled on exit: the caller must signal its tasks.

    The block's own failure is raised unchanged, once the tasks have ended. A task that fails cancels the block and the
    other tasks; it is raised in an ExceptionGroup.
    """
    failure: BaseException | None = None
    async with asyncio.TaskGroup() as group:
        try:
            yield group
        except BaseException as error:  # raised below, outside the group
            failure = error
    if failure is not None:
        raise failure


@asynccontextmanager
async def background_tasks(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run `work` while the block runs; on exit, cancel it and wait until it has ended. Raises as `task_group` does."""
    async with task_group() as group:
        tasks = [group.create_task(each) for each in work]
        try:
            yield
        finally:
            for task in tasks:
                if not task.cancelling():  # a second cancellation would cut its clean-up short
                    task.cancel()


async def restarting(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Run `work()` again whenever it raises, after a pause that grows from 0.2 to 30 s; return when it returns.

    For work that serves every session: one bad input must not end it, much less the server. Each failure is logged as
    `task_failed` with `name`; so is a CancelledError if this task was not cancelled. A run that outlives the longest
    pause resets the pause.
    """
    loop = asyncio.get_running_loop()
    pause = FIRST_PAUSE
    while True:
        started = loop.time()
        try:
            await work()
        except (Exception, asyncio.CancelledError) as error:
            if cancelled_from_outside():
                raise asyncio.CancelledError from error
            if loop.time() - started > LONGEST_PAUSE.total_seconds():
                pause = FIRST_PAUSE
            log.exception("task_failed", task=name, again_in_seconds=pause.total_seconds())
        else:
            return
        await asyncio.sleep(pause.total_seconds())
        pause = min(2 * pause, LONGEST_PAUSE)


def cancelled_from_outside() -> bool:
    """Whether the current task has been cancelled. If not, a CancelledError came from something that it awaited."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
