"""Removes files that nobody needs any more, and never waits for long: where a file system hangs, they are left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Final

import structlog

from greenroomd.processes.filesystem.filesystem_pool import FilesystemHangs, FilesystemPool

log = structlog.get_logger(__name__)

REMOVAL_TIMEOUT: Final = timedelta(seconds=5)
"""How long a removal is waited for."""


async def remove_or_leave(
    threads: FilesystemPool,
    directory: Path,
    remove: Callable[[], object],
    *,
    timeout: timedelta = REMOVAL_TIMEOUT,
) -> None:
    """Call `remove` in one of `threads`; where the file system of `directory` hangs or fails, its files are left."""
    try:
        async with asyncio.timeout(timeout.total_seconds()):
            await threads.run(str(directory), remove)
    except (FilesystemHangs, OSError) as error:  # one of them is TimeoutError
        log.warning("files_left", directory=str(directory), error=str(error) or "it did not answer")
