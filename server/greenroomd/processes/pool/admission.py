"""Decides whether the host has the memory for one more process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from enum import Enum, auto
from pathlib import Path
from typing import Protocol

import psutil
import structlog

from greenroomd.processes.linux.cgroup import flat_keyed
from greenroomd.processes.linux.descriptor_reserve import RESERVE
from greenroomd.processes.linux.procfs import private_bytes

log = structlog.get_logger(__name__)

GROWING_SECONDS = 5.0
"""How long a process that is started ahead counts as a start under way: it is not asked whether it is ready."""
READING_SECONDS = 0.1
"""How long the measure of a process is used: it takes 20 µs, and a burst asks for that of each start at each start."""


def available_bytes(share: Path = Path("/sys/fs/cgroup")) -> int:
    """Return how much memory can still be taken: of the machine, and of a container's share of it.

    Counts page cache that the kernel can give up (inactive_file, slab_reclaimable) as available. Raises OSError.
    """
    available = int(psutil.virtual_memory().available)
    try:
        most = (share / "memory.max").read_text(encoding="ascii").strip()
        used = int((share / "memory.current").read_text(encoding="ascii"))
    except (FileNotFoundError, NotADirectoryError):  # not in a container, or in one without cgroup v2
        return available
    if not most.isdecimal():
        return available
    uses = flat_keyed(share / "memory.stat")
    reclaimable = uses.get("inactive_file", 0) + uses.get("slab_reclaimable", 0)
    return min(available, int(most) - used + reclaimable)


class Room(Enum):
    """Whether the host can hold one more process, and if not, what would help."""

    FREE = auto()
    """One more may start now."""
    RESERVED = auto()
    """The memory is there, but starts under way may still take it: that shows within seconds, by itself."""
    SHORT = auto()
    """The memory is not there, and the end of idle processes can free it."""
    HOPELESS = auto()
    """The memory is not there or cannot be read, and the end of all idle processes would not change that."""


class Tenant(Protocol):
    """A process, or the start of one, that holds a slot."""

    since: float
    """When it was admitted, on the monotonic clock."""
    warm: bool
    """Whether it is started ahead, for no session."""
    pid: int | None
    """The process; None until it has been spawned."""
    ready: bool
    """Whether its start is over: what it took is missing from what is available."""


class Admission:
    """Lets a process start only if `per_process` bytes are there for it and `reserve` bytes stay free beside it.

    For each start under way it also keeps free what that start has not taken yet: `per_process` less what `measure`
    finds in its process. A start is under way until its process is ready, however long a busy host takes.
    """

    def __init__(
        self,
        reserve: int,
        per_process: int,
        available: Callable[[], int] = available_bytes,
        clock: Callable[[], float] = time.monotonic,
        measure: Callable[[int], int] = private_bytes,
    ) -> None:
        self._reserve = reserve
        self._per_process = per_process
        self._available = available
        self._clock = clock
        self._measure = measure
        self._readings: dict[int, int] = {}  # bytes by pid
        self._outdated = 0.0

    def room(self, running: Iterable[Tenant], idle: Iterable[Tenant]) -> Room:
        """Return whether one more process may start beside those `running`, of which the `idle` could be ended."""
        try:
            missing = self._reserve + self._per_process - RESERVE.run(self._available)
            if missing > 0:
                return Room.SHORT if self._can_free(missing, idle) else Room.HOPELESS
            reserved = sum(map(self._still_to_take, running))
        except OSError as error:
            log.warning("memory_unreadable", reason=str(error))
            return Room.HOPELESS
        return Room.FREE if missing + reserved <= 0 else Room.RESERVED

    def _still_to_take(self, tenant: Tenant) -> int:
        if tenant.ready or (tenant.warm and tenant.since <= self._clock() - GROWING_SECONDS):
            return 0
        return max(0, self._per_process - self._taken(tenant))

    def _can_free(self, missing: int, idle: Iterable[Tenant]) -> bool:
        """Return whether the idle may hold that much; each is believed to hold `per_process`, with its children."""
        return sum(max(self._per_process, self._taken(tenant)) for tenant in idle) >= missing

    def _taken(self, tenant: Tenant) -> int:
        if tenant.pid is None:
            return 0
        now = self._clock()
        if now >= self._outdated:
            self._outdated = now + READING_SECONDS
            self._readings.clear()
        if tenant.pid not in self._readings:
            self._readings[tenant.pid] = self._measure(tenant.pid)
        return self._readings[tenant.pid]
