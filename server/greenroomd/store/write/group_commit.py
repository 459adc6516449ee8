"""The one writer: a thread that commits all waiting units in one transaction and wakes their callers.

A commit costs one sync of the disk, whatever its size, so units share it. Units are flushed once an iteration of the
event loop adds none, or after 5 ms: calls that arrive together are committed together, and a single one at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Final, TypeVar

from sqlalchemy import Connection

from greenroomd.app.ports.storage import RequestReplayed
from greenroomd.domain.errors import GreenroomError
from greenroomd.domain.retryable_errors import CommitUnknown, DatabaseTakenOver, StoreUnavailable, Unavailable
from greenroomd.domain.session import Session
from greenroomd.store.engine import Database
from greenroomd.store.outages import is_outage
from greenroomd.store.write.batch.batch import BatchWriter, Written
from greenroomd.store.write.batch.prepared_unit import Prepared
from greenroomd.store.write.catch_up import RemoteCommits
from greenroomd.store.write.pending import CatchUp, ExclusiveWork, Pending, PendingCommit, fail, succeed
from greenroomd.store.write.publisher import Publisher
from greenroomd.store.write.remote_events import RemoteEventReader
from greenroomd.store.write.transactions import Transactions

T = TypeVar("T")

_GATHERED_FOR: Final = 0.005  # seconds; flush even if every iteration of the loop adds units
_MAX_UNITS: Final = 512
_MAX_BYTES: Final = 8 * 1024 * 1024


class Writer:
    """Commits units in batches; publishes each batch before waking its callers."""

    def __init__(
        self,
        database: Database,
        batches: BatchWriter,
        publisher: Publisher,
        remote_events: RemoteEventReader,
        clock: Callable[[], datetime],
    ) -> None:
        self.taken_over = asyncio.Event()
        """Set once another server owns the database; after that, nothing is written."""
        self._batches = batches
        self._transactions = Transactions(database, batches.is_last)
        self._publisher = publisher
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._remote = RemoteCommits(remote_events, publisher, self._loop)
        self._gathered: list[PendingCommit] = []  # on the loop: not yet passed to the thread
        self._gathered_by = 0.0
        self._queue: SimpleQueue[Pending] = SimpleQueue()
        self._held: list[ExclusiveWork | CatchUp | None] = []  # taken behind a batch, for the next round
        self._open = True
        self._stopped: Unavailable | None = None  # on the thread: why writing has stopped

    async def commit(self, prepared: Prepared) -> Session:
        """Commit a unit and return its session; raises a Refusal or StoreUnavailable."""
        if not self._open:
            raise StoreUnavailable("the store is closed")
        waiting = PendingCommit(prepared, self._loop.create_future())
        self._gathered.append(waiting)
        if len(self._gathered) == 1:
            self._gathered_by = self._loop.time() + _GATHERED_FOR
            self._loop.call_soon(self._gather_more, 1)
        return await waiting.done

    async def run_exclusive(self, work: Callable[[Connection, datetime], T]) -> T:
        """Run `work` in its own transaction, in turn with the batches; return its result once it is durable.

        `work` gets the connection and the time. It runs on the writer's thread, under the lock that all writers take.
        If it raises, its transaction is rolled back and the exception is raised here.
        """
        if not self._open:
            raise StoreUnavailable("the store is closed")
        alone = ExclusiveWork(work, self._loop.create_future())
        self._hand_over()
        self._queue.put(alone)
        outcome: T = await alone.done
        return outcome

    def _gather_more(self, before: int) -> None:
        """Flush the gathered units, unless the last iteration of the loop has added some and the next may add more."""
        gathered = len(self._gathered)
        if before < gathered < _MAX_UNITS and self._loop.time() < self._gathered_by:
            self._loop.call_soon(self._gather_more, gathered)
        else:
            self._hand_over()

    def _hand_over(self) -> None:
        if self._gathered:
            self._queue.put(self._gathered)
            self._gathered = []

    def catch_up(self, up_to: int) -> asyncio.Future[None]:
        """Return a future that is done once everything up to a revision is published, if the log has really reached it.

        It fails with StoreUnavailable, or with the error that kept us from reading.
        """
        done: asyncio.Future[None] = self._loop.create_future()
        if not self._open:
            done.set_exception(StoreUnavailable("the store is closed"))
        elif up_to > self._publisher.head:
            self._queue.put(CatchUp(up_to, done))
        else:
            done.set_result(None)
        return done

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the thread; on exit, everything submitted has been committed and published, or has failed."""
        ended: asyncio.Future[None] = self._loop.create_future()
        thread = Thread(target=self._run, args=(ended,), name="store-writer")
        thread.start()
        try:
            yield
        finally:
            self._open = False
            self._hand_over()
            self._queue.put(None)
            self._transactions.give_up_asking()
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
        first: Pending = None
        try:
            while (first := self._next()) is not None:
                if isinstance(first, ExclusiveWork):
                    self._do_exclusive(first)
                elif isinstance(first, CatchUp):
                    self._remote.catch_up(first)
                else:
                    self._commit_batch(self._gather(first))
        except BaseException:  # a bug of ours: the callers must not wait forever
            self._loop.call_soon_threadsafe(self._give_up, first)
            raise
        finally:
            self._transactions.disconnect()
            self._loop.call_soon_threadsafe(ended.set_result, None)

    def _give_up(self, under_way: Pending) -> None:
        """Refuse everything that waits or will come, since the thread has ended."""
        self._open = False
        self._hand_over()
        left = [under_way, *self._held]
        while not self._queue.empty():
            left.append(self._queue.get())
        for waiting in left:
            if waiting is not None:
                batch = waiting if isinstance(waiting, list) else [waiting]
                fail(batch, StoreUnavailable("the store has stopped writing"))

    def _next(self) -> Pending:
        """Return the next work, None at the end."""
        return self._held.pop() if self._held else self._queue.get()

    def _gather(self, batch: list[PendingCommit]) -> list[PendingCommit]:
        """Return `batch` and all units that wait directly behind it."""
        size = sum(waiting.prepared.size for waiting in batch)
        with suppress(Empty):
            while len(batch) < _MAX_UNITS and size < _MAX_BYTES:
                behind = self._queue.get_nowait()
                if not isinstance(behind, list):
                    self._held.append(behind)  # for the next round: this batch comes first
                    break
                batch += behind
                size += sum(waiting.prepared.size for waiting in behind)
        return batch

    def _commit_batch(self, batch: Sequence[PendingCommit]) -> None:
        try:
            written = self._write([waiting.prepared for waiting in batch])
        except Unavailable as error:  # it affects all of them
            self._stop_writing(error)
            self._loop.call_soon_threadsafe(fail, batch, error)
        except Exception as error:
            self._transactions.disconnect()
            if len(batch) > 1 and not is_outage(error):  # one unit is at fault, and must fail alone
                for waiting in batch:
                    self._commit_batch([waiting])
            else:
                self._loop.call_soon_threadsafe(fail, batch, error)
        else:
            if written.before > self._remote.seen:
                self._remote.before_batch(written.before)
            self._remote.seen = written.head
            self._loop.call_soon_threadsafe(self._publisher.publish, batch, written)

    def _stop_writing(self, error: Unavailable) -> None:
        """Refuse everything from now on: another server owns the database, or a commit stayed unknown at the end."""
        self._transactions.disconnect()
        if isinstance(error, DatabaseTakenOver) or isinstance(error.__cause__, DatabaseTakenOver):
            self._stopped = DatabaseTakenOver()
            self._loop.call_soon_threadsafe(self.taken_over.set)
        elif isinstance(error, CommitUnknown):
            self._stopped = StoreUnavailable("the store has stopped writing")

    def _do_exclusive(self, alone: ExclusiveWork) -> None:
        def act(connection: Connection, name: str) -> Any:
            self._batches.acquire_write_lock(connection, batch=name)
            return alone.work(connection, self._clock())

        try:
            outcome = self._run_transaction(act)
        except (CommitUnknown, DatabaseTakenOver) as error:
            self._stop_writing(error)
            self._loop.call_soon_threadsafe(fail, [alone], error)
        except (GreenroomError, RequestReplayed) as refusal:
            self._transactions.roll_back()
            self._loop.call_soon_threadsafe(fail, [alone], refusal)
        except Exception as error:
            self._transactions.disconnect()
            self._loop.call_soon_threadsafe(fail, [alone], error)
        else:
            self._loop.call_soon_threadsafe(succeed, alone, outcome)

    def _run_transaction(self, act: Callable[[Connection, str], T]) -> T:
        if self._stopped is not None:
            raise self._stopped
        return self._transactions.run(act)

    def _write(self, units: Sequence[Prepared]) -> Written:
        return self._run_transaction(
            lambda connection, name: self._batches.write(connection, units, batch=name, at=self._clock())
        )
