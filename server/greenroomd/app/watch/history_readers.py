"""Who reads old events from the store: retention overtakes nobody who goes on reading."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from greenroomd.app.ports.event_log import BEGINNING


@dataclass(slots=True, eq=False)
class HistoryReader:
    """One watcher that is behind the tail."""

    cursor: int
    """The revision up to which it has read; BEGINNING: nothing yet, so that it begins at whatever floor there is."""
    behind: bool = True
    """Whether it reads from the store, not from the tail."""
    reads: bool = True
    """Whether it has come, or has read on, since the round began."""


class HistoryReaders:
    """All of them on this node."""

    def __init__(self) -> None:
        self._readers: set[HistoryReader] = set()

    @contextmanager
    def joined(self, cursor: int) -> Iterator[HistoryReader]:
        """Yield the record of a watcher that begins after `cursor`; it keeps the record true while the block runs."""
        reader = HistoryReader(cursor)
        self._readers.add(reader)
        try:
            yield reader
        finally:
            self._readers.discard(reader)

    def begin_round(self) -> None:
        """Begin to look anew at who reads: whoever does not read on until the events are cut is not waited for."""
        for reader in self._readers:
            reader.reads = False

    def spared(self, revision: int) -> int:
        """Return the revision up to which events may be cut: `revision`, or less if somebody has yet to read them."""
        unread = [each.cursor for each in self._readers if each.behind and each.reads]
        return min([revision, *(cursor for cursor in unread if cursor != BEGINNING)])
