"""Reads the commits of other nodes, so that they can be published here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from greenroomd.app.ports.storage import Selection, StoredEvent
from greenroomd.domain.errors import CursorBelowFloor
from greenroomd.store.engine import Database
from greenroomd.store.read.history import History

MOST: Final = 10_000
"""The most events to read at once; if a node has missed more, its watchers read them from the store."""


@dataclass(frozen=True, slots=True)
class RemoteEvents:
    """All events up to `head`; None if there are too many, or some are no longer stored."""

    events: Sequence[StoredEvent] | None
    head: int


class RemoteEventReader:
    """Reads the newest events of one database, on the caller's thread."""

    def __init__(self, database: Database, history: History) -> None:
        self._database = database
        self._history = history

    def read(self, *, after: int, up_to: int | None = None) -> RemoteEvents:
        """Return the events committed after a revision, up to another one or the head.

        Revisions rise in commit order, so no event up to the head can appear later.
        """
        with self._database.reading.connect() as connection:
            head = self._history.head(connection) if up_to is None else up_to
            if head - after > MOST:
                return RemoteEvents(None, head)
            found: list[StoredEvent] = []
            everything = Selection()
            while after < head:
                try:
                    page = self._history.page(
                        connection, everything, after=after, limit=MOST, up_to=head, descending=False
                    )
                except CursorBelowFloor:
                    return RemoteEvents(None, head)
                found += page
                after = page[-1].revision if page else head
        return RemoteEvents(found, head)
