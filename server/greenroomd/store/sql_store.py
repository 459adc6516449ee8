"""The store on a SQL database: implements `app.ports.storage.Store` with the writer and the readers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, select, update

from greenroomd.app.background import background_tasks, restarting
from greenroomd.app.ports.compaction import Compactor
from greenroomd.app.ports.listener_offsets import ListenerOffsets
from greenroomd.app.ports.observers import UNOBSERVED, SessionObserver
from greenroomd.app.ports.profile_store import ProfileStore
from greenroomd.app.ports.storage import (
    Announce,
    Due,
    EventCodec,
    Page,
    Position,
    Request,
    Selection,
    SessionQuery,
    StoredEvent,
    Unit,
)
from greenroomd.domain.approval import Approval
from greenroomd.domain.config import Secret
from greenroomd.domain.errors import OwnershipLost, SessionNotFound
from greenroomd.domain.session import Session, etag
from greenroomd.domain.states import State
from greenroomd.domain.turn import Turn
from greenroomd.store.engine import Database
from greenroomd.store.listener_offsets import SqlPositions
from greenroomd.store.notifications import listening_for_commits
from greenroomd.store.ownership import DatabaseLock, Owner, keeping, locked
from greenroomd.store.read.history import History
from greenroomd.store.read.reader import Reader, open_reader
from greenroomd.store.read.record_lookups import Lookups
from greenroomd.store.read.session_cache import SessionCache
from greenroomd.store.read.session_listing import list_sessions
from greenroomd.store.schema.documents import time
from greenroomd.store.schema.tables import meta, profiles, secrets
from greenroomd.store.schema.upgrade import upgrade
from greenroomd.store.secrets import KeyFileUnusable, Keyring, open_keyring
from greenroomd.store.sql_profiles import SqlProfiles
from greenroomd.store.write.batch import REPLAYED_FOR, BatchWriter
from greenroomd.store.write.batch_plan import prepare
from greenroomd.store.write.catch_up import Notices
from greenroomd.store.write.compaction import SqlCompactor
from greenroomd.store.write.erasure import Erasure
from greenroomd.store.write.group_commit import Writer
from greenroomd.store.write.publisher import Publisher
from greenroomd.store.write.remote_events import RemoteEventReader


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
    patience: timedelta = timedelta(seconds=5),
    cached_sessions: int = 10_000,
    poll: timedelta = timedelta(seconds=5),
    observer: SessionObserver = UNOBSERVED,
    owner: Owner | None = None,
) -> AsyncIterator[SqlStore]:
    """Yield the store of a database, migrated to this version; on exit, finish all commits.

    `database_url` is `sqlite:///path` or `postgresql+psycopg://…`. `key_file` is made if there is none, and needed for
    ever after. `codec` makes the codec for the id of this store. `clock` only tells how long ago a request was
    answered. `patience` bounds every wait for a connection or for somebody else's lock. `cached_sessions` stay in
    memory. Every `poll` a lost notice of another node's commits is made up for. `observer` hears of each committed
    move of a session. With an `owner` the store is the only one on its database while the block runs. Without one it
    shares the database, until an owner comes. Raises DatabaseInUse, UnsupportedDatabase, KeyFileUnusable, SchemaTooNew,
    StoreUnavailable.
    """
    database = Database(database_url, patience=patience)
    try:
        async with AsyncExitStack() as stack:
            reader = await stack.enter_async_context(open_reader(database))
            await reader.run(database.require_supported)
            lock = DatabaseLock()
            if owner is not None:
                lock = await stack.enter_async_context(locked(database, owner))
            store_id, head, fence, sealed_under = await reader.run(partial(_start, database, owner))
            keyring = _keyring(key_file, sealed_under)
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
                if await reader.read(_fence) != fence:
                    writer.taken_over.set()

            async with (
                writer.running(),
                keeping(lock, compare_fence),
                background_tasks(restarting("erasure", Erasure(writer, reader, publisher.deleted).run)),
                listening_for_commits(database, notices.notice, standing, poll=poll),
            ):
                yield SqlStore(
                    _Parts(
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
                        positions=SqlPositions(writer, reader),
                        compactor=SqlCompactor(writer, reader),
                    )
                )
    finally:
        database.dispose()


def _start(database: Database, owner: Owner | None) -> tuple[str, int, int, str | None]:
    """Migrate, and raise the fence for an owner; return the store's id, head, fence, and the key of any one secret."""
    upgrade(database.writing)
    if owner is not None:
        with database.writing.begin() as connection:
            connection.execute(update(meta).values(fence=meta.c.fence + 1, owner=owner.text()))
    with database.reading.connect() as connection:
        store_id, head, fence = connection.execute(
            select(meta.c.store_id, meta.c.revision, meta.c.fence)
        ).one()
        of_profiles = select(profiles.c.key_id).where(profiles.c.key_id.is_not(None))
        sealed = select(secrets.c.key_id).union_all(of_profiles).limit(1)
        return store_id, head, fence, connection.execute(sealed).scalar()


def _fence(connection: Connection) -> int:
    fence: int = connection.execute(select(meta.c.fence)).scalar_one()
    return fence


def _keyring(key_file: Path, sealed_under: str | None) -> Keyring:
    if sealed_under is not None and not key_file.exists():
        raise KeyFileUnusable(
            f"{key_file} is missing, and the database holds tokens sealed under its keys; restore it"
        )
    keyring = open_keyring(key_file)
    if sealed_under is not None and not keyring.holds(sealed_under):
        raise KeyFileUnusable(
            f"{key_file} does not hold key {sealed_under}, under which stored tokens are sealed"
        )
    return keyring


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    store_id: str
    codec: EventCodec
    clock: Callable[[], datetime]
    keyring: Keyring
    cache: SessionCache
    writer: Writer
    publisher: Publisher
    reader: Reader
    lookups: Lookups
    history: History
    profiles: SqlProfiles
    positions: SqlPositions
    compactor: SqlCompactor


class SqlStore:
    """The durable state; `app.ports.storage.Store` says what each method promises."""

    def __init__(self, parts: _Parts) -> None:
        self._parts = parts
        self._read = parts.reader.read
        self._lookups = parts.lookups
        self._history = parts.history

    @property
    def store_id(self) -> str:
        """The id given to the database when it was created."""
        return self._parts.store_id

    @property
    def profiles(self) -> ProfileStore:
        """The stored profiles, committed in turn with everything else."""
        return self._parts.profiles

    @property
    def positions(self) -> ListenerOffsets:
        """The offsets of the listeners."""
        return self._parts.positions

    @property
    def compactor(self) -> Compactor:
        """Deletes old events."""
        return self._parts.compactor

    async def taken_over(self) -> None:
        """Return once another server owns the database; after that, this one writes nothing."""
        await self._parts.writer.taken_over.wait()

    @property
    def head(self) -> int:
        """The revision of the last commit that this node knows of."""
        return self._parts.publisher.head

    async def probe(self) -> None:
        """Read and commit something without changing anything; raises StoreUnavailable if either fails."""
        await self._read(self._history.head)
        await self._parts.writer.run_exclusive(lambda _connection, _at: None)

    async def reach(self, revision: int) -> int:
        """Return the head, after catching up with other nodes if it is below `revision`."""
        publisher = self._parts.publisher
        if revision > publisher.head:
            await self._parts.writer.catch_up(await self._read(self._history.head))
        return publisher.head

    async def commit(self, unit: Unit) -> Session:
        """Commit a unit; return the session with its new revision and last sequence."""
        try:
            return await self._parts.writer.commit(prepare(unit, self._parts.codec, self._parts.keyring))
        except OwnershipLost:
            session_id = unit.session.session_id
            raise OwnershipLost(session_id, await self._current_etag(session_id)) from None

    async def _current_etag(self, session_id: str) -> str:
        """Return the current etag of a session that another node has changed; "" if it is gone."""
        self._parts.cache.forget(session_id)
        try:
            return etag(await self.session(session_id))
        except SessionNotFound:
            return ""

    async def answer(self, request: Request) -> bytes | None:
        """Return the recorded answer of a request, None if it is new."""
        forgotten = time(self._parts.clock() - REPLAYED_FOR)
        return await self._read(partial(self._lookups.answer, request=request, forgotten=forgotten))

    async def session(self, session_id: str) -> Session:
        """Return a session as last committed."""
        cached = self._parts.cache.get(session_id)
        if cached is not None:
            return cached
        with self._parts.cache.reading(session_id) as keep:
            return keep(await self._read(partial(self._lookups.session, session_id=session_id)))

    async def sessions(self, query: SessionQuery, *, after: Position | None, limit: int) -> Page[Session]:
        """Return one page of sessions."""

        def look(connection: Connection) -> Page[Session]:
            head = self._history.head(connection)  # before the page, so that a watch from it misses nothing
            return Page(*list_sessions(connection, query, after=after, limit=limit), head)

        return await self._read(look)

    async def unsettled(self) -> Sequence[Session]:
        """Return the sessions that need an owner or settling after a start, oldest first."""
        return await self._read(self._lookups.unsettled)

    async def due(self, *, after: Due | None = None, limit: int) -> Sequence[Due]:
        """Return the sessions without an owner that have a deadline, earliest first."""
        return await self._read(partial(self._lookups.due, after=after, limit=limit))

    async def counted(self) -> Mapping[State, int]:
        """Return how many sessions are in each state."""
        return await self._read(self._lookups.counted)

    async def oauth_token(self, session_id: str) -> Secret | None:
        """Return the session's token, if it has one."""
        return await self._read(partial(self._lookups.oauth_token, session_id=session_id))

    async def turn(self, turn_id: str) -> Turn:
        """Return a turn."""
        return await self._read(partial(self._lookups.turn, turn_id=turn_id))

    async def turns(self, session_id: str, *, after: Position | None, limit: int) -> Page[Turn]:
        """Return one page of a session's turns by number, oldest first."""

        def look(connection: Connection) -> Page[Turn]:
            head = self._history.head(connection)
            return Page(*self._lookups.turns(connection, session_id, after=after, limit=limit), head)

        return await self._read(look)

    async def open_turns(self, session_id: str) -> Sequence[Turn]:
        """Return the queued and running turns of a session, by number."""
        return await self._read(partial(self._lookups.open_turns, session_id=session_id))

    async def approval(self, approval_id: str) -> Approval:
        """Return an approval."""
        return await self._read(partial(self._lookups.approval, approval_id=approval_id))

    async def approvals(self, session_id: str, *, after: Position | None, limit: int) -> Page[Approval]:
        """Return one page of a session's approvals, oldest first."""

        def look(connection: Connection) -> Page[Approval]:
            head = self._history.head(connection)
            return Page(*self._lookups.approvals(connection, session_id, after=after, limit=limit), head)

        return await self._read(look)

    async def events(
        self,
        selection: Selection,
        *,
        after: int,
        limit: int,
        up_to: int | None = None,
        descending: bool = False,
    ) -> Sequence[StoredEvent]:
        """Return the next matching events after a revision (before it, if descending)."""
        return await self._read(
            partial(
                self._history.page,
                selection=selection,
                after=after,
                limit=limit,
                up_to=up_to,
                descending=descending,
            )
        )

    async def whole_event(self, revision: int) -> tuple[StoredEvent, bytes]:
        """Return an event and its untruncated form."""
        return await self._read(partial(self._history.whole, revision=revision))

    async def floor(self, selection: Selection) -> int:
        """Return the lowest revision from which on no event of a selection is missing."""
        return (await self._read(partial(self._history.standing, selection=selection)))[1]
