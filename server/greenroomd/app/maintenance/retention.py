"""How long the log is kept: old events go, and the oldest of long sessions, a few at a time beside everything else.

A watcher that reads what it is sent is never overtaken: what is compacted was committed a round earlier, and between
two rounds every watcher gets an event or a bookmark. Only who was away for longer than the log is kept, or has not
read for as long, finds its cursor below the floor.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog

from greenroomd.app.background import background_tasks, restarting
from greenroomd.app.pacing import in_pieces
from greenroomd.app.ports.compaction import Compactor, Part, SessionLog
from greenroomd.domain.errors import StoreUnavailable

log = structlog.get_logger(__name__)

LIFECYCLE_FACTOR: Final = 12
"""Lifecycle events are kept so many times as long, and so many times as many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """What is kept of a part of the log."""

    part: Part
    age: timedelta
    events: int


def keepings(age: timedelta, events: int) -> Sequence[Keeping]:
    """Return what is kept if messages are kept for `age`, and `events` of a session."""
    return (
        Keeping(part=Part.MESSAGES, age=age, events=events),
        Keeping(part=Part.LIFECYCLE, age=LIFECYCLE_FACTOR * age, events=LIFECYCLE_FACTOR * events),
    )


@asynccontextmanager
async def retaining(
    compactor: Compactor,
    kept: Sequence[Keeping],
    head: Callable[[], int],
    now: Callable[[], datetime],
    *,
    every: timedelta,
) -> AsyncIterator[None]:
    """Compact the log while the block runs, in rounds.

    `head` tells where the log stands. `every` must be longer than the quiet after which a watcher gets a bookmark.
    """
    async with background_tasks(
        restarting("retention", partial(_keep_compacting, compactor, kept, head, now, every))
    ):
        yield


async def _keep_compacting(
    compactor: Compactor,
    kept: Sequence[Keeping],
    head: Callable[[], int],
    now: Callable[[], datetime],
    every: timedelta,
) -> None:
    while True:
        told = head()
        await asyncio.sleep(every.total_seconds())
        for keeping in kept:
            try:
                await compact(compactor, keeping, now(), up_to=told)
            except StoreUnavailable as error:  # the next round does what this one has not done
                log.warning("compaction_delayed", error=str(error))


async def compact(compactor: Compactor, keeping: Keeping, now: datetime, *, up_to: int) -> None:
    """Cut all that is no longer to be kept, except what was committed after revision `up_to`."""

    async def cut_old() -> int:
        return await compactor.cut_old(keeping.part, before=now - keeping.age, up_to=up_to)

    await in_pieces(cut_old)
    number = 0
    while sessions := await compactor.long_logs(longer_than=keeping.events, after=number, limit=100):
        for session in sessions:

            async def cut_long(session: SessionLog = session) -> int:
                return await compactor.cut_long(session, keeping.part, keep=keeping.events, up_to=up_to)

            await in_pieces(cut_long)
        number = sessions[-1].number
