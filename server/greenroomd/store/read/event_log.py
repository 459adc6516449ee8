"""The log of events, read off the event loop: `app.ports.event_log`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from greenroomd.app.ports.storage import Selection, StoredEvent
from greenroomd.store.read.history import History
from greenroomd.store.read.reader import Reader


class SqlEventLog:
    """Reads stored events."""

    def __init__(self, reader: Reader, history: History) -> None:
        self._read = reader.read
        self._history = history

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
