"""Decides whether the host has the memory for one more process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil
import structlog

from greenroomd.processes.host.cgroup import flat_keyed
from greenroomd.processes.host.descriptor_reserve import RESERVE

log = structlog.get_logger(__name__)

GROWING_SECONDS = 5.0
"""How long a process takes until most of its memory shows; until then, all that it may need is set aside for it."""


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


class Admission:
    """Lets a process start only if `per_process` bytes are there for it and `reserve` bytes stay free beside it."""

    def __init__(
        self,
        reserve: int,
        per_process: int,
        available: Callable[[], int] = available_bytes,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._reserve = reserve
        self._per_process = per_process
        self._available = available
        self._clock = clock

    def admits(self, running: Iterable[float]) -> bool:
        """Return whether one more process may start now, beside those `running`, each given by when it was admitted.

        No process may while the memory cannot be read.
        """
        grown_since = self._clock() - GROWING_SECONDS
        growing = sum(admitted > grown_since for admitted in running)
        try:
            available = RESERVE.run(self._available)
        except OSError as error:
            log.warning("memory_unreadable", reason=str(error))
            return False
        return available - self._reserve >= (growing + 1) * self._per_process
