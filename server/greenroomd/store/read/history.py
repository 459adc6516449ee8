"""Reads the event log in pages: of one session, of several, of a workspace, or all of it."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, Select, bindparam, select

from greenroomd.app.ports.storage import BEGINNING, EventCodec, Selection, StoredEvent
from greenroomd.domain.errors import CursorBelowFloor, EventNotFound
from greenroomd.domain.events import EventType
from greenroomd.store.engine import Database, limited
from greenroomd.store.read.session_listing import not_deleted, number_of_session
from greenroomd.store.schema.floors import Floors
from greenroomd.store.schema.rows import Row
from greenroomd.store.schema.tables import events, meta, whole_events

PAGE_BYTES: Final = 1024 * 1024
_FIRST_CHUNK: Final = 64
_BODY: Final = 6
_ENDLESS: Final = 2**62
_TYPES: Final = {kind.value: kind for kind in EventType}

_columns = (
    events.c.revision,
    events.c.session_id,
    events.c.workspace_id,
    events.c.sequence,
    events.c.type,
    events.c.turn_id,
    events.c.body,
)


class History:
    """Reads events; compiles its statements once for each shape of a selection."""

    def __init__(self, database: Database, codec: EventCodec) -> None:
        self._database = database
        self._codec = codec
        self._head = database.sql(select(meta.c.revision))
        self._floors = Floors(database)
        self._pages: dict[tuple[str, bool, bool], str] = {
            (scope, typed, descending): _page(database, scope, typed=typed, descending=descending)
            for scope in ("session", "workspace", "all")
            for typed in (False, True)
            for descending in (False, True)
        }
        self._whole = database.sql(
            select(*_columns, whole_events.c.body)
            .outerjoin_from(events, whole_events, whole_events.c.revision == events.c.revision)
            .where(events.c.revision == bindparam("revision", type_=BigInteger()), not_deleted(events)),
            "revision",
        )

    def page(
        self,
        connection: Connection,
        selection: Selection,
        *,
        after: int,
        limit: int,
        up_to: int | None,
        descending: bool,
    ) -> list[StoredEvent]:
        """Return a page, as `Store.events` does."""
        read = partial(self._page, connection, selection, limit=limit, up_to=up_to, descending=descending)
        if after != BEGINNING or descending:
            return read(after=after)
        floor = self._floors.of(connection, selection)
        while True:
            try:
                return read(after=floor - 1)
            except CursorBelowFloor as cut:  # since the last look
                floor = cut.oldest

    def _page(
        self,
        connection: Connection,
        selection: Selection,
        *,
        after: int,
        limit: int,
        up_to: int | None,
        descending: bool,
    ) -> list[StoredEvent]:
        low, high = (0, after) if descending else (after, _ENDLESS)
        if up_to is not None:
            high = min(high, up_to + 1)
        if len(selection.session_ids or selection.workspaces or ()) > 1:
            # Each session or workspace is read by its own statement; none may see more than the first one could.
            high = min(high, self.head(connection) + 1)
        found = self._found(connection, selection, low, high, limit, descending=descending)
        page: list[StoredEvent] = []
        size = 0
        for row in found:
            event = self._event(row)
            size += len(event.record)
            if page and size > PAGE_BYTES:
                break
            page.append(event)
            if len(page) >= limit:
                break
        if not descending:
            # After the read, to detect events that were compacted during it.
            head, floor = self.standing(connection, selection)
            if after + 1 < floor:
                raise CursorBelowFloor(oldest=floor, head=head)
        return page

    def whole(self, connection: Connection, revision: int) -> tuple[StoredEvent, bytes]:
        """Return an event and its untruncated form; raises EventNotFound."""
        row = connection.exec_driver_sql(self._whole, (revision,)).one_or_none()
        if row is None:
            raise EventNotFound(str(revision))
        *event, whole = row
        return self._event(event), row[_BODY] if whole is None else whole

    def head(self, connection: Connection) -> int:
        """Return the revision of the last commit."""
        head: int = connection.exec_driver_sql(self._head).scalar_one()
        return head

    def standing(self, connection: Connection, selection: Selection) -> tuple[int, int]:
        """Return the head, and the floor of a selection."""
        return self.head(connection), self._floors.of(connection, selection)

    def _found(
        self,
        connection: Connection,
        selection: Selection,
        low: int,
        high: int,
        limit: int,
        *,
        descending: bool,
    ) -> Iterator[Row]:
        """Yield the selected rows in order, without reading far ahead."""

        def stream(scope: str, of: Sequence[str], first: int) -> Iterator[Row]:
            sql = self._pages[scope, bool(selection.types), descending]
            types = [self._database.listed(sorted(selection.types))] if selection.types else []
            return _chunks(connection, sql, (of, types), low, high, limit, first, descending=descending)

        workspaces = selection.workspaces
        if not selection.session_ids and workspaces is None:
            return stream("all", [], _FIRST_CHUNK)
        scope, ids = (
            ("session", selection.session_ids) if selection.session_ids else ("workspace", workspaces)
        )
        assert ids is not None
        first = max(4, _FIRST_CHUNK // len(ids))
        streams = [_within(stream(scope, [each], first), workspaces) for each in sorted(ids)]
        if len(streams) == 1:
            return streams[0]
        return heapq.merge(*streams, key=lambda row: int(row[0]), reverse=descending)

    def _event(self, row: Row) -> StoredEvent:
        revision, session_id, workspace_id, sequence, kind, turn_id, body = row
        record = self._codec.record(body, sequence=sequence, revision=revision)
        return StoredEvent(revision, session_id, workspace_id, sequence, _TYPES[kind], turn_id, record)


def _page(database: Database, scope: str, *, typed: bool, descending: bool) -> str:
    """Parameters: the scope's id (if any), the lowest and highest revision, the types (if any), the limit."""
    statement: Select[Any] = select(*_columns)
    names: list[str] = []
    if scope == "session":
        names.append("session_id")
        statement = statement.where(events.c.session_number == number_of_session)
    elif scope == "workspace":
        names.append("workspace_id")
        statement = statement.where(events.c.workspace_id == bindparam("workspace_id"), not_deleted(events))
    else:
        statement = statement.where(not_deleted(events))
    names += ["low", "high"]
    statement = statement.where(
        events.c.revision > bindparam("low", type_=BigInteger()),
        events.c.revision < bindparam("high", type_=BigInteger()),
    )
    if typed:
        names.append("types")
        statement = statement.where(database.among(events.c.type, "types"))
    names.append("size")
    statement = statement.order_by(events.c.revision.desc() if descending else events.c.revision)
    return database.sql(limited(statement, "size"), *names)


def _chunks(
    connection: Connection,
    sql: str,
    fixed: tuple[Sequence[Any], Sequence[Any]],
    low: int,
    high: int,
    limit: int,
    chunk: int,
    *,
    descending: bool,
) -> Iterator[Row]:
    """Yield rows, reading more of them at once as their sizes allow, so that long bodies do not pile up in memory."""
    of, types = fixed
    given = size = 0
    while given < limit:
        chunk = min(chunk, limit - given)
        rows = connection.exec_driver_sql(sql, (*of, low, high, *types, chunk)).all()
        yield from rows
        if len(rows) < chunk:
            return
        given += len(rows)
        size += sum(len(row[_BODY]) for row in rows)
        low, high = (low, rows[-1][0]) if descending else (rows[-1][0], high)
        chunk = max(chunk, (PAGE_BYTES - size) * given // (size + 1))


def _within(rows: Iterator[Row], workspaces: frozenset[str] | None) -> Iterator[Row]:
    """Yield the rows of one session, if the session belongs to one of the workspaces."""
    for row in rows:
        if workspaces is not None and row[2] not in workspaces:
            return
        yield row
