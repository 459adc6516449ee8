"""The watch: every event after a cursor, first from the store, then live, in one stream without a seam."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from greenroomd.app.bells import QuietClock, Stop
from greenroomd.app.storage import Selection, Store, StoredEvent
from greenroomd.app.tail import Batch, FellBehind, Tail
from greenroomd.domain.errors import InvalidRequest, Violation, WatcherCapReached
from greenroomd.domain.events import EPHEMERAL

FRAME_BYTES = 256 * 1024
PAGE_EVENTS = 2_000


class Watch:
    """Hands out streams of events; one instance serves all watchers of this node."""

    def __init__(
        self, store: Store, tail: Tail, *, quiet: timedelta, per_session: int, per_node: int
    ) -> None:
        self._store = store
        self._tail = tail
        self._quiet = QuietClock(quiet.total_seconds())
        self._per_session = per_session
        self._per_node = per_node
        self._open = 0
        self._of_session: Counter[str] = Counter()

    @property
    def head(self) -> int:
        """The revision that a watch from NOW starts after."""
        return self._tail.head

    @property
    def open(self) -> int:
        """How many watches are open on this node."""
        return self._open

    async def batches(
        self, selection: Selection, *, after: int, ephemeral: bool = False, stop: Stop | None = None
    ) -> AsyncGenerator[Batch, None]:
        """Yield all matching events with a revision above `after`: no gap, no repetition, and no end until the stop.

        A batch without events is a bookmark, which moves the cursor: it comes when nothing matched for a quiet time,
        and once as soon as the watcher has caught up with where the log stood when it began, if no event told it.
        Raises InvalidRequest for a cursor of the future, CursorBelowFloor, WatcherCapReached.
        """
        if after > self._tail.head:
            raise InvalidRequest([Violation("after", "is ahead of this store; it belongs to another one")])
        ephemeral = ephemeral and (not selection.types or not EPHEMERAL.isdisjoint(selection.types))
        stop = stop or Stop()
        with (
            self._counted(selection),
            self._tail.listening(selection) as bell,
            self._quiet.timing(bell),
            stop.telling(bell),
        ):
            cursor, told, present = after, after, self._tail.head
            place = self._tail.join(selection, after)
            left = place or self._tail.end(selection)
            while not stop.begun:
                bell.clear()  # before the look: what is committed during it rings again
                if place is None:
                    head = self._tail.head
                    page = await self._store.events(selection, after=cursor, limit=PAGE_EVENTS, up_to=head)
                    for batch in _framed(page):
                        yield batch
                        told = batch.revision
                        self._quiet.restart(bell)
                    cursor = page[-1].revision if page else head
                    place = self._tail.join(selection, cursor)
                    continue
                if ephemeral and place.ephemeral > left.ephemeral:  # passed by on the way around the tail
                    yield Batch((), cursor, dropped=place.ephemeral - left.ephemeral)
                    told = cursor
                    self._quiet.restart(bell)
                left = place
                try:
                    batch, place = self._tail.read(
                        selection, place, ephemeral=ephemeral, max_bytes=FRAME_BYTES
                    )
                except FellBehind:
                    place = self._tail.join(selection, cursor)
                    continue
                left = place
                cursor = batch.revision
                if batch.events or told < present <= cursor or self._quiet.is_over(bell):
                    yield batch
                    told = cursor
                    self._quiet.restart(bell)
                else:
                    await bell.wait()

    @contextmanager
    def _counted(self, selection: Selection) -> Iterator[None]:
        """Count the watch against the caps of each session and of the node while it lasts."""
        if self._open >= self._per_node:
            raise WatcherCapReached("node", self._per_node)
        for session_id in selection.session_ids:
            if self._of_session[session_id] >= self._per_session:
                raise WatcherCapReached(f"session:{session_id}", self._per_session)
        self._open += 1
        self._of_session.update(selection.session_ids)
        try:
            yield
        finally:
            self._open -= 1
            for session_id in selection.session_ids:
                self._of_session[session_id] -= 1
                if not self._of_session[session_id]:
                    del self._of_session[session_id]


def _framed(page: Sequence[StoredEvent]) -> Iterator[Batch]:
    """Cut a page of the store into batches of at most FRAME_BYTES, each with at least one event."""
    start = size = 0
    for index, event in enumerate(page):
        size += len(event.record)
        if size > FRAME_BYTES and index > start:
            yield Batch(page[start:index], page[index - 1].revision)
            start, size = index, len(event.record)
    if page:
        yield Batch(page[start:], page[-1].revision)
