"""One end of a pipe, in the form in which an event loop can own it."""

from __future__ import annotations

import os


class PipeEnd:
    """A pipe's descriptor that is closed once, whichever loop owns it.

    asyncio closes this object. uvloop closes the descriptor itself and this object after it; by then another thread
    may have opened something under the same number, which closing a second time would take from it.
    """

    def __init__(self, descriptor: int) -> None:
        """Take over the descriptor, which is closed with this object."""
        self._descriptor = descriptor
        self._pipe = _identity(descriptor)

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor

    def close(self) -> None:
        """Close the descriptor if it is still that of this pipe."""
        if _identity(self._descriptor) == self._pipe:
            os.close(self._descriptor)


def _identity(descriptor: int) -> tuple[int, int] | None:
    try:
        status = os.fstat(descriptor)
    except OSError:
        return None
    return status.st_dev, status.st_ino
