"""Listener offsets in a SQL database: implements `app.ports.listener_offsets.ListenerOffsets`."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from sqlalchemy import Connection, select

from greenroomd.store.read.reader import Reader
from greenroomd.store.schema.tables import listener_positions
from greenroomd.store.schema.upsert import upsert
from greenroomd.store.write.group_commit import Writer


class SqlPositions:
    """The listeners' offsets; `app.ports.listener_offsets.ListenerOffsets` says what each method promises."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._read = reader.read

    async def listener_position(self, name: str) -> int | None:
        """Return the revision up to which a listener has heard everything; None for a new listener."""
        return await self._read(partial(_position, name=name))

    async def save_offset(self, name: str, revision: int) -> None:
        """Store durably that a listener has heard everything up to a revision."""
        await self._writer.run_exclusive(partial(_keep, name=name, revision=revision))


def _position(connection: Connection, *, name: str) -> int | None:
    found = select(listener_positions.c.revision).where(listener_positions.c.name == name)
    revision: int | None = connection.execute(found).scalar()
    return revision


def _keep(connection: Connection, _now: datetime, *, name: str, revision: int) -> None:
    row = upsert(connection.dialect, listener_positions).values(name=name, revision=revision)
    connection.execute(
        row.on_conflict_do_update(index_elements=["name"], set_={"revision": row.excluded.revision})
    )
