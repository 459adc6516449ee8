"""Ids for everything that the server creates: UUIDs of version 4, as text."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from typing import Final

_AT_ONCE: Final = 256


def _ids() -> Iterator[str]:
    """Read the random bytes of many ids at once: one system call per id would cost more than all the rest."""
    while True:
        drawn = os.urandom(16 * _AT_ONCE)
        for begin in range(0, len(drawn), 16):
            yield str(uuid.UUID(bytes=drawn[begin : begin + 16], version=4))


_drawn = _ids()


def new_id() -> str:
    """Return a new unique id. Call it on the event loop's thread only, in a process that never forks."""
    return next(_drawn)
