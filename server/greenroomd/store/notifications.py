"""Wake-ups from other nodes on one PostgreSQL: each commit sends a notice, and who listens catches up at once.

A notice is only a hint. It is lost if nobody listens at its moment; therefore a node looks where the log stands as soon
as it listens, after every loss of its connection, and now and then without any reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog

from greenroomd.app.background import background_tasks
from greenroomd.domain.errors import StoreUnavailable
from greenroomd.store.engine import Database
from greenroomd.store.write.statements import CHANNEL

log = structlog.get_logger(__name__)

AGAIN_AFTER = timedelta(seconds=1)
"""How long a node that could not listen waits before it tries again."""

Ring = Callable[[int], None]


@asynccontextmanager
async def listening_for_commits(
    database: Database, ring: Ring, head: Callable[[], Awaitable[int]], *, poll: timedelta
) -> AsyncIterator[None]:
    """Call `ring` with a revision that the log has come to, whenever it may have moved, while the block runs.

    `head` reads where the log stands. SQLite has one node only: there it never rings.
    """
    if database.sqlite:
        yield
        return
    async with background_tasks(_listen(database, ring, head), _poll(ring, head, poll)):
        yield


async def _listen(database: Database, ring: Ring, head: Callable[[], Awaitable[int]]) -> None:
    import psycopg  # a tenth of a second that no start on SQLite needs

    while True:
        try:
            async with await psycopg.AsyncConnection.connect(
                **database.connection_arguments, autocommit=True
            ) as connection:
                await connection.execute(f"LISTEN {CHANNEL}")
                ring(await head())
                async for notice in connection.notifies():
                    ring(int(notice.payload))
        except (psycopg.Error, StoreUnavailable) as error:
            log.warning("not_listening", error=str(error))
        await asyncio.sleep(AGAIN_AFTER.total_seconds())


async def _poll(ring: Ring, head: Callable[[], Awaitable[int]], every: timedelta) -> None:
    while True:
        await asyncio.sleep(every.total_seconds())
        try:
            ring(await head())
        except StoreUnavailable:
            continue  # whoever has something to write hears of it
