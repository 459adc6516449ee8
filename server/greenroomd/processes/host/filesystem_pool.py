"""Looks at directories that sessions name: where a file system hangs, nothing hangs but who looks there."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

_THREADS = 32  # each that hangs is one less, until its file system answers


class Lookups:
    """Threads of their own: those of the event loop also end processes, and must come free again."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="lookup")

    async def run(self, look: Callable[[], T]) -> T:
        """Return what *look* finds; who is cancelled does not wait for it."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, look)


def is_directory(path: str) -> bool:
    """Whether there is a directory; not where a name is too long, or where we may not look."""
    return os.path.isdir(path)  # noqa: PTH112 -- Path.is_dir raises there
