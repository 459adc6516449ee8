"""Tasks that live as long as a block: they run beside it, and are over when it has ended.

A bare task group would wrap whatever the block itself raises; here it comes out as it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any


@asynccontextmanager
async def task_group() -> AsyncIterator[asyncio.TaskGroup]:
    """Give a group for the block's tasks, and wait for all of them; whoever wants them to end has to tell them.

    The block's own failure is raised as it is, once they are over. A task that fails cancels the block and the other
    tasks, and is raised in an ExceptionGroup.
    """
    failure: BaseException | None = None
    async with asyncio.TaskGroup() as group:
        try:
            yield group
        except BaseException as error:  # raised below as it is
            failure = error
    if failure is not None:
        raise failure


@asynccontextmanager
async def beside(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run `work` beside the block and cancel it at the block's end; it is over when this is. Failures as above."""
    async with task_group() as group:
        tasks = [group.create_task(each) for each in work]
        try:
            yield
        finally:
            for task in tasks:
                if not task.cancelling():  # a second cancellation would cut short how it ends
                    task.cancel()
