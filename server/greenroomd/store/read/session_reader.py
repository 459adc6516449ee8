"""Sessions with all that belongs to them, read off the event loop: `app.ports.session_reader` and `due_index`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from sqlalchemy import Connection

from greenroomd.app.ports.storage import Due, Page, Position, SessionQuery
from greenroomd.domain.approval import Approval
from greenroomd.domain.config import Secret
from greenroomd.domain.session import Session
from greenroomd.domain.states import State
from greenroomd.domain.task import Task
from greenroomd.domain.turn import Turn
from greenroomd.store.read.history import History
from greenroomd.store.read.reader import Reader
from greenroomd.store.read.record_lookups import Lookups
from greenroomd.store.read.session_cache import SessionCache
from greenroomd.store.read.session_listing import list_sessions


class SqlSessionReader:
    """Reads what is stored of sessions; a session that is in the cache costs no read."""

    def __init__(self, reader: Reader, lookups: Lookups, history: History, cache: SessionCache) -> None:
        self._read = reader.read
        self._lookups = lookups
        self._history = history
        self._cache = cache

    async def session(self, session_id: str) -> Session:
        """Return a session as last committed."""
        cached = self._cache.get(session_id)
        if cached is not None:
            return cached
        with self._cache.reading(session_id) as keep:
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

    async def task(self, session_id: str, task_id: str) -> Task:
        """Return a background task of a session."""
        return await self._read(partial(self._lookups.task, session_id=session_id, task_id=task_id))

    async def tasks(self, session_id: str, *, after: Position | None, limit: int) -> Page[Task]:
        """Return one page of a session's background tasks, oldest first."""

        def look(connection: Connection) -> Page[Task]:
            head = self._history.head(connection)
            return Page(*self._lookups.tasks(connection, session_id, after=after, limit=limit), head)

        return await self._read(look)

    async def open_tasks(self, session_id: str) -> Sequence[Task]:
        """Return the background tasks of a session that have not ended, oldest first."""
        return await self._read(partial(self._lookups.open_tasks, session_id=session_id))
