"""Uses up this process's file descriptors, as a flood of connections does."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def descriptors_left(count: int) -> Iterator[None]:
    """Leave this process `count` free descriptors while the block runs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    fillers: list[int] = []
    # A child inherits the limit and needs some descriptors of its own.
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(highest_descriptor() + 1, 256), hard))
    try:
        fill(fillers)
        for _ in range(count):
            os.close(fillers.pop())
        yield
    finally:
        for filler in fillers:
            os.close(filler)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def fill(fillers: list[int]) -> None:
    """Open descriptors until there are no more."""
    try:
        while True:
            fillers.append(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        assert error.errno == errno.EMFILE  # noqa: PT017 -- it is the end that is wanted


def highest_descriptor() -> int:
    """Return the highest descriptor in use."""
    return max(open_descriptors())


def open_descriptors() -> set[int]:
    """Return the descriptors in use."""
    found = set()
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208
        with contextlib.suppress(OSError):  # that of the listing itself
            os.fstat(int(name))
            found.add(int(name))
    return found
