"""Who watches one kind of ephemeral events, so that what nobody watches need not be made."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

from greenroomd.app.ports.storage import Selection
from greenroomd.app.watch.topic_log import EVERYTHING, topics_for, workspace_topic
from greenroomd.domain.events import EventType


class Audience:
    """Counts the watchers of one type of events, by what they watch."""

    def __init__(self, type: EventType) -> None:
        self._type = type
        self._of_topic: Counter[str] = Counter()
        self._present = asyncio.Event()
        self._newcomer = asyncio.Event()

    @contextmanager
    def joined(self, selection: Selection) -> Iterator[None]:
        """Count a watcher of a selection while the block runs, if its events may be of the type."""
        if selection.types and self._type not in selection.types:
            yield
            return
        topics = topics_for(selection)
        self._of_topic.update(topics)
        self._present.set()
        self._newcomer.set()
        try:
            yield
        finally:
            self._of_topic.subtract(topics)
            self._of_topic += Counter()  # drop the zeros
            if not self._of_topic:
                self._present.clear()

    async def present(self) -> None:
        """Wait until there is a watcher."""
        await self._present.wait()
        self._newcomer.clear()

    async def newcomer(self, within: timedelta) -> None:
        """Wait until there is a watcher more than when `present` returned, but only so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within.total_seconds()):
                await self._newcomer.wait()

    def watches(self, session_id: str, workspace_id: str) -> bool:
        """Whether somebody watches a session."""
        topics = (session_id, workspace_topic(workspace_id), EVERYTHING)
        return any(topic in self._of_topic for topic in topics)
