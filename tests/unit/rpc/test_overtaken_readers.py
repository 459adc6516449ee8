"""Who reads from the beginning is never refused, though the log is cut before each of its reads."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from greenroom.v1.event_service_pb2 import WATCH_START_BEGINNING, ListEventsRequest, WatchEventsRequest
from greenroomd.app.ports.compaction import Part
from greenroomd.app.ports.storage import Selection, StoredEvent
from greenroomd.store.sql_store import SqlStore
from unit.rpc.conftest import Edge, running_edge
from unit.rpc.refusal import refused

STORED = 10  # events
CUT = 2  # events, before each read


class CutBeforeEachRead:
    """The log of a store that loses its oldest events whenever somebody is about to read some."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self._up_to = 0

    @property
    def head(self) -> int:
        return self._store.head

    async def reach(self, revision: int) -> int:
        return await self._store.reach(revision)

    async def events(
        self,
        selection: Selection,
        *,
        after: int,
        limit: int,
        up_to: int | None = None,
        descending: bool = False,
    ) -> Sequence[StoredEvent]:
        self._up_to += CUT
        later = datetime.now(UTC) + timedelta(days=1)
        await self._store.compactor.cut_old(Part.LIFECYCLE, before=later, up_to=self._up_to)
        return await self._store.events(
            selection, after=after, limit=limit, up_to=up_to, descending=descending
        )

    async def whole_event(self, revision: int) -> tuple[StoredEvent, bytes]:
        return await self._store.whole_event(revision)

    async def floor(self, selection: Selection) -> int:
        return await self._store.floor(selection)


@pytest.fixture
async def shrinking(tmp_path: Path) -> AsyncIterator[Edge]:
    """A server that has `STORED` events, and fewer before each read."""
    async with running_edge(tmp_path, read_through=CutBeforeEachRead) as edge:
        for _ in range(STORED):
            await edge.create()
        yield edge


async def test_a_list_from_the_beginning_begins_with_the_oldest_that_is_left(shrinking: Edge) -> None:
    request = ListEventsRequest(workspace_id="-", page_size=1)
    page = await shrinking.events.ListEvents(request)
    assert [event.revision for event in page.events] == [CUT + 1]
    # What followed the page is gone by now: whoever goes on has missed it, and is told so.
    request.page_token = page.next_page_token
    assert (await refused(shrinking.events.ListEvents(request))).reason == "CURSOR_BELOW_FLOOR"


async def test_a_watch_from_the_beginning_begins_with_the_oldest_that_is_left(shrinking: Edge) -> None:
    call = shrinking.events.WatchEvents(WatchEventsRequest(workspace_id="-", start=WATCH_START_BEGINNING))
    seen: list[int] = []
    async for frame in call:
        seen += [event.revision for event in frame.events]
        if frame.HasField("synced"):
            break
    call.cancel()
    assert seen == list(range(seen[0], STORED + 1))
    assert seen[0] > CUT + 1  # it was cut after the watch was planned, too


async def test_a_watch_that_has_seen_nothing_yet_is_sent_away_without_a_cursor(shrinking: Edge) -> None:
    shrinking.drain.begin()
    call = shrinking.events.WatchEvents(WatchEventsRequest(workspace_id="-", start=WATCH_START_BEGINNING))
    (last,) = [frame async for frame in call]
    assert last.HasField("draining")
    assert last.cursor == ""
