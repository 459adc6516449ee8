"""The newest events in memory, shared by all watchers, and the wakeups of watchers that wait for more.

A watcher holds a position in the tail, not a queue. A watcher that does not read costs nothing here; one that falls
behind the tail gets FellBehind and reads from the store. Everything runs on the event loop; nothing here waits.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

from greenroomd.app.ports.storage import Selection, StoredEvent
from greenroomd.app.watch.history_readers import HistoryReaders
from greenroomd.app.watch.topic_log import EVERYTHING, Entry, TopicLog, topics_for, topics_of
from greenroomd.app.watch.wakeups import Wakeup

ENTRY_BYTES = 512
"""Bytes that an entry takes beside its record; many deltas are smaller than that."""

SHARED_READS = 64
"""Most batches cached for sharing. Without a bound, watchers at different positions could hold the tail twice."""


@dataclass(frozen=True)
class Batch:
    """Events for a watcher, and its cursor after them."""

    events: Sequence[StoredEvent]
    """The events in order; an empty batch only moves the cursor."""
    revision: int
    """The watcher's new cursor: it has seen every match up to this revision."""
    dropped: int = 0
    """How many ephemeral events of its sessions the watcher has missed since the last batch."""
    _made: list[bytes] = field(default_factory=list, init=False, repr=False, compare=False)

    def rendered(self, render: Callable[[Batch], bytes]) -> bytes:
        """Return `render(self)`, computed once: all watchers that share the batch must render it alike."""
        if not self._made:
            self._made.append(render(self))
        return self._made[0]

    @cached_property
    def records(self) -> bytes:
        """The events' records concatenated; computed once for all watchers that share the batch."""
        return b"".join(event.record for event in self.events)


class FellBehind(Exception):
    """The tail has dropped events after the place; continue from the store."""


@dataclass(frozen=True, slots=True)
class Place:
    """A watcher's place in the tail."""

    position: int
    """The position of the last entry before it."""
    ephemeral: int
    """How many ephemeral events the tail has had for the selection up to here. Subtract two places' values to count
    those that were skipped while the watcher read from the store.
    """


class Tail:
    """The most recent events, durable and ephemeral, up to a number of bytes."""

    def __init__(self, head: int, *, max_bytes: int = 64 * 1024 * 1024) -> None:
        self.head = head
        """The revision of the newest durable event announced."""
        self.readers = HistoryReaders()
        """The watchers that are behind the tail, and read from the store."""
        self._floor = head
        self._position = 0
        self._max_bytes = max_bytes
        self._bytes = 0
        self._all: deque[Entry] = deque()
        self._logs: dict[str, TopicLog] = {}
        self._nothing = Batch((), head)
        self._reads: dict[tuple[object, ...], tuple[Batch, Place]] = {}

    @property
    def topics(self) -> set[str]:
        """The topics that have a log now: those with listeners, and those of the events in the tail."""
        return set(self._logs)

    def begin(self, head: int) -> None:
        """Set the head before the first announcement."""
        self.head = self._floor = head
        self._nothing = Batch((), head)

    def announce(self, events: Sequence[StoredEvent], head: int) -> None:
        """Add durable events up to revision `head`, or ephemeral ones at the current head, and wake their listeners.

        A gap before their revisions means that another node has committed; watchers read those events from the store.
        """
        concerned = {EVERYTHING}
        self._reads.clear()
        events = [event for event in events if event.sequence == 0 or event.revision > self.head]
        first = min((event.revision for event in events if event.sequence), default=head + 1)
        if first > self.head + 1:
            self._forget(first - 1)
            concerned.update(self._logs)
        self.head = max(self.head, head)
        self._nothing = Batch((), self.head)
        for event in events:
            self._position += 1
            entry = Entry(self._position, event)
            self._all.append(entry)
            self._bytes += _weight(event)
            for topic in topics_of(event):
                self._log_of(topic).add(entry)
                concerned.add(topic)
        while self._bytes > self._max_bytes and len(self._all) > 1:
            self._evict()
        for topic in concerned:
            if log := self._logs.get(topic):
                for wakeup in log.wakeups:
                    wakeup.set()

    @contextmanager
    def listening(self, selection: Selection) -> Iterator[Wakeup]:
        """Yield a wakeup that is set whenever the selection may have a new event; the listener clears it."""
        wakeup = Wakeup()
        topics = topics_for(selection)
        for topic in topics:
            self._log_of(topic).wakeups[wakeup] = None
        try:
            yield wakeup
        finally:
            for topic in topics:
                log = self._logs[topic]
                del log.wakeups[wakeup]
                if log.unused:
                    del self._logs[topic]

    def join(self, selection: Selection, revision: int) -> Place | None:
        """Return the place right after `revision`; None if the tail has dropped an event after it.

        Call it while listening to the selection.
        """
        logs = self._logs_for(selection)
        if any(revision < log.lost_revision for log in logs):
            return None
        if revision >= self.head:
            return self.end(selection)
        position = max(log.last_position(revision) for log in logs)
        return _place(logs, position)

    def end(self, selection: Selection) -> Place:
        """Return the place after the newest entry. Call it while listening to the selection."""
        return Place(self._position, sum(log.ephemeral for log in self._logs_for(selection)))

    def read(
        self, selection: Selection, place: Place, *, ephemeral: bool, max_bytes: int
    ) -> tuple[Batch, Place]:
        """Return the matching events after a place and the place after them; raises FellBehind.

        The batch holds at most `max_bytes`, but at least one event if there is any. Watchers at the same place share
        one batch. Call it while listening to the selection.
        """
        if place.position == self._position:  # the common case: a watcher that has read everything
            return self._nothing, place
        # The selection's fields: the hash of a dataclass is computed in Python each time.
        parts = (selection.session_ids, selection.workspace_id, selection.types, selection.within)
        key = (*parts, place.position, max_bytes, ephemeral)
        found = self._reads.get(key)
        if found is None:
            if len(self._reads) >= SHARED_READS:
                self._reads.clear()
            found = self._reads[key] = self._collect(selection, place, ephemeral, max_bytes)
        return found

    def _collect(
        self, selection: Selection, place: Place, ephemeral: bool, max_bytes: int
    ) -> tuple[Batch, Place]:
        logs = self._logs_for(selection)
        if any(place.position < log.lost_position for log in logs):
            raise FellBehind
        events: list[StoredEvent] = []
        position, size = place.position, 0
        for entry in heapq.merge(*(log.after(position) for log in logs), key=lambda entry: entry.position):
            event = entry.event
            if (event.sequence == 0 and not ephemeral) or not selection.matches(event):
                continue
            size += len(event.record)
            if size > max_bytes and events:
                return Batch(events, events[-1].revision), _place(logs, position)
            events.append(event)
            position = entry.position
        return Batch(events, self.head), self.end(selection)

    def _logs_for(self, selection: Selection) -> Sequence[TopicLog]:
        return [self._logs[topic] for topic in topics_for(selection)]

    def _log_of(self, topic: str) -> TopicLog:
        log = self._logs.get(topic)
        if log is None:
            lost = (self._all[0].position if self._all else self._position + 1) - 1
            log = self._logs[topic] = TopicLog(lost_position=lost, lost_revision=self._floor)
        return log

    def _evict(self) -> None:
        event = self._all.popleft().event
        self._bytes -= _weight(event)
        self._floor = event.revision
        for topic in topics_of(event):
            log = self._logs[topic]
            log.lose_first()
            if log.unused:
                del self._logs[topic]

    def _forget(self, revision: int) -> None:
        """Drop everything, since an event up to `revision` was never announced here."""
        self._position += 1  # so that watchers that have read everything fall behind too
        self._floor, self._bytes = revision, 0
        self._all.clear()
        for topic, log in list(self._logs.items()):
            log.lose_all(self._position, revision)
            if log.unused:
                del self._logs[topic]


def _place(logs: Sequence[TopicLog], position: int) -> Place:
    return Place(position, sum(log.ephemeral_up_to(position) for log in logs))


def _weight(event: StoredEvent) -> int:
    return len(event.record) + ENTRY_BYTES
