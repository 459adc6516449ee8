"""One database, one owner: the server that holds the database's lock, and whose fence every write compares.

A second server would settle the first one's live sessions as those of a dead server. Two things keep it from that:

- The lock refuses a second server before it has touched anything. The kernel or PostgreSQL releases it when the owner
  dies. It is a file lock beside an SQLite database, and an advisory lock on a connection of its own on PostgreSQL.
- The fence is a number in the `meta` row that rises whenever a server becomes the owner. Each commit compares it under
  the lock that it takes anyway. So a server that lost its lock without knowing, and was replaced, writes nothing more.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from greenroomd.app.background import background_tasks, restarting
from greenroomd.store.engine import Database
from greenroomd.store.ownership.advisory_lock import AdvisoryLock
from greenroomd.store.ownership.file_lock import FileLock
from greenroomd.store.ownership.owner_record import DatabaseLock, Owner


@asynccontextmanager
async def locked(database: Database, owner: Owner) -> AsyncIterator[DatabaseLock]:
    """Hold the lock of a database while the block runs; raises DatabaseInUse, StoreUnavailable.

    Enter it before reading or writing anything.
    """
    if database.sqlite:
        with FileLock(database.path, owner) as held:
            yield held
    else:
        async with AdvisoryLock(database, owner) as lock:
            yield lock


@asynccontextmanager
async def keeping(lock: DatabaseLock, compare_fence: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Take the lock again whenever it is lost, while the block runs.

    `compare_fence` is called after each loss, before and after the lock is taken again: in between another server may
    have become the owner.
    """
    async with background_tasks(restarting("database_lock", lambda: lock.keep(compare_fence))):
        yield
