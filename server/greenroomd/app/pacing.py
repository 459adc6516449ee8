"""Does long work on the store in small pieces, and pauses between them so that other commits get through."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

PIECE: Final = 500
"""Rows in one commit; other commits wait for it a few milliseconds."""
SHARE: Final = 0.2
"""The share of time that such work may take from the writer."""


async def in_pieces(piece: Callable[[], Awaitable[object]]) -> None:
    """Repeat `piece` until it returns a false value, with pauses so that it runs `SHARE` of the time."""
    clock = asyncio.get_running_loop().time
    began = clock()
    while await piece():
        await asyncio.sleep((clock() - began) * (1 / SHARE - 1))
        began = clock()
