"""Deletes the rows of deleted sessions in the background, a few at a time.

The commit that deletes a session hides it from every reader: it deletes the session's own row, its labels and its
token, and records its number in `deletions`. Rows that a session may have in great numbers are deleted here in pieces,
also after a restart. The row in `deletions` goes with the last piece.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Table, delete, select, update

from greenroomd.app.pacing import PIECE, in_pieces
from greenroomd.store.engine import Database
from greenroomd.store.read.reader import Reader
from greenroomd.store.schema.tables import (
    ERASED,
    approvals,
    configs,
    deletions,
    events,
    requests,
    tasks,
    turns,
    whole_events,
)
from greenroomd.store.write.group_commit import Writer

_KEYS: Final[tuple[tuple[Table, ColumnElement[Any]], ...]] = (
    (events, events.c.revision),
    (turns, turns.c.turn_id),
    (approvals, approvals.c.approval_id),
    (tasks, tasks.c.task_id),
    (configs, configs.c.generation),
)
"""The tables to erase from, and the column that distinguishes the rows of one session."""


EMPTY_LOG_AGAIN: Final = timedelta(seconds=1)
"""How long to wait before another attempt to empty SQLite's log, in which what was deleted may still be."""


class Erasure:
    """Erases the rows that deleted sessions have left, and what SQLite's log still has of them."""

    def __init__(self, database: Database, writer: Writer, reader: Reader, deleted: asyncio.Event) -> None:
        """The publisher sets `deleted` whenever a session was deleted."""
        self._database = database
        self._writer = writer
        self._deleted = deleted
        self._read = reader.read

    async def run(self) -> None:
        """Erase what is left now, and again whenever a session was deleted; never returns."""
        while True:
            self._deleted.clear()  # before looking, so that a deletion in the meantime is found next time
            numbers = await self._read(_deleted)
            for number in numbers:
                await in_pieces(partial(self._writer.run_exclusive, partial(_piece, number=number)))
            while numbers and not await asyncio.to_thread(self._database.empty_log):  # noqa: ASYNC110
                await asyncio.sleep(EMPTY_LOG_AGAIN.total_seconds())
            await self._deleted.wait()


def _deleted(connection: Connection) -> list[int]:
    return list(connection.execute(select(deletions.c.session_number)).scalars())


def _piece(connection: Connection, _now: datetime, *, number: int) -> bool:
    """Erase at most PIECE rows of a session; return whether more may be left."""
    room = PIECE
    for table, key in _KEYS:
        theirs = table.c.session_number == number
        some = select(key).where(theirs).order_by(key).limit(room)
        if table is events:
            connection.execute(delete(whole_events).where(whole_events.c.revision.in_(some)))
        room -= connection.execute(delete(table).where(theirs, key.in_(some))).rowcount
        if room <= 0:
            return True
    # The requests stay known: a repetition must not be carried out again.
    answers = update(requests).where(requests.c.session_number == number)
    connection.execute(answers.values(answer=b"", session_number=ERASED))
    connection.execute(delete(deletions).where(deletions.c.session_number == number))
    return False
