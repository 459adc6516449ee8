"""How long the log is kept: old events go, and the oldest of long sessions, a few at a time beside everything else.

A watcher that reads what it is sent is never overtaken: what is compacted was committed a round earlier, and between
two rounds every watcher gets an event or a bookmark. Only who was away for longer than the log is kept, or has not
read for as long, finds its cursor below the floor.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Final, Protocol

import structlog

from greenroomd.app.background import background_tasks, restarting
from greenroomd.domain.errors import StoreUnavailable
from greenroomd.domain.events import EPHEMERAL, EventType

log = structlog.get_logger(__name__)

BATCH: Final = 500
"""Events in one commit: a few milliseconds, for which other commits wait."""
SHARE: Final = 0.2
"""The share of time that a compaction with much to do may take from the writer."""
LIFECYCLE_FACTOR: Final = 12
"""Lifecycle events are kept so many times as long, and so many times as many."""

MESSAGES: Final = frozenset(kind for kind in EventType if kind.startswith("message.")) - EPHEMERAL
LIFECYCLE: Final = frozenset(EventType) - EPHEMERAL - MESSAGES


class Part(StrEnum):
    """A part of the log that is kept for a time of its own."""

    MESSAGES = "messages"
    LIFECYCLE = "lifecycle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """What is kept of a part of the log."""

    part: Part
    age: timedelta
    events: int


@dataclass(frozen=True, slots=True)
class SessionLog:
    """A session whose log may be too long; `number` orders them."""

    number: int
    session_id: str
    workspace_id: str
    last_sequence: int


class Compactor(Protocol):
    """What the retention asks of the store. Every method may raise StoreUnavailable.

    What is cut is deleted in one commit with the floors that rise above it. A cut of the lifecycle takes messages too.
    """

    async def cut_old(self, part: Part, *, before: datetime, up_to: int) -> int:
        """Cut the oldest events of all sessions; returns how many were looked at, 0 if none was old enough.

        Looks at no more than BATCH, at none above revision `up_to`, and stops at the first not older than `before`.
        """
        ...

    async def long_logs(self, *, longer_than: int, after: int, limit: int) -> Sequence[SessionLog]:
        """Return sessions that have had more events than that, by number, from the first above `after` on."""
        ...

    async def cut_long(self, session: SessionLog, part: Part, *, keep: int, up_to: int) -> int:
        """Cut the oldest events of a session, all but its last `keep`; returns how many were looked at, as above."""
        ...


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

    await _in_batches(cut_old)
    number = 0
    while sessions := await compactor.long_logs(longer_than=keeping.events, after=number, limit=100):
        for session in sessions:

            async def cut_long(session: SessionLog = session) -> int:
                return await compactor.cut_long(session, keeping.part, keep=keeping.events, up_to=up_to)

            await _in_batches(cut_long)
        number = sessions[-1].number


async def _in_batches(cut: Callable[[], Awaitable[int]]) -> None:
    """Repeat a cut until it finds nothing, with rests between that leave the writer to others."""
    clock = asyncio.get_running_loop().time
    began = clock()
    while await cut():
        await asyncio.sleep((clock() - began) * (1 / SHARE - 1))
        began = clock()
