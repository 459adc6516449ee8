"""One promise: an ending that has begun is carried through, however often its caller is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def finish(ending: Coroutine[Any, Any, T]) -> T:
    """Run `ending` to its end and return its result; a cancellation meanwhile is raised afterwards, not before.

    `ending` must be bounded in time: nothing can shorten it.
    """
    task = asyncio.ensure_future(ending)  # noqa: TID251 -- awaited right here, come what may
    cancellation: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancellation = error
    if cancellation is not None:
        raise cancellation from task.exception()
    return task.result()
