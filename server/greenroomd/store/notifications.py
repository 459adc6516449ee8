"""Wake-ups between nodes on one PostgreSQL: each commit sends a NOTIFY, and a node that receives it catches up.

A notification is only a hint: it is lost if nobody listens at that moment. So a node also reads the head as soon as it
listens, after every loss of its connection, and at regular intervals.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

import structlog

from greenroomd.app.background import background_tasks, restarting
from greenroomd.domain.retryable_errors import StoreUnavailable
from greenroomd.store.engine import Database
from greenroomd.store.write.batch.statements import CHANNEL

log = structlog.get_logger(__name__)

LISTEN_AGAIN_AFTER = timedelta(seconds=1)
"""How long a node that could not listen waits before it retries."""

REPORT_FOREIGN_EVERY = timedelta(minutes=1)
"""How often foreign notifications are reported at most: a log line for each would hold up the event loop."""

OnCommit = Callable[[int], None]


@asynccontextmanager
async def listening_for_commits(
    database: Database, on_commit: OnCommit, head: Callable[[], Awaitable[int]], *, poll: timedelta
) -> AsyncIterator[None]:
    """While the block runs, call `on_commit` with a revision whenever the head may have reached it.

    `head` reads the head from the database, at least every `poll`. Neither foreign notifications nor failures of the
    database end the block. SQLite has only one node, so there `on_commit` is never called.
    """
    if database.sqlite:
        yield
        return
    async with background_tasks(
        restarting("listen", partial(_listen, database, on_commit, head)),
        restarting("poll", partial(_poll, on_commit, head, poll)),
    ):
        yield


async def _listen(database: Database, on_commit: OnCommit, head: Callable[[], Awaitable[int]]) -> None:
    import psycopg  # takes 0.1 s, which a start on SQLite does not need

    foreign = _ForeignNotices()
    while True:
        try:
            async with await database.connect() as connection:
                await connection.execute(f"LISTEN {CHANNEL}")
                on_commit(await head())
                async for notice in connection.notifies():
                    revision = _revision(notice.payload)
                    if revision is not None:
                        on_commit(revision)
                    else:
                        foreign.report(notice.payload)
        except (psycopg.OperationalError, StoreUnavailable) as error:
            log.warning("not_listening", error=str(error))
        await asyncio.sleep(LISTEN_AGAIN_AFTER.total_seconds())


def _revision(payload: str) -> int | None:
    """Return the revision in a notification; None for one of another user of the database, which is ignored."""
    if payload.isascii() and payload.isdecimal() and len(payload) < 20:
        return int(payload)
    return None


class _ForeignNotices:
    """Logs notifications of other users, who may send millions: one line at a time, with the number since the last."""

    def __init__(self) -> None:
        self._count = 0
        self._silent_until = 0.0

    def report(self, payload: str) -> None:
        self._count += 1
        now = time.monotonic()
        if now >= self._silent_until:
            log.warning("foreign_notice", payload=payload[:100], count=self._count)
            self._count, self._silent_until = 0, now + REPORT_FOREIGN_EVERY.total_seconds()


async def _poll(on_commit: OnCommit, head: Callable[[], Awaitable[int]], every: timedelta) -> None:
    while True:
        await asyncio.sleep(every.total_seconds())
        try:
            on_commit(await head())
        except StoreUnavailable:
            continue  # calls that need the database report the outage
