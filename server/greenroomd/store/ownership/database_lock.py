"""One database, one owner: the server that holds the database's lock, and whose fence every write compares.

A second server would settle the first one's live sessions as those of a dead server. Two things keep it from that:

- The lock refuses a second server before it has touched anything. The kernel or PostgreSQL releases it when the owner
  dies. It is a file lock beside an SQLite database, and an advisory lock on a connection of its own on PostgreSQL.
- The fence is a number in the `meta` row that rises whenever a server becomes the owner. Each commit compares it under
  the lock that it takes anyway. So a server that lost its lock without knowing, and was replaced, writes nothing more.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

from greenroomd.app.background import background_tasks, restarting
from greenroomd.domain.retryable_errors import StoreUnavailable
from greenroomd.store.engine import Database
from greenroomd.store.open_engines import UnsupportedDatabase

if TYPE_CHECKING:
    import psycopg

log = structlog.get_logger(__name__)

AGAIN_AFTER: Final = timedelta(seconds=1)
"""How long the owner waits between attempts to take a lock again that it has lost."""

_LOCK_CLASS: Final = 0x67726E72
"""The first half of the advisory lock's key, the same for all of Greenroom; the second is derived from the schema."""

_SEEN_DEAD_SOON: Final = (
    "SELECT set_config('tcp_keepalives_idle', '10', false), set_config('tcp_keepalives_interval', '5', false),"
    " set_config('tcp_keepalives_count', '3', false)"
)
"""Lets PostgreSQL detect within 25 s that the owner's host is gone, and release its lock."""


class DatabaseInUse(Exception):
    """Another server owns the database; the text says which one, if that can be read, and what to do."""

    def __init__(self, owner: str) -> None:
        super().__init__(
            f"another greenroomd uses this database ({owner or 'it does not say which'}), and a database serves one "
            "at a time: stop that one, or give this one a GREENROOM_DATABASE_URL of its own"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The server that owns a database, as reported to a second one."""

    node_id: str
    """The id of the node, from its state directory."""

    host: str
    """The name of its machine."""

    pid: int
    """Its process on that machine."""

    since: datetime
    """When it started."""

    def text(self) -> str:
        """Return the record as it is stored beside the lock."""
        facts = {"node_id": self.node_id, "host": self.host, "pid": self.pid, "since": self.since.isoformat()}
        return json.dumps(facts)


def this_server(node_id: str) -> Owner:
    """Return the record of this process."""
    return Owner(node_id=node_id, host=socket.gethostname(), pid=os.getpid(), since=datetime.now(UTC))


def _described(text: str) -> str:
    """Return a stored record in words; "" if it cannot be parsed."""
    with suppress(ValueError, KeyError, TypeError):
        facts = json.loads(text)
        return f"node {facts['node_id']} on {facts['host']}, pid {facts['pid']}, since {facts['since']}"
    return ""


class DatabaseLock:
    """A lock that is held. `keep` takes it again if it is lost."""

    async def keep(self, compare_fence: Callable[[], Awaitable[None]]) -> None:
        """Return at once: a file lock lasts as long as the process."""
        del compare_fence


@asynccontextmanager
async def locked(database: Database, owner: Owner) -> AsyncIterator[DatabaseLock]:
    """Hold the lock of a database while the block runs; raises DatabaseInUse, StoreUnavailable.

    Enter it before reading or writing anything.
    """
    if database.sqlite:
        with _FileLock(database.path, owner) as held:
            yield held
    else:
        async with _AdvisoryLock(database) as lock:
            yield lock


@asynccontextmanager
async def keeping(lock: DatabaseLock, compare_fence: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Take the lock again whenever it is lost, while the block runs.

    `compare_fence` is called after each loss, before and after the lock is taken again: in between another server may
    have become the owner.
    """
    async with background_tasks(restarting("database_lock", lambda: lock.keep(compare_fence))):
        yield


class _FileLock(DatabaseLock):
    def __init__(self, database: Path, owner: Owner) -> None:
        self._database = path = database.resolve()
        self._path = path.with_name(f"{path.name}.lock")
        self._owner = owner
        self._file = -1

    def __enter__(self) -> _FileLock:
        if self._database.exists() and self._database.stat().st_nlink > 1:
            # Under each of its names it would have another lock, and another write-ahead log.
            raise UnsupportedDatabase(f"{self._database} has a second name (a hard link); remove one of them")
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(file, 4096).decode(errors="replace")
            os.close(file)
            raise DatabaseInUse(_described(owner)) from None
        os.ftruncate(file, 0)
        os.write(file, self._owner.text().encode())
        self._file = file
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)


class _AdvisoryLock(DatabaseLock):
    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: psycopg.AsyncConnection | None = None

    async def __aenter__(self) -> _AdvisoryLock:
        import psycopg

        try:
            owner = await self._take()
        except psycopg.OperationalError as error:
            raise StoreUnavailable(f"the database does not answer: {str(error).splitlines()[0]}") from error
        if owner is not None:
            raise DatabaseInUse(_described(owner))
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
                await asyncio.sleep(AGAIN_AFTER.total_seconds())
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
        """Connect and try to take the lock; return the stored record of the owner if another one has it."""
        import psycopg

        self._connection = await self._database.connect(_SEEN_DEAD_SOON)
        found = await (await self._connection.execute("SELECT current_schema()")).fetchone()
        key = (_LOCK_CLASS, _number(str(found[0]) if found else ""))
        took = await (
            await self._connection.execute("SELECT pg_try_advisory_lock(%s::int4, %s::int4)", key)
        ).fetchone()
        if took is not None and took[0]:
            return None
        owner = ""
        with suppress(psycopg.ProgrammingError):  # its tables do not exist yet
            row = await (await self._connection.execute("SELECT owner FROM meta")).fetchone()
            owner = str(row[0]) if row else ""
        await self._disconnect()
        return owner

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


def _number(schema: str) -> int:
    """Return the second half of the key, so that installations in different schemas of one database are independent."""
    return int.from_bytes(hashlib.sha256(schema.encode()).digest()[:4], "big", signed=True)
