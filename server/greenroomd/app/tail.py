"""The newest events in memory, shared by all watchers, and the bell that wakes them.

A watcher holds a position in it, not a queue: one that does not read costs nothing here, and one that falls behind
what is kept is told so and reads the store. Everything runs on the event loop; nothing here waits.
"""

from __future__ import annotations

import asyncio
import heapq
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

from greenroomd.app.storage import Selection, StoredEvent

EVERYTHING = "*"


@dataclass(frozen=True)
class Batch:
    """Events for a watcher, in order, and where it stands after them.

    `revision` is the watcher's new cursor even if `events` is empty: nothing that matches lies before it.
    `dropped` counts ephemeral events that may have been lost on the way.
    """

    events: Sequence[StoredEvent]
    revision: int
    dropped: int = 0

    @cached_property
    def records(self) -> bytes:
        """The events' records joined; computed once for all watchers that share the batch."""
        return b"".join(event.record for event in self.events)


class FellBehind(Exception):
    """Events after the position are gone from the tail; read on from the store. `dropped` ephemeral ones are lost."""

    def __init__(self, dropped: int) -> None:
        super().__init__()
        self.dropped = dropped


@dataclass(slots=True)
class _Entry:
    position: int
    event: StoredEvent


@dataclass(slots=True)
class _Run:
    """The entries of one topic, oldest first, from index `start` on, and what it has lost already."""

    lost_position: int
    lost_revision: int
    lost_ephemeral: int = 0
    start: int = 0
    entries: list[_Entry] = field(default_factory=list)
    bells: set[asyncio.Event] = field(default_factory=set)

    def lose_first(self) -> None:
        entry = self.entries[self.start]
        self.lost_position, self.lost_revision = entry.position, entry.event.revision
        self.lost_ephemeral += entry.event.sequence == 0
        self.start += 1
        if self.start > 64 and self.start * 2 > len(self.entries):  # amortized: an entry is moved once
            del self.entries[: self.start]
            self.start = 0

    def last_position(self, revision: int) -> int:
        """Return the position of the last entry at or below a revision."""
        index = bisect_right(self.entries, revision, lo=self.start, key=lambda entry: entry.event.revision)
        return self.entries[index - 1].position if index > self.start else self.lost_position

    def after(self, position: int) -> Sequence[_Entry]:
        index = bisect_right(self.entries, position, lo=self.start, key=lambda entry: entry.position)
        return self.entries[index:]

    @property
    def unused(self) -> bool:
        return self.start == len(self.entries) and not self.bells


class Tail:
    """Recently committed (and ephemeral) events, bounded by their bytes."""

    def __init__(self, head: int, *, max_bytes: int = 64 * 1024 * 1024) -> None:
        self.head = head
        """The revision of the newest durable event announced."""
        self._floor = head
        self._position = 0
        self._max_bytes = max_bytes
        self._bytes = 0
        self._all: deque[_Entry] = deque()
        self._runs: dict[str, _Run] = {}
        self._reads: dict[tuple[Selection, int, int, bool], tuple[Batch, int]] = {}

    def begin(self, head: int) -> None:
        """Say where the log stands before anything was announced."""
        self.head = self._floor = head

    def announce(self, events: Sequence[StoredEvent], head: int) -> None:
        """Take durable events up to revision `head`, or ephemeral ones at the present head, and wake who waits."""
        rung = {EVERYTHING}
        self._reads.clear()
        self.head = max(self.head, head)
        for event in events:
            self._position += 1
            entry = _Entry(self._position, event)
            self._all.append(entry)
            self._bytes += len(event.record)
            for topic in _topics_of(event):
                self._run(topic).entries.append(entry)
                rung.add(topic)
        while self._bytes > self._max_bytes and len(self._all) > 1:
            self._evict()
        for topic in rung:
            if run := self._runs.get(topic):
                for bell in run.bells:
                    bell.set()

    @contextmanager
    def listening(self, selection: Selection) -> Iterator[asyncio.Event]:
        """Give a bell that is set whenever something of the selection may have come; the listener clears it."""
        bell = asyncio.Event()
        topics = _topics_for(selection)
        for topic in topics:
            self._run(topic).bells.add(bell)
        try:
            yield bell
        finally:
            for topic in topics:
                run = self._runs[topic]
                run.bells.discard(bell)
                if run.unused:
                    del self._runs[topic]

    def join(self, selection: Selection, revision: int) -> int | None:
        """Return the position right after `revision`, None if the tail has lost something that follows it.

        Call it while listening to the selection.
        """
        runs = [self._runs[topic] for topic in _topics_for(selection)]
        if any(revision < run.lost_revision for run in runs):
            return None
        if revision >= self.head:
            return self._position
        return max(run.last_position(revision) for run in runs)

    def read(
        self, selection: Selection, position: int, *, ephemeral: bool, max_bytes: int
    ) -> tuple[Batch, int]:
        """Return the matching events after `position` and the position after them; raises FellBehind.

        The batch holds at most `max_bytes`, but at least one event if there is any. Watchers at the same position
        share one batch. Call it while listening to the selection.
        """
        runs = [self._runs[topic] for topic in _topics_for(selection)]
        if any(position < run.lost_position for run in runs):
            raise FellBehind(sum(run.lost_ephemeral for run in runs))
        key = (selection, position, max_bytes, ephemeral)
        found = self._reads.get(key)
        if found is None:
            found = self._reads[key] = self._collect(runs, selection, position, ephemeral, max_bytes)
        return found

    def _collect(
        self, runs: Sequence[_Run], selection: Selection, position: int, ephemeral: bool, max_bytes: int
    ) -> tuple[Batch, int]:
        events: list[StoredEvent] = []
        size = 0
        for entry in heapq.merge(*(run.after(position) for run in runs), key=lambda entry: entry.position):
            event = entry.event
            if (event.sequence == 0 and not ephemeral) or not selection.matches(event):
                continue
            size += len(event.record)
            if size > max_bytes and events:
                return Batch(events, events[-1].revision), position
            events.append(event)
            position = entry.position
        return Batch(events, self.head), self._position

    def _run(self, topic: str) -> _Run:
        run = self._runs.get(topic)
        if run is None:
            lost = (self._all[0].position if self._all else self._position + 1) - 1
            run = self._runs[topic] = _Run(lost_position=lost, lost_revision=self._floor)
        return run

    def _evict(self) -> None:
        event = self._all.popleft().event
        self._bytes -= len(event.record)
        self._floor = event.revision
        for topic in _topics_of(event):
            run = self._runs[topic]
            run.lose_first()
            if run.unused:
                del self._runs[topic]


def _topics_of(event: StoredEvent) -> tuple[str, str, str]:
    return EVERYTHING, f"w:{event.workspace_id}", event.session_id


def _topics_for(selection: Selection) -> tuple[str, ...]:
    """Name the fewest runs that hold all of the selection."""
    if selection.session_ids:
        return tuple(selection.session_ids)
    if selection.workspace_id is not None:
        return (f"w:{selection.workspace_id}",)
    return (EVERYTHING,)
