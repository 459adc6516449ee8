"""Measures how much memory our processes hold with everything they started, and kills what holds too much.

It looks once a second, so a process can be above its limit for that long. A cgroup has no such gap, but needs a host
that delegates one.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta

import structlog

from greenroomd.app.background import background_tasks, restarting
from greenroomd.app.ports.processes import ProcessIdentity
from greenroomd.processes.host.spawn import MARKER
from greenroomd.processes.linux import procfs

log = structlog.get_logger(__name__)

EVERY = timedelta(seconds=1)


@dataclass(slots=True, eq=False)
class Ward:
    """One process that is watched, with everything it started."""

    leader: ProcessIdentity
    """The process; it leads a kernel session of its own."""
    marker: str
    """The value of its marker variable, by which descendants outside of the session are found."""
    limit: int | None
    """How many bytes all of them may hold together; None watches nothing. May be changed at any time."""
    kill: Callable[[], object]
    """Ends all of them. It is called in a thread, and again at each look until it succeeds."""
    exceeded: bool = False
    """Whether they held more than the limit."""
    killed: bool = False
    """Whether `kill` was called and succeeded."""


class MemoryWatchdog:
    """Looks at the memory of its wards, all in one pass over the machine's processes."""

    def __init__(self, every: timedelta = EVERY) -> None:
        self._every = every
        self._wards: set[Ward] = set()

    @property
    def wards(self) -> Sequence[Ward]:
        """Every process that is watched now, with or without a limit."""
        return list(self._wards)

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
        """Look at all wards at intervals while the block runs; a look that fails is logged, and is not the last."""
        async with background_tasks(restarting("memory_watchdog", self._look_again_and_again)):
            yield

    async def _look_again_and_again(self) -> None:
        while True:
            await asyncio.sleep(self._every.total_seconds())
            wards = [ward for ward in self._wards if ward.limit is not None and not ward.killed]
            if wards:
                await asyncio.to_thread(_look, wards)


def _look(wards: Sequence[Ward]) -> None:
    held = resident(wards)
    for ward in wards:
        if ward.limit is not None and held[ward.leader.pid] > ward.limit:
            pid = ward.leader.pid
            log.warning("memory_limit_hit", pid=pid, held_bytes=held[pid], limit_bytes=ward.limit)
            ward.exceeded = True
            try:
                ward.kill()
            except Exception:  # go on with the other wards
                log.exception("kill_failed", pid=pid)
            else:
                ward.killed = True


def resident(wards: Sequence[Ward]) -> Mapping[int, int]:
    """Return how many bytes of RAM the processes of each ward hold, by the pid of its leader.

    Memory that they share counts for each of them: it is an upper bound.
    """
    held = {ward.leader.pid: 0 for ward in wards}
    for leader, pid in members_of(wards):
        held[leader] += procfs.resident_bytes(pid)
    return held


def members_of(wards: Sequence[Ward]) -> Iterator[tuple[int, int]]:
    """Yield each process that belongs to a ward, with the pid of the ward's leader before its own."""
    # A session whose leader was waited for may be another one by now; what is left of it carries the marker.
    sessions = {ward.leader.pid for ward in wards if procfs.holds_pid(ward.leader)}
    leader_of = {ward.marker: ward.leader.pid for ward in wards}
    for pid in procfs.pids():
        try:
            session = os.getsid(pid)
        except OSError:
            continue
        if session not in sessions:
            marker = procfs.variable(pid, MARKER)
            if marker not in leader_of:
                continue
            session = leader_of[marker]
        yield session, pid
