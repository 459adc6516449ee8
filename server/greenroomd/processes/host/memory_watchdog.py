"""How much memory our processes hold with everything they started; what holds too much is killed.

A watchdog, not a wall: it looks once a second, so that a group can be above its limit for so long. The kernel's wall is
a cgroup, which needs a host that delegates one.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta

import structlog

from greenroomd.app.background import background_tasks
from greenroomd.processes.host import procfs
from greenroomd.processes.host.spawn import MARKER

log = structlog.get_logger(__name__)

EVERY = timedelta(seconds=1)


@dataclass(slots=True, eq=False)
class Ward:
    """A process that is watched, by its kernel session and the value of its marker.

    `limit` is in bytes and may be changed at any time; None watches nothing. `kill` ends all that belongs to it and is
    called in a thread, at most once.
    """

    session: int
    marker: str
    limit: int | None
    kill: Callable[[], object]
    exceeded: bool = False


class MemoryWatchdog:
    """Looks at the memory of its wards, all in one pass over the machine's processes."""

    def __init__(self, every: timedelta = EVERY) -> None:
        self._every = every
        self._wards: set[Ward] = set()

    @contextmanager
    def watching(self, ward: Ward) -> Iterator[None]:
        """Watch a process while the block runs."""
        self._wards.add(ward)
        try:
            yield
        finally:
            self._wards.discard(ward)

    @asynccontextmanager
    async def on_duty(self) -> AsyncIterator[None]:
        """Look at all wards at intervals while the block runs."""
        async with background_tasks(self._look_again_and_again()):
            yield

    async def _look_again_and_again(self) -> None:
        while True:
            await asyncio.sleep(self._every.total_seconds())
            wards = [ward for ward in self._wards if ward.limit is not None and not ward.exceeded]
            if wards:
                await asyncio.to_thread(_look, wards)


def _look(wards: Sequence[Ward]) -> None:
    held = resident(wards)
    for ward in wards:
        if ward.limit is not None and held[ward.session] > ward.limit:
            ward.exceeded = True
            log.warning("memory_limit_hit", pid=ward.session, held=held[ward.session], limit=ward.limit)
            ward.kill()


def resident(wards: Sequence[Ward]) -> Mapping[int, int]:
    """Return the resident memory of each ward's processes in bytes, by its kernel session.

    Memory that they share counts for each: it is an upper bound.
    """
    held = {ward.session: 0 for ward in wards}
    session_of = {ward.marker: ward.session for ward in wards}  # of those that left the session
    for pid in procfs.pids():
        try:
            session = os.getsid(pid)
        except OSError:
            continue
        if session not in held:
            marker = procfs.variable(pid, MARKER)
            if marker not in session_of:
                continue
            session = session_of[marker]
        held[session] += procfs.resident_bytes(pid)
    return held
