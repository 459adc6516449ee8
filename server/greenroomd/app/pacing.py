"""Long work on the store in small pieces, with rests that leave the writer to everybody else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

PIECE: Final = 500
"""Rows in one commit: a few milliseconds, for which other commits wait."""
SHARE: Final = 0.2
"""The share of time that such work may take from the writer."""


async def in_pieces(piece: Callable[[], Awaitable[object]]) -> None:
    """Repeat `piece` until it returns something false. After each it rests, so that it works `SHARE` of the time."""
    clock = asyncio.get_running_loop().time
    began = clock()
    while await piece():
        await asyncio.sleep((clock() - began) * (1 / SHARE - 1))
        began = clock()
