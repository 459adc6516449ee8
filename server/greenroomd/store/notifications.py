"""Wake-ups from other nodes on one PostgreSQL: each commit sends a notice, and a node that hears it catches up at once.

A notice is only a hint. It is lost if nobody listens at its moment. Therefore a node looks where the log stands as soon
as it listens, after every loss of its connection, and once in a while without any reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

import structlog

from greenroomd.app.background import background_tasks, restarting
from greenroomd.domain.errors import StoreUnavailable
from greenroomd.store.engine import Database
from greenroomd.store.write.statements import CHANNEL

log = structlog.get_logger(__name__)

AGAIN_AFTER = timedelta(seconds=1)
"""How long a node that could not listen waits before it tries again."""

OnCommit = Callable[[int], None]


@asynccontextmanager
async def listening_for_commits(
    database: Database, on_commit: OnCommit, head: Callable[[], Awaitable[int]], *, poll: timedelta
) -> AsyncIterator[None]:
    """While the block runs, call `on_commit` with a revision that the log may have come to, whenever it may have moved.

    `head` reads where the log stands; that happens every `poll` at least. Nothing that other users of the database
    send, and no failure of the database, ends the block. SQLite has one node only: there `on_commit` is never called.
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
    import psycopg  # a tenth of a second that no start on SQLite needs

    while True:
        try:
            async with await psycopg.AsyncConnection.connect(
                **database.connection_arguments, autocommit=True
            ) as connection:
                await connection.execute(f"LISTEN {CHANNEL}")
                on_commit(await head())
                async for notice in connection.notifies():
                    revision = _revision(notice.payload)
                    if revision is not None:
                        on_commit(revision)
        except (psycopg.OperationalError, StoreUnavailable) as error:
            log.warning("not_listening", error=str(error))
        await asyncio.sleep(AGAIN_AFTER.total_seconds())


def _revision(payload: str) -> int | None:
    """Return the revision that a notice names. Every user of the database may send others: those are ignored."""
    if payload.isascii() and payload.isdecimal() and len(payload) < 20:
        return int(payload)
    log.warning("foreign_notice", payload=payload[:100])
    return None


async def _poll(on_commit: OnCommit, head: Callable[[], Awaitable[int]], every: timedelta) -> None:
    while True:
        await asyncio.sleep(every.total_seconds())
        try:
            on_commit(await head())
        except StoreUnavailable:
            continue  # every call that needs the database reports the outage
