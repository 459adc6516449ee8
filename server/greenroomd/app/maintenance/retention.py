"""Retention of the log: deletes old events, and the oldest events of long sessions, a few at a time.

A watcher that keeps reading is never overtaken. A round only deletes events that were committed before the previous
round ended, and between two rounds every watcher gets an event or a bookmark; and it deletes nothing that a watcher
who reads old events, and has read some since the previous round, has yet to read. Only a client that was disconnected,
or has not read, for longer than the log is kept finds its cursor below the floor.
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
from greenroomd.app.watch.history_readers import HistoryReaders
from greenroomd.domain.retryable_errors import StoreUnavailable

log = structlog.get_logger(__name__)

LIFECYCLE_FACTOR: Final = 12
"""How many times longer, and how many times more of them, lifecycle events are kept than messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """How much of one part of the log is kept."""

    part: Part
    """The part of the log."""
    age: timedelta
    """How long its events are kept."""
    events: int
    """How many events of each session are kept."""


def keepings(age: timedelta, events: int) -> Sequence[Keeping]:
    """Return how much of each part is kept, if messages are kept for `age` and up to `events` per session."""
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
    readers: HistoryReaders,
    every: timedelta,
) -> AsyncIterator[None]:
    """Compact the log while the block runs, in rounds, and overtake none of the `readers`.

    `head` returns the newest revision. `every` must be longer than the idle time after which a watcher gets a bookmark.
    """
    async with background_tasks(
        restarting("retention", partial(_keep_compacting, compactor, kept, head, now, readers, every))
    ):
        yield


async def _keep_compacting(
    compactor: Compactor,
    kept: Sequence[Keeping],
    head: Callable[[], int],
    now: Callable[[], datetime],
    readers: HistoryReaders,
    every: timedelta,
) -> None:
    while True:
        told = head()
        readers.begin_round()
        await asyncio.sleep(every.total_seconds())
        for keeping in kept:
            try:
                await compact(compactor, keeping, now(), up_to=partial(readers.spared, told))
            except StoreUnavailable as error:  # the next round catches up
                log.warning("compaction_delayed", error=str(error))


async def compact(compactor: Compactor, keeping: Keeping, now: datetime, *, up_to: Callable[[], int]) -> None:
    """Delete everything that need not be kept, except events after a revision that `up_to` returns before each cut."""

    async def cut_old() -> int:
        return await compactor.cut_old(keeping.part, before=now - keeping.age, up_to=up_to())

    await in_pieces(cut_old)
    number = 0
    while sessions := await compactor.long_logs(longer_than=keeping.events, after=number, limit=100):
        for session in sessions:

            async def cut_long(session: SessionLog = session) -> int:
                return await compactor.cut_long(session, keeping.part, keep=keeping.events, up_to=up_to())

            await in_pieces(cut_long)
        number = sessions[-1].number
