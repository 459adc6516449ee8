"""Removes the control groups of ended processes, again and again while the kernel says that one is busy."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import structlog

from greenroomd.app.background import background_tasks, restarting
from greenroomd.processes.linux.cgroup import Cgroup

log = structlog.get_logger(__name__)

FIRST_PAUSE = timedelta(milliseconds=100)
LONGEST_PAUSE = timedelta(minutes=1)


@dataclass(slots=True)
class _Busy:
    """A group that could not be removed yet."""

    group: Cgroup
    next_try: float
    """When it is tried again, by the event loop's clock in seconds."""
    pause: float
    """How many seconds after that, if it is busy still."""


class CgroupRemoval:
    """Removes groups now if it can, else later, with a pause that grows from 0.1 to 60 s.

    What is busy to the end stays for the next start of the server: see `server_run`.
    """

    def __init__(self) -> None:
        self._busy: list[_Busy] = []
        self._added = asyncio.Event()

    async def remove(self, group: Cgroup) -> None:
        """Remove a group whose processes have ended; if it is busy, return at once and go on while `on_duty` runs."""
        if await asyncio.to_thread(group.remove):
            return
        log.warning("group_busy", group=str(group.path))
        pause = FIRST_PAUSE.total_seconds()
        self._busy.append(_Busy(group, asyncio.get_running_loop().time() + pause, pause))
        self._added.set()

    @asynccontextmanager
    async def on_duty(self) -> AsyncIterator[None]:
        """Try the busy groups again while the block runs, and once more when it ends."""
        try:
            async with background_tasks(restarting("cgroup_removal", self._try_again_and_again)):
                yield
        finally:
            for busy in self._busy:
                busy.group.remove()

    async def _try_again_and_again(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._added.clear()
            due = [busy for busy in self._busy if busy.next_try <= loop.time()]
            for busy in due:
                busy.pause = min(2 * busy.pause, LONGEST_PAUSE.total_seconds())
                busy.next_try = loop.time() + busy.pause
                if await asyncio.to_thread(busy.group.remove):
                    self._busy.remove(busy)
                    log.info("group_removed", group=str(busy.group.path))
            upcoming = min((busy.next_try for busy in self._busy), default=None)
            try:
                async with asyncio.timeout_at(upcoming):
                    await self._added.wait()
            except TimeoutError:
                continue
