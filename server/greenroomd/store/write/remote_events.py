"""What other nodes have committed, read so that it can be announced here as well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from greenroomd.app.ports.storage import Selection, StoredEvent
from greenroomd.domain.errors import CursorBelowFloor
from greenroomd.store.engine import Database
from greenroomd.store.read.history import History

MOST: Final = 10_000
"""Events that are read at once; a node that has missed more leaves them to its watchers."""


@dataclass(frozen=True, slots=True)
class RemoteEvents:
    """All events up to `head`; None if there are too many of them, or some are no longer kept."""

    events: Sequence[StoredEvent] | None
    head: int


class RemoteEventReader:
    """Reads the newest events of one database, on the thread of whoever asks."""

    def __init__(self, database: Database, history: History) -> None:
        self._database = database
        self._history = history

    def read(self, *, after: int, up_to: int | None = None) -> RemoteEvents:
        """Return what was committed after a revision, up to another one or to the head.

        Commit order is the order of revisions: up to the head nothing can come to light later.
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
