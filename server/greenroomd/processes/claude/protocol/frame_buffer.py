"""Frames that were read but not yet taken: bounded, so that a slow consumer slows the process and fills no memory."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from greenroomd.domain.frames.frame import Frame, Garbage

SOFT_LIMIT_BYTES = 8 * 2**20
HARD_LIMIT_BYTES = 128 * 2**20


class FrameBuffer:
    """A queue for one consumer, measured in bytes of raw lines.

    Above the soft limit `full` asks the reader to stop; above the hard one, which only a reader that cannot stop
    reaches, frames are dropped, counted, and reported by one Garbage frame.
    """

    def __init__(self, soft_limit: int = SOFT_LIMIT_BYTES, hard_limit: int = HARD_LIMIT_BYTES) -> None:
        self._soft = soft_limit
        self._hard = hard_limit
        self._frames: list[Frame] = []
        self._bytes = 0
        self._dropped = 0
        self._closed = False
        self._changed = asyncio.Event()

    @property
    def full(self) -> bool:
        """Return whether the soft limit is reached."""
        return self._bytes >= self._soft

    def append(self, frame: Frame) -> None:
        """Add a frame."""
        if self._bytes >= self._hard:
            self._dropped += 1
            return
        self._frames.append(frame)
        self._bytes += len(frame.raw)
        self._changed.set()

    def close(self) -> None:
        """Declare that no frame will follow."""
        self._closed = True
        self._changed.set()

    async def take(self) -> Sequence[Frame]:
        """Wait for frames and return all there are; an empty sequence means that none will follow."""
        if not self._frames and not self._closed:
            self._changed.clear()
            await self._changed.wait()
        frames, self._frames, self._bytes = self._frames, [], 0
        if self._dropped:
            frames.append(Garbage(raw=b"", reason=f"{self._dropped} frames dropped: nobody took them"))
            self._dropped = 0
        return frames
