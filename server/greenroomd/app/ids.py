"""Ids for what the server creates: UUIDs of version 4, as text."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from typing import Final

_AT_ONCE: Final = 256


def _ids() -> Iterator[str]:
    """Ask the system for the randomness of many ids at once: a system call for each costs more than all the rest."""
    while True:
        drawn = os.urandom(16 * _AT_ONCE)
        for begin in range(0, len(drawn), 16):
            yield str(uuid.UUID(bytes=drawn[begin : begin + 16], version=4))


_drawn = _ids()


def new_id() -> str:
    """Return an id that nothing has; to be called on the event loop's thread, in a process that is never forked."""
    return next(_drawn)
