"""Deletes old events: implements `app.ports.compaction.Compactor`.

The events to delete are searched for concurrently with the writer: nothing is ever added below the head, so the result
stays true. Only the deletion itself, which is small, runs on the writer's thread.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import takewhile
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, delete, select

from greenroomd.app.pacing import PIECE
from greenroomd.app.ports.compaction import MESSAGES, Part, SessionLog
from greenroomd.store.read.reader import Reader
from greenroomd.store.schema.documents import time
from greenroomd.store.schema.floors import EVERYTHING, raise_floor, scopes_of_session
from greenroomd.store.schema.tables import events, floors, sessions, whole_events
from greenroomd.store.write.group_commit import Writer

_SESSION_COLUMNS: Final = (
    sessions.c.number,
    sessions.c.session_id,
    sessions.c.workspace_id,
    sessions.c.last_sequence,
)


class SqlCompactor:
    """Compacts the events of one database; `app.ports.compaction.Compactor` says what each method promises."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._read = reader.read

    async def cut_old(self, part: Part, *, before: datetime, up_to: int) -> int:
        """Cut the oldest events of all sessions."""
        old = time(before)

        def look(connection: Connection) -> list[int]:
            floor = _floor(connection, (EVERYTHING,), part)
            rows = _rows(connection, events.c.time, floor, up_to)
            return [revision for revision, _ in takewhile(lambda row: row[1] < old, rows)]

        return await self._cut(await self._read(look), part, (EVERYTHING,))

    async def long_logs(self, *, longer_than: int, after: int, limit: int) -> Sequence[SessionLog]:
        """Return sessions that have had more than `longer_than` events, by number."""
        long = sessions.c.last_sequence > longer_than, sessions.c.number > after
        found = select(*_SESSION_COLUMNS).where(*long).order_by(sessions.c.number).limit(limit)
        return await self._read(lambda connection: [SessionLog(*row) for row in connection.execute(found)])

    async def cut_long(self, session: SessionLog, part: Part, *, keep: int, up_to: int) -> int:
        """Cut the oldest events of a session."""
        last = session.last_sequence - keep
        of_session = events.c.session_number == session.number

        def look(connection: Connection) -> list[int]:
            floor = _floor(connection, (EVERYTHING, session.session_id), part)
            rows = _rows(connection, events.c.sequence, floor, up_to, of_session)
            return [revision for revision, _ in takewhile(lambda row: row[1] <= last, rows)]

        scopes = scopes_of_session(session.session_id, session.workspace_id)
        return await self._cut(await self._read(look), part, scopes, of_session)

    async def _cut(
        self, revisions: Sequence[int], part: Part, scopes: Sequence[str], *of: ColumnElement[bool]
    ) -> int:
        if revisions:
            where = [*of, events.c.revision.between(revisions[0], revisions[-1])]
            if part is Part.MESSAGES:
                where.append(events.c.type.in_(sorted(MESSAGES)))
            await self._writer.run_exclusive(
                partial(_delete, where=where, scopes=scopes, part=part, floor=revisions[-1] + 1)
            )
        return len(revisions)


def _floor(connection: Connection, scopes: Sequence[str], part: Part) -> int:
    """Return the floor that the last cut of a part left."""
    ends = select(floors.c.floor).where(floors.c.scope.in_(scopes), floors.c.part == part)
    return max(connection.execute(ends).scalars(), default=1)


def _rows(
    connection: Connection, told: ColumnElement[Any], low: int, high: int, *of: ColumnElement[bool]
) -> Iterator[Any]:
    between = events.c.revision.between(low, high)
    found = select(events.c.revision, told).where(*of, between).order_by(events.c.revision).limit(PIECE)
    return iter(connection.execute(found))


def _delete(
    connection: Connection,
    _now: datetime,
    *,
    where: Sequence[ColumnElement[bool]],
    scopes: Sequence[str],
    part: Part,
    floor: int,
) -> None:
    gone = select(events.c.revision).where(*where)
    connection.execute(delete(whole_events).where(whole_events.c.revision.in_(gone)))
    connection.execute(delete(events).where(*where))
    raise_floor(connection, scopes, part, floor)
