"""Descriptors kept back, so that processes can still be looked at and killed when no other descriptor is free."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_SPARES = 4
"""How many descriptors are kept back: no work below opens more at a time."""
_NONE_FREE = (errno.EMFILE, errno.ENFILE)


class DescriptorReserve:
    """Lends a few descriptors to work that fails because there are none, one caller at a time.

    Another thread can take a lent descriptor before the work does; then the work's own OSError is raised.
    """

    def __init__(self, spares: int = _SPARES) -> None:
        self._wanted = spares
        self._lock = threading.RLock()  # work that was lent descriptors may call work that needs some too
        self._spares: list[int] = []
        self._lent = False
        self._refill()

    def run(self, work: Callable[[], T]) -> T:
        """Return `work()`; if no descriptor is free for it, run it again with those of the reserve.

        `work` must close what it opens, and be safe to run twice.
        """
        try:
            return work()
        except OSError as error:
            if error.errno not in _NONE_FREE:
                raise
        with self._lock:
            if self._lent:  # an outer call has lent all there are
                return work()
            self._lent = True
            try:
                self._release()
                return work()
            finally:
                self._lent = False
                self._refill()

    def _release(self) -> None:
        while self._spares:
            os.close(self._spares.pop())

    def _refill(self) -> None:
        with contextlib.suppress(OSError):  # somebody was faster: the next time
            while len(self._spares) < self._wanted:
                self._spares.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))


RESERVE = DescriptorReserve()
"""The reserve of this process; there is one, as there is one table of descriptors."""
