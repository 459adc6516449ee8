"""The lock of a PostgreSQL database: an advisory lock, which PostgreSQL releases when its connection ends."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog

from greenroomd.domain.retryable_errors import StoreUnavailable
from greenroomd.store.engine import Database
from greenroomd.store.ownership.owner_record import DatabaseInUse, DatabaseLock, Owner, recorded

if TYPE_CHECKING:
    import psycopg

log = structlog.get_logger(__name__)

LOCK_AGAIN_AFTER: Final = timedelta(seconds=1)
"""How long the owner waits between attempts to take a lock again that it has lost."""

_LOCK_CLASS: Final = 0x67726E72
"""The first half of the advisory lock's key, the same for all of Greenroom; the second is derived from the schema."""

_SEEN_DEAD_SOON: Final = (
    "SELECT set_config('tcp_keepalives_idle', '10', false), set_config('tcp_keepalives_interval', '5', false),"
    " set_config('tcp_keepalives_count', '3', false)"
)
"""Lets PostgreSQL detect within 25 s that the owner's host is gone, and release its lock."""


_LONGEST_NAME: Final = 63
"""Bytes of an application's name that PostgreSQL keeps; a host's name has only ASCII letters."""

_HOLDER: Final = """
SELECT a.application_name, a.pid, coalesce(' from ' || host(a.client_addr), '')
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid JOIN pg_database d ON d.oid = l.database
WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND l.granted AND d.datname = current_database()
AND l.classid::bigint = %s AND l.objid::bigint = %s
"""


class AdvisoryLock(DatabaseLock):
    """Held while the block runs, on a connection of its own. Its owner is named by that connection, too."""

    def __init__(self, database: Database, owner: Owner) -> None:
        self._database = database
        self._name = _application_name(owner)
        self._connection: psycopg.AsyncConnection | None = None

    async def __aenter__(self) -> AdvisoryLock:
        import psycopg

        try:
            owner = await self._take()
        except psycopg.OperationalError as error:
            raise StoreUnavailable(f"the database does not answer: {str(error).splitlines()[0]}") from error
        if owner is not None:
            raise DatabaseInUse(owner)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._disconnect()

    async def keep(self, compare_fence: Callable[[], Awaitable[None]]) -> None:
        """Take the lock again whenever its connection was lost; never returns."""
        while True:
            await self._until_lost()
            log.warning("database_lock_lost")
            while True:
                if await self._taken_again(compare_fence):
                    break
                await asyncio.sleep(LOCK_AGAIN_AFTER.total_seconds())
            log.warning("database_lock_taken_again")

    async def _taken_again(self, compare_fence: Callable[[], Awaitable[None]]) -> bool:
        import psycopg

        try:
            await compare_fence()
            taken = await self._take() is None
            if taken:
                await compare_fence()
        except (psycopg.OperationalError, StoreUnavailable) as error:
            await self._disconnect()
            log.warning("database_lock_not_taken", error=str(error))
            return False
        return taken

    async def _until_lost(self) -> None:
        import psycopg

        if self._connection is not None:
            with suppress(psycopg.OperationalError):
                async for _ in self._connection.notifies():
                    pass
        await self._disconnect()

    async def _take(self) -> str | None:
        """Connect and try to take the lock; if another server has it, return in words which one, "" if none tells."""
        self._connection = await self._database.connect(_SEEN_DEAD_SOON)
        await self._connection.execute("SELECT set_config('application_name', %s, false)", (self._name,))
        found = await (await self._connection.execute("SELECT current_schema()")).fetchone()
        key = (_LOCK_CLASS, _number(str(found[0]) if found else ""))
        took = await (
            await self._connection.execute("SELECT pg_try_advisory_lock(%s::int4, %s::int4)", key)
        ).fetchone()
        if took is not None and took[0]:
            return None
        holder = await _holder(self._connection, key)
        await self._disconnect()
        return holder

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


async def _holder(connection: psycopg.AsyncConnection, key: tuple[int, int]) -> str:
    """Return who holds the lock: by its record, if that is the holder's, else by what PostgreSQL knows of it.

    A server that has just taken the lock has no record yet, and the one before it may have left its own.
    """
    import psycopg

    owner: Owner | None = None
    with suppress(psycopg.ProgrammingError):  # its tables do not exist yet
        row = await (await connection.execute("SELECT owner FROM meta")).fetchone()
        owner = recorded(str(row[0])) if row else None
    unsigned = [half % 2**32 for half in key]  # as PostgreSQL shows the halves
    row = await (await connection.execute(_HOLDER, unsigned)).fetchone()
    if row is None:  # it has just released the lock
        return str(owner or "")
    name, pid, address = row
    if owner is not None and name in ("", None, _application_name(owner)):
        return str(owner)
    return f"{name or 'a client without a name'}{address}, with PostgreSQL's process {pid}"


def _application_name(owner: Owner) -> str:
    return f"greenroomd on {owner.host}, pid {owner.pid}"[:_LONGEST_NAME]


def _number(schema: str) -> int:
    """Return the second half of the key, so that installations in different schemas of one database are independent."""
    return int.from_bytes(hashlib.sha256(schema.encode()).digest()[:4], "big", signed=True)
