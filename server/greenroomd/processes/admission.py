"""Whether the host can hold one more process."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import psutil

GROWING_SECONDS = 5.0
"""How long a process takes until most of its memory shows; until then it is reckoned with as a whole."""


def available_bytes(share: Path = Path("/sys/fs/cgroup")) -> int:
    """Return how much memory can still be taken: of the machine, and of a container's share of it."""
    available = int(psutil.virtual_memory().available)
    try:
        most = (share / "memory.max").read_text(encoding="ascii").strip()
        used = int((share / "memory.current").read_text(encoding="ascii"))
    except OSError:  # not in a container, or in one without cgroup v2
        return available
    return min(available, int(most) - used) if most.isdecimal() else available


class Admission:
    """Lets a process start only if the memory for it is there and *reserve* bytes stay free beside it."""

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
        self._growing: deque[float] = deque()

    def admits(self) -> bool:
        """Whether one more process may start now; if so, it is taken to start."""
        now = self._clock()
        while self._growing and self._growing[0] <= now - GROWING_SECONDS:
            self._growing.popleft()
        needed = (len(self._growing) + 1) * self._per_process
        if self._available() - self._reserve < needed:
            return False
        self._growing.append(now)
        return True
