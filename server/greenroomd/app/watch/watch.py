"""Watches: every event after a cursor, first from the store, then live, without gap or duplicate."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import AsyncGenerator, Awaitable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import timedelta

from greenroomd.app.ports.event_log import EventLog
from greenroomd.app.ports.storage import Selection, StoredEvent
from greenroomd.app.watch.audience import Audience
from greenroomd.app.watch.history_readers import HistoryReader
from greenroomd.app.watch.tail import Batch, FellBehind, Tail
from greenroomd.app.watch.wakeups import IdleTimer, ShutdownSignal, Wakeup, idle_timer
from greenroomd.domain.errors import InvalidRequest, Violation
from greenroomd.domain.events import EPHEMERAL, EventType
from greenroomd.domain.retryable_errors import WatcherCapReached

FRAME_BYTES = 256 * 1024
"""Most bytes of events in one batch, unless its only event is larger."""

PAGE_EVENTS = 2_000
"""Events that are read from the store at a time."""


class Watch:
    """Serves streams of events to the watchers of this node.

    A watcher gets a bookmark after `quiet` without an event. `per_session` and `per_node` limit the number of watches.
    """

    def __init__(
        self, store: EventLog, tail: Tail, *, quiet: timedelta, per_session: int, per_node: int
    ) -> None:
        self._store = store
        self._tail = tail
        self.quiet = quiet
        """How long a watcher gets nothing before it gets a bookmark."""
        self._per_session = per_session
        self._per_node = per_node
        self.stats_audience = Audience(EventType.PROCESS_STATS)
        """Who watches what processes use: it is measured for nobody else."""
        self._open = 0
        self._of_session: Counter[str] = Counter()

    @property
    def head(self) -> int:
        """The revision after which a watch from NOW starts."""
        return self._tail.head

    @property
    def open(self) -> int:
        """How many watches are open on this node."""
        return self._open

    async def batches(
        self, selection: Selection, *, after: int, ephemeral: bool = False
    ) -> AsyncGenerator[Batch, None]:
        """Yield batches as `following` gives them, without end."""
        with self.following(selection, after=after, ephemeral=ephemeral) as follower:
            while True:
                batch = follower.look()
                if batch is None:
                    await follower.more()
                else:
                    yield batch

    @contextmanager
    def following(
        self,
        selection: Selection,
        *,
        after: int,
        ephemeral: bool = False,
        measure: bool = False,
        stop: ShutdownSignal | None = None,
    ) -> Iterator[Follower]:
        """Yield a follower of all matching events with a revision above `after`, without gap or duplicate.

        A batch without events is a bookmark, which moves the cursor. It is sent after a quiet time without a match, and
        once when the watcher has caught up with the head at its start, unless an event has shown that already. With
        `measure`, what the processes use is measured for this watcher. `stop` ends a wait for more. Raises
        InvalidRequest for a cursor in the future, and WatcherCapReached.
        """
        if after > self._tail.head:
            raise InvalidRequest([Violation("after", "is ahead of this store; it belongs to another one")])
        ephemeral = ephemeral and (not selection.types or not EPHEMERAL.isdisjoint(selection.types))
        with (
            self._counted(selection),
            self.stats_audience.joined(selection) if ephemeral and measure else nullcontext(),
            self._tail.listening(selection) as wakeup,
            idle_timer(wakeup, self.quiet) as quiet,
            (stop or ShutdownSignal()).subscribe(wakeup),
            self._tail.readers.joined(after) as reader,
        ):
            yield Follower(self._store, self._tail, quiet, wakeup, reader, selection, after, ephemeral)

    @contextmanager
    def _counted(self, selection: Selection) -> Iterator[None]:
        """Count the watch against the limits of each session and of the node while the block runs."""
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


class Follower:
    """One watcher's position in the log: call `look` until it returns None, await `more`, and repeat.

    Thousands of watchers do this for every event. So `look` is a plain call, and a wait for a live event is one future
    instead of a generator inside a coroutine.
    """

    def __init__(
        self,
        store: EventLog,
        tail: Tail,
        quiet: IdleTimer,
        wakeup: Wakeup,
        reader: HistoryReader,
        selection: Selection,
        after: int,
        ephemeral: bool,
    ) -> None:
        self._reader = reader
        self._store = store
        self._tail = tail
        self._quiet = quiet
        self._wakeup = wakeup
        self._selection = selection
        self._ephemeral = ephemeral
        self._present = tail.head
        self._cursor = self._told = after
        self._read: deque[Batch] = deque()  # read from the store, but not returned yet
        self._place = tail.join(selection, after)
        self._left = self._place or tail.end(selection)  # its last place in the tail
        self._reader.behind = self._place is None

    def look(self) -> Batch | None:
        """Return the next batch if there is one now."""
        self._wakeup.clear()  # before the look, so that a later commit sets it again
        if self._read:
            batch: Batch | None = self._read.popleft()
            self._reader.reads = True
        else:
            batch = self._live()
        if batch is not None:
            self._told = batch.revision
            self._quiet.restart()
        return batch

    def wake(self) -> None:
        """Let a wait for more end, as if there were something."""
        self._wakeup.set()

    def more(self) -> Awaitable[None]:
        """Wait until `look`, which has returned None, may find something; raises CursorBelowFloor."""
        return self._read_on() if self._place is None else self._wakeup.wait()

    def _live(self) -> Batch | None:
        while (place := self._place) is not None:
            missed = place.ephemeral - self._left.ephemeral
            self._left = place
            if self._ephemeral and missed > 0:  # skipped while it read from the store
                return Batch((), self._cursor, dropped=missed)
            try:
                batch, self._place = self._tail.read(
                    self._selection, place, ephemeral=self._ephemeral, max_bytes=FRAME_BYTES
                )
            except FellBehind:
                self._join()
                continue
            self._left = self._place
            self._cursor = batch.revision
            if batch.events or self._told < self._present <= batch.revision or self._quiet.over:
                return batch
            return None
        return None

    async def _read_on(self) -> None:
        """Read the next page from the store; then join the tail if it still has the events that follow."""
        head = self._tail.head
        page = await self._store.events(self._selection, after=self._cursor, limit=PAGE_EVENTS, up_to=head)
        self._read.extend(_framed(page))
        self._cursor = page[-1].revision if page else head
        self._join()

    def _join(self) -> None:
        """Go on in the tail, if it still has what follows; if not, in the store."""
        self._place = self._tail.join(self._selection, self._cursor)
        self._reader.cursor, self._reader.behind = self._cursor, self._place is None
        self._reader.reads = True


def _framed(page: Sequence[StoredEvent]) -> Iterator[Batch]:
    """Split a page from the store into batches of at most FRAME_BYTES, each with at least one event."""
    start = size = 0
    for index, event in enumerate(page):
        size += len(event.record)
        if size > FRAME_BYTES and index > start:
            yield Batch(page[start:index], page[index - 1].revision)
            start, size = index, len(event.record)
    if page:
        yield Batch(page[start:], page[-1].revision)
