"""A small log with a tail before it: commits of this node and of others, and what is only shown."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from greenroomd.app.ports.storage import BEGINNING, Selection, StoredEvent
from greenroomd.app.watch.tail import Tail
from greenroomd.app.watch.watch import Watch
from greenroomd.domain.errors import CursorBelowFloor
from greenroomd.domain.events import EventType

WORKSPACE_OF = {"s0": "w0", "s1": "w0", "s2": "w1", "s3": "w1"}
PAGE = 3


def only(*session_ids: str, **more: object) -> Selection:
    """Select sessions."""
    return Selection(session_ids=frozenset(session_ids), **more)  # type: ignore[arg-type]  # types


class Log:
    """What the store keeps, in one list; `announce` is the tail's."""

    def __init__(self, *, max_bytes: int = 64 * 1024 * 1024) -> None:
        self.events_kept: list[StoredEvent] = []
        self.shown: list[StoredEvent] = []
        self.oldest = 1
        self.tail = Tail(0, max_bytes=max_bytes)
        self.reads = 0
        """How often a watcher has read the store."""
        self._unannounced: list[list[StoredEvent]] = []

    @property
    def head(self) -> int:
        return len(self.events_kept)

    def commit(
        self,
        session_id: str,
        *,
        kind: EventType = EventType.TURN_STARTED,
        size: int = 1,
        count: int = 1,
        announced: bool = True,
    ) -> None:
        """Commit events as one batch of this node; unless `announced` now, that comes later, but in order."""
        self._unannounced.append([self._append(session_id, kind, size) for _ in range(count)])
        if announced:
            self.announce()

    def announce(self) -> None:
        """Announce what was committed here."""
        for batch in self._unannounced:
            self.tail.announce(batch, batch[-1].revision)
        self._unannounced.clear()

    def commit_elsewhere(
        self, session_id: str, *, kind: EventType = EventType.TURN_STARTED, size: int = 1
    ) -> None:
        """Commit an event on another node: this one will only notice that a revision is missing."""
        self._append(session_id, kind, size)

    def hear_of_the_others(self) -> None:
        """Learn where the log stands, as from a notification."""
        self.tail.announce((), self.head)

    def show(self, session_id: str, *, size: int = 1) -> None:
        """Show an ephemeral event."""
        event = self._event(self.tail.head, session_id, 0, EventType.MESSAGE_DELTA, size)
        self.shown.append(event)
        self.tail.announce([event], self.tail.head)

    def after(self, selection: Selection, revision: int, up_to: int) -> list[StoredEvent]:
        """Return what a watcher must have seen that began after a revision and stands at another."""
        return [event for event in self.events_kept[revision:up_to] if selection.matches(event)]

    async def events(
        self,
        selection: Selection,
        *,
        after: int,
        limit: int,
        up_to: int | None = None,
        descending: bool = False,
    ) -> Sequence[StoredEvent]:
        """Return a page as `Store.events` promises it, a short one, in which others may get a word in."""
        assert not descending
        self.reads += 1
        await asyncio.sleep(0)
        if after == BEGINNING:
            after = self.oldest - 1
        if after + 1 < self.oldest:
            raise CursorBelowFloor(oldest=self.oldest, head=self.head)
        page = self.after(selection, after, self.head if up_to is None else up_to)
        await asyncio.sleep(0)
        return page[: min(PAGE, limit)]

    def watch(
        self, *, quiet: timedelta = timedelta(hours=1), per_session: int = 50, per_node: int = 100
    ) -> Watch:
        """Return a watch over the log, in which it is never quiet unless asked for."""
        return Watch(self, self.tail, quiet=quiet, per_session=per_session, per_node=per_node)  # type: ignore[arg-type]  # it only reads

    def _append(self, session_id: str, kind: EventType, size: int) -> StoredEvent:
        sequence = sum(event.session_id == session_id for event in self.events_kept) + 1
        event = self._event(self.head + 1, session_id, sequence, kind, size)
        self.events_kept.append(event)
        return event

    @staticmethod
    def _event(revision: int, session_id: str, sequence: int, kind: EventType, size: int) -> StoredEvent:
        workspace_id = WORKSPACE_OF[session_id]
        return StoredEvent(revision, session_id, workspace_id, sequence, kind, "", b"x" * size)
