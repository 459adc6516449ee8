"""The newest events in memory, shared by all watchers, and the wakeup that wakes them.

A watcher holds a position in it, not a queue: one that does not read costs nothing here, and one that falls behind
what is kept is told so and reads the store. Everything logs on the event loop; nothing here waits.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

from greenroomd.app.ports.storage import Selection, StoredEvent
from greenroomd.app.watch.topic_log import EVERYTHING, Entry, TopicLog, topics_for, topics_of
from greenroomd.app.watch.wakeups import Wakeup

ENTRY_BYTES = 512  # what an entry costs beside its record: many deltas are smaller than that
SHARED_READS = 64
"""Of one batch each; unbounded, many watchers on their way through a quiet tail would hold copies of it."""


@dataclass(frozen=True)
class Batch:
    """Events for a watcher, in order, and where it stands after them.

    `revision` is the watcher's new cursor even if `events` is empty: nothing that matches lies before it.
    `dropped` counts the ephemeral events of its sessions that it has missed since the last batch.
    """

    events: Sequence[StoredEvent]
    revision: int
    dropped: int = 0
    _made: list[bytes] = field(default_factory=list, init=False, repr=False, compare=False)

    def rendered(self, render: Callable[[Batch], bytes]) -> bytes:
        """Return what `render` makes of it; made once for all watchers that share the batch, so they render alike."""
        if not self._made:
            self._made.append(render(self))
        return self._made[0]

    @cached_property
    def records(self) -> bytes:
        """The events' records joined; computed once for all watchers that share the batch."""
        return b"".join(event.record for event in self.events)


class FellBehind(Exception):
    """Events after the place are gone from the tail; read on from the store."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a watcher stands in the tail: after all events up to a position.

    `ephemeral` counts the ephemeral events that the tail had for the selection up to there; the difference between
    two places is what was lost on a way around the tail.
    """

    position: int
    ephemeral: int


class Tail:
    """Recently committed (and ephemeral) events, bounded by their bytes."""

    def __init__(self, head: int, *, max_bytes: int = 64 * 1024 * 1024) -> None:
        self.head = head
        """The revision of the newest durable event announced."""
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
        """What the tail keeps apart now: what somebody listens to, and whatever the kept events belong to."""
        return set(self._logs)

    def begin(self, head: int) -> None:
        """Say where the log stands before anything was announced."""
        self.head = self._floor = head
        self._nothing = Batch((), head)

    def announce(self, events: Sequence[StoredEvent], head: int) -> None:
        """Take durable events up to revision `head`, or ephemeral ones at the present head, and wake who waits.

        Where revisions are missing before them, another node has committed: who wants those reads the store.
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
                self._run(topic).add(entry)
                concerned.add(topic)
        while self._bytes > self._max_bytes and len(self._all) > 1:
            self._evict()
        for topic in concerned:
            if log := self._logs.get(topic):
                for wakeup in log.wakeups:
                    wakeup.set()

    @contextmanager
    def listening(self, selection: Selection) -> Iterator[Wakeup]:
        """Give a wakeup that is set whenever something of the selection may have come; the listener clears it."""
        wakeup = Wakeup()
        topics = topics_for(selection)
        for topic in topics:
            self._run(topic).wakeups[wakeup] = None
        try:
            yield wakeup
        finally:
            for topic in topics:
                log = self._logs[topic]
                del log.wakeups[wakeup]
                if log.unused:
                    del self._logs[topic]

    def join(self, selection: Selection, revision: int) -> Place | None:
        """Return the place right after `revision`, None if the tail has lost something that follows it.

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
        """Return the place after everything. Call it while listening to the selection."""
        return Place(self._position, sum(log.ephemeral for log in self._logs_for(selection)))

    def read(
        self, selection: Selection, place: Place, *, ephemeral: bool, max_bytes: int
    ) -> tuple[Batch, Place]:
        """Return the matching events after a place and the place after them; raises FellBehind.

        The batch holds at most `max_bytes`, but at least one event if there is any. Watchers at the same place share
        one batch. Call it while listening to the selection.
        """
        if place.position == self._position:  # what a watcher finds after each write
            return self._nothing, place
        # The selection's parts, since the hash of a dataclass is made anew by Python code each time.
        parts = (selection.session_ids, selection.workspace_id, selection.types)
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

    def _run(self, topic: str) -> TopicLog:
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
        """Keep nothing: something up to `revision` was never seen here."""
        self._position += 1  # so that also those who have read everything are behind
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
