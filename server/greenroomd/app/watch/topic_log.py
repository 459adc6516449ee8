"""The entries of the tail that belong to one topic: a session, a workspace, or everything.

Each topic has its own list of entries, so that a watcher of one session never looks at another's.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from greenroomd.app.ports.storage import Selection, StoredEvent
from greenroomd.app.watch.wakeups import Wakeup
from greenroomd.domain.events import EventType

EVERYTHING = "*"


@dataclass(slots=True)
class Entry:
    """An event in the tail; positions rise by one over all topics and kinds of events."""

    position: int
    event: StoredEvent


_LOST: Final = Entry(0, StoredEvent(0, "", "", 0, EventType.SESSION_DELETED, "", b""))


@dataclass(slots=True)
class TopicLog:
    """The entries of one topic, oldest first, and how much of the topic was dropped before them."""

    lost_position: int
    """The position up to which entries were dropped."""
    lost_revision: int
    """The revision up to which events were dropped."""
    lost_ephemeral: int = 0
    """How many ephemeral events were dropped."""
    start: int = 0
    """The index of the first entry that is kept. Below it are placeholders, which are removed many at a time."""
    entries: list[Entry] = field(default_factory=list)
    """The entries, from index `start` on."""
    ephemerals: list[int] = field(default_factory=list)
    """For each entry, how many ephemeral events the topic has had up to and including it."""
    wakeups: dict[Wakeup, None] = field(default_factory=dict)
    """The listeners' wakeups: a dict used as an ordered set, since it is fast to iterate."""

    def add(self, entry: Entry) -> None:
        """Append the newest entry."""
        self.ephemerals.append(self.ephemeral + (entry.event.sequence == 0))
        self.entries.append(entry)

    def lose_first(self) -> None:
        """Drop the oldest entry."""
        entry = self.entries[self.start]
        self.lost_position, self.lost_revision = entry.position, entry.event.revision
        self.lost_ephemeral = self.ephemerals[self.start]
        self.entries[self.start] = _LOST  # so that its event can be freed at once
        self.start += 1
        if self.start > 64 and self.start * 2 > len(self.entries):  # amortized: an entry is moved once
            del self.entries[: self.start], self.ephemerals[: self.start]
            self.start = 0

    def lose_all(self, position: int, revision: int) -> None:
        """Drop all entries; everything up to a position and a revision counts as dropped."""
        self.lost_position, self.lost_revision, self.lost_ephemeral = position, revision, self.ephemeral
        self.entries, self.ephemerals, self.start = [], [], 0

    def last_position(self, revision: int) -> int:
        """Return the position of the last entry at or below a revision."""
        index = bisect_right(self.entries, revision, lo=self.start, key=lambda entry: entry.event.revision)
        return self.entries[index - 1].position if index > self.start else self.lost_position

    def after(self, position: int) -> Sequence[Entry]:
        """Return the entries after a position."""
        return self.entries[self._index(position) :]

    def ephemeral_up_to(self, position: int) -> int:
        """Return how many ephemeral events there were up to a position that is not dropped."""
        index = self._index(position)
        return self.ephemerals[index - 1] if index > self.start else self.lost_ephemeral

    @property
    def ephemeral(self) -> int:
        """How many ephemeral events there were."""
        return self.ephemerals[-1] if self.start < len(self.entries) else self.lost_ephemeral

    @property
    def unused(self) -> bool:
        """Whether it has neither entries nor listeners."""
        return self.start == len(self.entries) and not self.wakeups

    def _index(self, position: int) -> int:
        return bisect_right(self.entries, position, lo=self.start, key=lambda entry: entry.position)


def topics_of(event: StoredEvent) -> tuple[str, str, str]:
    """Return the topics that an event belongs to."""
    return EVERYTHING, workspace_topic(event.workspace_id), event.session_id


def workspace_topic(workspace_id: str) -> str:
    """Return the topic of a workspace."""
    return f"w:{workspace_id}"


def topics_for(selection: Selection) -> tuple[str, ...]:
    """Return the fewest topics that contain the whole selection."""
    if selection.session_ids:
        return tuple(selection.session_ids)
    if (workspaces := selection.workspaces) is not None:
        return tuple(map(workspace_topic, workspaces))
    return (EVERYTHING,)
