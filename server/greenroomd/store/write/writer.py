"""The one writer: a thread that takes all units that wait, commits them in one transaction and wakes their callers.

A commit costs a sync of the disk whatever it holds; that is why units share it. The loop hands units over when a round
of it has brought no more of them: so calls that arrive together are committed together, and a single one at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Final, TypeVar

import structlog
from sqlalchemy import Connection

from greenroomd.app.ports.observers import UNOBSERVED, SessionObserver
from greenroomd.app.ports.storage import Announce, RequestReplayed, Unit
from greenroomd.domain.errors import (
    CommitUnknown,
    DatabaseTakenOver,
    GreenroomError,
    StoreUnavailable,
    Unavailable,
)
from greenroomd.domain.session import Session
from greenroomd.store.engine import Database, is_outage, unavailable
from greenroomd.store.read.session_cache import SessionCache
from greenroomd.store.write.batch import BatchWriter, Written
from greenroomd.store.write.batch_plan import Prepared, Refusal
from greenroomd.store.write.remote_events import RemoteEventReader, RemoteEvents
from greenroomd.store.write.transactions import Transactions

log = structlog.get_logger(__name__)

T = TypeVar("T")

_GATHERED_FOR: Final = 0.005  # seconds; a loop that is never without new units hands them over all the same
_MAX_UNITS: Final = 512
_MAX_BYTES: Final = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Waiting:
    prepared: Prepared
    done: asyncio.Future[Session]


@dataclass(frozen=True, slots=True)
class _Exclusive:
    work: Callable[[Connection, datetime], Any]
    done: asyncio.Future[Any]


@dataclass(frozen=True, slots=True)
class _CatchUp:
    up_to: int
    done: asyncio.Future[None] | None = None


_Work = list[_Waiting] | _Exclusive | _CatchUp | None  # None: the end


class Writer:
    """Commits units; `head` is the revision of the last commit that it knows of.

    What other nodes have committed is announced in its place: before a batch that came after it, or by `catch_up`.
    """

    def __init__(
        self,
        database: Database,
        batches: BatchWriter,
        cache: SessionCache,
        announce: Announce,
        clock: Callable[[], datetime],
        missed: RemoteEventReader,
        *,
        head: int,
        observer: SessionObserver = UNOBSERVED,
    ) -> None:
        self.head = head
        self.taken_over = asyncio.Event()
        """Set once another server owns the database; then nothing is written any more."""
        self.deleted = asyncio.Event()
        """Set whenever a session was deleted; cleared by whoever erases what it has left."""
        self._batches = batches
        self._transactions = Transactions(database, batches.is_last)
        self._cache = cache
        self._announce = announce
        self._observer = observer
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._missed = missed
        self._seen = head  # on the thread: everything up to here was handed over to be announced
        self._gathered: list[_Waiting] = []  # on the loop: what was not handed over yet
        self._gathered_by = 0.0
        self._queue: SimpleQueue[_Work] = SimpleQueue()
        self._held: list[_Exclusive | _CatchUp | None] = []  # what ended the batch before it
        self._open = True
        self._stopped: Unavailable | None = None  # on the thread: why nothing is written any more

    async def commit(self, prepared: Prepared) -> Session:
        """Return the session as committed; raises what refuses the unit, or StoreUnavailable."""
        if not self._open:
            raise StoreUnavailable("the store is closed")
        waiting = _Waiting(prepared, self._loop.create_future())
        self._gathered.append(waiting)
        if len(self._gathered) == 1:
            self._gathered_by = self._loop.time() + _GATHERED_FOR
            self._loop.call_soon(self._gather_more, 1)
        return await waiting.done

    async def run_exclusive(self, work: Callable[[Connection, datetime], T]) -> T:
        """Do some work in a transaction of its own, in turn with the batches; returns what it returns, once durable.

        `work` runs on the writer's thread, under the lock that all writers take; it is given the time. What it raises
        is raised here, and nothing of it is kept.
        """
        if not self._open:
            raise StoreUnavailable("the store is closed")
        alone = _Exclusive(work, self._loop.create_future())
        self._hand_over()
        self._queue.put(alone)
        outcome: T = await alone.done
        return outcome

    def _gather_more(self, before: int) -> None:
        """Hand over what was gathered, unless the last round of the loop has brought more, and may bring more still."""
        gathered = len(self._gathered)
        if before < gathered < _MAX_UNITS and self._loop.time() < self._gathered_by:
            self._loop.call_soon(self._gather_more, gathered)
        else:
            self._hand_over()

    def _hand_over(self) -> None:
        if self._gathered:
            self._queue.put(self._gathered)
            self._gathered = []

    def catch_up(self, up_to: int) -> None:
        """Have announced what other nodes have committed, if it is true that the log has come to a revision."""
        if self._open and up_to > self.head:
            self._queue.put(_CatchUp(up_to))

    async def caught_up(self, up_to: int) -> None:
        """Return once everything up to a revision, to which the log has come, is announced; raises StoreUnavailable."""
        if not self._open:
            raise StoreUnavailable("the store is closed")
        if up_to > self.head:
            done: asyncio.Future[None] = self._loop.create_future()
            self._queue.put(_CatchUp(up_to, done))
            await done

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
        first: _Work = None
        try:
            while (first := self._next()) is not None:
                if isinstance(first, _Exclusive):
                    self._do_exclusive(first)
                elif isinstance(first, _CatchUp):
                    self._do_catch_up(first)
                else:
                    self._commit_batch(self._gather(first))
        except BaseException:  # a mistake of ours: its callers must not wait for ever
            self._loop.call_soon_threadsafe(self._give_up, first)
            raise
        finally:
            self._transactions.disconnect()
            self._loop.call_soon_threadsafe(ended.set_result, None)

    def _give_up(self, under_way: _Work) -> None:
        """Refuse everything that waits and whatever will come, for there is no thread any more."""
        self._open = False
        self._hand_over()
        left = [under_way, *self._held]
        while not self._queue.empty():
            left.append(self._queue.get())
        for waiting in left:
            if waiting is not None:
                batch = waiting if isinstance(waiting, list) else [waiting]
                _fail(batch, StoreUnavailable("the store has stopped writing"))

    def _next(self) -> _Work:
        """Return what comes next, None at the end."""
        return self._held.pop() if self._held else self._queue.get()

    def _gather(self, batch: list[_Waiting]) -> list[_Waiting]:
        """Return `batch` and all units that wait behind it."""
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

    def _commit_batch(self, batch: Sequence[_Waiting]) -> None:
        try:
            written = self._write([waiting.prepared for waiting in batch])
        except Unavailable as error:  # it concerns all of them
            self._stop_writing(error)
            self._loop.call_soon_threadsafe(_fail, batch, error)
        except Exception as error:
            self._transactions.disconnect()
            if len(batch) > 1 and not is_outage(error):  # one of them is to blame, and must fail alone
                for waiting in batch:
                    self._commit_batch([waiting])
            else:
                self._loop.call_soon_threadsafe(_fail, batch, error)
        else:
            self._hand_over_missed(written)
            self._seen = written.head
            self._loop.call_soon_threadsafe(self._deliver, batch, written)

    def _stop_writing(self, error: Unavailable) -> None:
        """Refuse everything from now on: the database is another server's, or this one ends with a commit unknown."""
        self._transactions.disconnect()
        if isinstance(error, DatabaseTakenOver) or isinstance(error.__cause__, DatabaseTakenOver):
            self._stopped = DatabaseTakenOver()
            self._loop.call_soon_threadsafe(self.taken_over.set)
        elif isinstance(error, CommitUnknown):
            self._stopped = StoreUnavailable("the store has stopped writing")

    def _hand_over_missed(self, batch: Written) -> None:
        """Hand over what other nodes have committed before a batch."""
        if batch.before > self._seen:
            try:
                missed = self._missed.read(after=self._seen, up_to=batch.before)
            except Exception:  # the batch is durable, whatever keeps us from reading what came before it
                missed = RemoteEvents(None, batch.before)  # who watches will read it
            self._loop.call_soon_threadsafe(self._deliver_missed, missed)

    def _do_catch_up(self, catch_up: _CatchUp) -> None:
        if catch_up.up_to > self._seen:
            try:
                missed = self._missed.read(after=self._seen)
            except Exception as error:  # unless somebody waits for it, it is asked for again
                log.warning("not_caught_up", after=self._seen, error=str(error))
                self._loop.call_soon_threadsafe(_fail, [catch_up], error)
                return
            self._seen = missed.head
            self._loop.call_soon_threadsafe(self._deliver_missed, missed)
        self._loop.call_soon_threadsafe(_succeed, catch_up, None)

    def _do_exclusive(self, alone: _Exclusive) -> None:
        def act(connection: Connection, name: str) -> Any:
            self._batches.acquire_write_lock(connection, batch=name)
            return alone.work(connection, self._clock())

        try:
            outcome = self._run_transaction(act)
        except (CommitUnknown, DatabaseTakenOver) as error:
            self._stop_writing(error)
            self._loop.call_soon_threadsafe(_fail, [alone], error)
        except (GreenroomError, RequestReplayed) as refusal:
            self._transactions.roll_back()
            self._loop.call_soon_threadsafe(_fail, [alone], refusal)
        except Exception as error:
            self._transactions.disconnect()
            self._loop.call_soon_threadsafe(_fail, [alone], error)
        else:
            self._loop.call_soon_threadsafe(_succeed, alone, outcome)

    def _run_transaction(self, act: Callable[[Connection, str], T]) -> T:
        if self._stopped is not None:
            raise self._stopped
        return self._transactions.run(act)

    def _write(self, units: Sequence[Prepared]) -> Written:
        return self._run_transaction(
            lambda connection, name: self._batches.write(connection, units, batch=name, at=self._clock())
        )

    def _deliver(self, batch: Sequence[_Waiting], written: Written) -> None:
        try:
            self.head = max(self.head, written.head)
            for waiting, outcome in zip(batch, written.outcomes, strict=True):
                self._keep(waiting.prepared.unit, outcome)
            for before, after in written.transitions:
                self._observer.session_moved(before, after)
            if written.events:
                self._observer.events_committed(len(written.events))
                self._announce(written.events, self.head)
        finally:
            for waiting, outcome in zip(batch, written.outcomes, strict=True):
                if waiting.done.done():  # its caller was cancelled
                    continue
                if isinstance(outcome, Exception):
                    waiting.done.set_exception(outcome)
                else:
                    waiting.done.set_result(outcome)

    def _deliver_missed(self, missed: RemoteEvents) -> None:
        if missed.events is None:
            self._cache.clear()
        for event in missed.events or ():
            self._cache.forget(event.session_id)
        self.head = max(self.head, missed.head)
        self._announce(missed.events or (), self.head)

    def _keep(self, unit: Unit, outcome: Session | Refusal) -> None:
        """Let the cache follow a commit; what was refused may have been changed by another node."""
        if isinstance(outcome, Session) and unit.deletes:
            self.deleted.set()
            self._cache.forget(outcome.session_id)
        elif isinstance(outcome, Session):
            self._cache.put_committed(outcome)
        else:
            self._cache.forget(unit.session.session_id)


def _succeed(waiting: _Exclusive | _CatchUp, outcome: Any) -> None:
    if waiting.done is not None and not waiting.done.done():
        waiting.done.set_result(outcome)


def _fail(batch: Sequence[_Waiting | _Exclusive | _CatchUp], error: Exception) -> None:
    for waiting in batch:
        if waiting.done is not None and not waiting.done.done():
            waiting.done.set_exception(unavailable(error) if is_outage(error) else error)
