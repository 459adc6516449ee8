"""The store on a SQL database: implements `app.ports.storage.Store` with the writer and the readers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from greenroomd.app.background import background_tasks, restarting
from greenroomd.app.ports.api_keys import ApiKeyStore
from greenroomd.app.ports.compaction import Compactor
from greenroomd.app.ports.listener_offsets import ListenerOffsets
from greenroomd.app.ports.observers import UNOBSERVED, SessionObserver
from greenroomd.app.ports.profile_store import ProfileStore
from greenroomd.app.ports.storage import (
    Announce,
    EventCodec,
    Request,
    Unit,
)
from greenroomd.domain.errors import OwnershipLost, SessionNotFound
from greenroomd.domain.session import Session, etag
from greenroomd.store.api_keys import SqlApiKeys
from greenroomd.store.engine import Database
from greenroomd.store.listener_offsets import SqlPositions
from greenroomd.store.notifications import listening_for_commits
from greenroomd.store.ownership.database_lock import keeping, locked
from greenroomd.store.ownership.owner_record import DatabaseLock, Owner
from greenroomd.store.prepare_database import SeenStores, fence_of, keyring_for, prepare_database
from greenroomd.store.read.event_log import SqlEventLog
from greenroomd.store.read.history import History
from greenroomd.store.read.reader import Reader, open_reader
from greenroomd.store.read.record_lookups import Lookups
from greenroomd.store.read.session_cache import SessionCache
from greenroomd.store.read.session_reader import SqlSessionReader
from greenroomd.store.schema.documents import time
from greenroomd.store.secrets import Keyring
from greenroomd.store.session_check import require_own_session
from greenroomd.store.sql_profiles import SqlProfiles
from greenroomd.store.write.batch.batch import REPLAYED_FOR, BatchWriter
from greenroomd.store.write.batch.prepared_unit import prepare
from greenroomd.store.write.catch_up import Notices
from greenroomd.store.write.compaction import SqlCompactor
from greenroomd.store.write.erasure import Erasure
from greenroomd.store.write.group_commit import Writer
from greenroomd.store.write.publisher import Publisher
from greenroomd.store.write.remote_events import RemoteEventReader

ENDS_WITHIN: Final = timedelta(seconds=10)
"""How long the end of a store waits for PostgreSQL's answers; a commit without one is unknown."""


def _now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def open_store(
    database_url: str,
    *,
    key_file: Path,
    codec: Callable[[str], EventCodec],
    announce: Announce,
    clock: Callable[[], datetime] = _now,
    wait_timeout: timedelta = timedelta(seconds=5),
    cached_sessions: int = 10_000,
    poll: timedelta = timedelta(seconds=5),
    observer: SessionObserver = UNOBSERVED,
    owner: Owner | None = None,
    seen: SeenStores | None = None,
) -> AsyncIterator[SqlStore]:
    """Yield the store of a database, migrated to this version; on exit, finish all commits, in `ENDS_WITHIN`.

    `database_url` is `sqlite:///path` or `postgresql+psycopg://…`. `key_file` is created if it does not exist, and
    always needed afterwards. `codec` makes the codec for the id of this store. `clock` is only used for the age of
    recorded answers. `wait_timeout` limits every wait for a connection or for another transaction's lock.
    `cached_sessions` is the size of the cache. Every `poll`, the head is read in case a notification of another
    node's commit was lost. `observer` is notified of each committed change of a session's state. With an `owner` the
    store is the only one on its database while the block runs. Without one it shares the database until an owner
    comes. A database that is behind what `seen` knows of it, or that `seen` does not know, becomes another store.
    Raises DatabaseInUse, UnsupportedDatabase, KeyFileUnusable, SchemaTooNew, StoreUnavailable.
    """
    database = Database(database_url, wait_timeout=wait_timeout)
    async with AsyncExitStack() as stack:
        stack.callback(database.dispose)
        try:
            reader = await stack.enter_async_context(open_reader(database))
            await reader.run(database.require_supported)
            lock = DatabaseLock()
            if owner is not None:
                await require_own_session(database)
                lock = await stack.enter_async_context(locked(database, owner))
                # No connection may outlive the lock: also none that a read still has which nobody waits for.
                stack.callback(database.dispose)
                stack.callback(reader.end)
            store_id, head, fence, sealed_under = await reader.run(
                partial(prepare_database, database, owner, seen)
            )
            keyring = keyring_for(key_file, sealed_under)
            events = codec(store_id)
            cache = SessionCache(cached_sessions)
            batches = BatchWriter(database, events, fence)
            history = History(database, events)
            remote_events = RemoteEventReader(database, history)
            publisher = Publisher(cache, announce, observer, head=head)
            writer = Writer(database, batches, publisher, remote_events, clock)
            notices = Notices(publisher, writer.catch_up)

            async def standing() -> int:
                return await reader.read(history.head)

            async def compare_fence() -> None:
                if await reader.read(fence_of) != fence:
                    writer.taken_over.set()

            for part in (
                writer.running(),
                keeping(lock, compare_fence),
                background_tasks(
                    restarting("erasure", Erasure(database, writer, reader, publisher.deleted).run)
                ),
                listening_for_commits(database, notices.notice, standing, poll=poll),
            ):
                await stack.enter_async_context(part)
            yield SqlStore(
                store_id=store_id,
                codec=events,
                clock=clock,
                keyring=keyring,
                cache=cache,
                writer=writer,
                publisher=publisher,
                reader=reader,
                lookups=Lookups(database, keyring),
                history=history,
                profiles=SqlProfiles(database, writer, reader, keyring),
                api_keys=SqlApiKeys(writer, reader),
            )
        finally:  # before anything ends, also after a start that failed or was cancelled
            database.end_within(ENDS_WITHIN)


class SqlStore(SqlSessionReader, SqlEventLog):
    """All durable state: the readers, and what is written; `app.ports.storage.Store` says what each method promises."""

    def __init__(
        self,
        *,
        store_id: str,
        codec: EventCodec,
        clock: Callable[[], datetime],
        keyring: Keyring,
        cache: SessionCache,
        writer: Writer,
        publisher: Publisher,
        reader: Reader,
        lookups: Lookups,
        history: History,
        profiles: ProfileStore,
        api_keys: ApiKeyStore,
    ) -> None:
        SqlSessionReader.__init__(self, reader, lookups, history, cache)
        SqlEventLog.__init__(self, reader, history)
        self.store_id = store_id
        """The id given to the database when it was created."""
        self.profiles = profiles
        """The stored profiles, committed in turn with everything else."""
        self.api_keys = api_keys
        """The stored keys of callers."""
        self.positions: ListenerOffsets = SqlPositions(writer, reader)
        """The offsets of the listeners."""
        self.compactor: Compactor = SqlCompactor(writer, reader)
        """Deletes old events."""
        self._codec = codec
        self._clock = clock
        self._keyring = keyring
        self._writer = writer
        self._publisher = publisher

    async def taken_over(self) -> None:
        """Return once another server owns the database; after that, this one writes nothing."""
        await self._writer.taken_over.wait()

    @property
    def head(self) -> int:
        """The revision of the last commit that this node knows of."""
        return self._publisher.head

    async def probe(self) -> None:
        """Read and commit something without changing anything; raises StoreUnavailable if either fails."""
        await self._read(self._history.head)
        await self._writer.run_exclusive(lambda _connection, _at: None)

    async def reach(self, revision: int) -> int:
        """Return the head, after catching up with other nodes if it is below `revision`."""
        if revision > self._publisher.head:
            await self._writer.catch_up(await self._read(self._history.head))
        return self._publisher.head

    async def commit(self, unit: Unit) -> Session:
        """Commit a unit; return the session with its new revision and last sequence."""
        try:
            return await self._writer.commit(prepare(unit, self._codec, self._keyring))
        except OwnershipLost:
            session_id = unit.session.session_id
            raise OwnershipLost(session_id, await self._current_etag(session_id)) from None

    async def _current_etag(self, session_id: str) -> str:
        """Return the current etag of a session that another node has changed; "" if it is gone."""
        self._cache.forget(session_id)
        try:
            return etag(await self.session(session_id))
        except SessionNotFound:
            return ""

    async def answer(self, request: Request) -> bytes | None:
        """Return the recorded answer of a request, None if it is new."""
        forgotten = time(self._clock() - REPLAYED_FOR)
        return await self._read(partial(self._lookups.answer, request=request, forgotten=forgotten))
