"""The one writer: a thread that takes all units that wait, commits them in one transaction and wakes their callers.

A commit costs a sync of the disk whatever it holds; that is why units share it. While the thread waits for the disk,
the next batch gathers by itself: no delay is added anywhere.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from greenroomd.app.storage import Announce
from greenroomd.domain.errors import StoreUnavailable
from greenroomd.domain.session import Session
from greenroomd.store.batch import BatchWriter, Written
from greenroomd.store.engine import Database, is_outage, unavailable
from greenroomd.store.judge import Prepared

_MAX_UNITS: Final = 512
_MAX_BYTES: Final = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Waiting:
    prepared: Prepared
    done: asyncio.Future[Session]


class Writer:
    """Commits units; `head` is the revision of the last commit that it knows of."""

    def __init__(
        self,
        database: Database,
        batches: BatchWriter,
        announce: Announce,
        clock: Callable[[], datetime],
        *,
        head: int,
    ) -> None:
        self.head = head
        self._database = database
        self._batches = batches
        self._announce = announce
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._open = True
        self._connection: Connection | None = None

    async def commit(self, prepared: Prepared) -> Session:
        """Return the session as committed; raises what refuses the unit, or StoreUnavailable."""
        if not self._open:
            raise StoreUnavailable("the store is closed")
        waiting = _Waiting(prepared, self._loop.create_future())
        self._queue.put(waiting)
        return await waiting.done

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the thread; when the block ends, everything handed in has been committed and announced, or has failed."""
        ended: asyncio.Future[None] = self._loop.create_future()
        thread = Thread(target=self._run, args=(ended,), name="store-writer")
        thread.start()
        try:
            yield
        finally:
            self._open = False
            self._queue.put(None)
            cancelled: asyncio.CancelledError | None = None
            while not ended.done():
                try:
                    await asyncio.shield(ended)
                except asyncio.CancelledError as error:
                    cancelled = error
            thread.join()
            if cancelled is not None:
                raise cancelled

    def _run(self, ended: asyncio.Future[None]) -> None:
        try:
            while batch := self._gather():
                self._commit_batch(batch)
        finally:
            self._disconnect()
            self._loop.call_soon_threadsafe(ended.set_result, None)

    def _gather(self) -> list[_Waiting]:
        """Return all that waits, at least one; nothing at the end."""
        first = self._queue.get()
        if first is None:
            return []
        batch = [first]
        size = first.prepared.size
        with suppress(Empty):
            while len(batch) < _MAX_UNITS and size < _MAX_BYTES:
                waiting = self._queue.get_nowait()
                if waiting is None:
                    self._queue.put(None)  # for the next round: this batch comes first
                    break
                batch.append(waiting)
                size += waiting.prepared.size
        return batch

    def _commit_batch(self, batch: Sequence[_Waiting]) -> None:
        try:
            written = self._write([waiting.prepared for waiting in batch])
        except Exception as error:
            self._disconnect()
            if len(batch) > 1 and not is_outage(error):  # one of them is to blame, and must fail alone
                for waiting in batch:
                    self._commit_batch([waiting])
            else:
                self._loop.call_soon_threadsafe(_fail, batch, error)
        else:
            self._loop.call_soon_threadsafe(self._deliver, batch, written)

    def _write(self, units: Sequence[Prepared]) -> Written:
        """Commit units in one transaction; whatever it raises, they are not committed as far as can be known."""
        used = self._connection is not None
        try:
            connection, written, name = self._begin(units)
        except DBAPIError as error:
            if not (used and error.connection_invalidated):
                raise
            self._disconnect()  # cut while idle: nothing was begun, so a second try is safe
            connection, written, name = self._begin(units)
        try:
            connection.commit()
        except DBAPIError:
            self._disconnect()
            if not self._was_committed(name):
                raise
        return written

    def _begin(self, units: Sequence[Prepared]) -> tuple[Connection, Written, str]:
        """Do everything but the commit."""
        if self._connection is None:
            self._connection = self._database.writing.connect()
        self._connection.begin()
        name = uuid.uuid4().hex
        written = self._batches.write(self._connection, units, batch=name, at=self._clock())
        return self._connection, written, name

    def _was_committed(self, batch: str) -> bool:
        """Whether a commit whose answer was lost took place; no, if nobody can tell."""
        try:
            self._connection = self._database.writing.connect()
            with self._connection.begin():
                return self._batches.is_last(self._connection, batch)
        except SQLAlchemyError:
            return False

    def _disconnect(self) -> None:
        """Drop the connection and whatever it was in the middle of; the next batch opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(SQLAlchemyError):
                connection.invalidate()
            with suppress(SQLAlchemyError):
                connection.close()

    def _deliver(self, batch: Sequence[_Waiting], written: Written) -> None:
        try:
            self.head = max(self.head, written.head)
            if written.events:
                self._announce(written.events, self.head)
        finally:
            for waiting, outcome in zip(batch, written.outcomes, strict=True):
                if waiting.done.done():  # its caller was cancelled
                    continue
                if isinstance(outcome, Exception):
                    waiting.done.set_exception(outcome)
                else:
                    waiting.done.set_result(outcome)


def _fail(batch: Sequence[_Waiting], error: Exception) -> None:
    for waiting in batch:
        if not waiting.done.done():
            waiting.done.set_exception(unavailable(error) if is_outage(error) else error)
