"""Reads from the database in a few threads, concurrently with the writer; each statement is its own snapshot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from time import monotonic
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from greenroomd.domain.retryable_errors import StoreUnavailable
from greenroomd.store.engine import Database
from greenroomd.store.open_engines import READERS
from greenroomd.store.outages import answering

T = TypeVar("T")


class Reader:
    """Runs reading functions off the event loop."""

    def __init__(self, database: Database, threads: ThreadPoolExecutor) -> None:
        self._engine = database.reading
        self._threads = threads
        self._longest_wait = database.longest_wait.total_seconds()

    def end(self) -> None:
        """Wait for reads in progress, also those that nobody waits for any more, and take no others."""
        self._threads.shutdown()

    async def read(self, look: Callable[[Connection], T]) -> T:
        """Return the result of `look`, run on a connection; raises StoreUnavailable if the database does not answer."""
        return await self.run(partial(self._look, look, monotonic()))

    async def run(self, work: Callable[[], T]) -> T:
        """Return the result of `work`, run in a thread; raises StoreUnavailable if the database does not answer."""
        with answering():
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _look(self, look: Callable[[Connection], T], asked: float) -> T:
        if monotonic() - asked > self._longest_wait:  # all threads waited for a database that does not answer
            raise StoreUnavailable("the database does not answer: too many reads wait for it")
        try:
            return self._once(look)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            return self._once(look)  # the pool's connections were cut; reads can be repeated safely

    def _once(self, look: Callable[[Connection], T]) -> T:
        with self._engine.connect() as connection:
            return look(connection)


@asynccontextmanager
async def open_reader(database: Database) -> AsyncIterator[Reader]:
    """Yield a reader; on exit, wait for reads in progress and end its threads."""
    with ThreadPoolExecutor(max_workers=READERS, thread_name_prefix="store-reader") as threads:
        yield Reader(database, threads)
