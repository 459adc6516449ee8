"""Retention over a real socket: nobody who is connected is overtaken; who was away too long learns where to go on."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Sequence

import grpc.aio
import pytest
from google.rpc.error_details_pb2 import ErrorInfo

from greenroom.v1.event_pb2 import EVENT_TYPE_SESSION_CREATED, EVENT_TYPE_SESSION_UPDATED, EventType
from greenroom.v1.event_service_pb2 import (
    WATCH_START_BEGINNING,
    ListEventsRequest,
    WatchEventsRequest,
    WatchEventsResponse,
)
from greenroom.v1.session_pb2 import Session
from greenroom.v1.session_service_pb2 import START_MODE_MANUAL
from greenroom_server import GreenroomServer
from shared_servers import SharedServers
from story import create, detail_of, rename, sequences

KEPT = 12  # lifecycle events of a session, where one message would be kept
LIFECYCLE = [EVENT_TYPE_SESSION_CREATED, EVENT_TYPE_SESSION_UPDATED]

WatchCall = AsyncIterable[WatchEventsResponse]


@pytest.fixture
async def forgetful(servers: SharedServers) -> AsyncIterator[GreenroomServer]:
    """A server that keeps next to nothing."""
    settings = {"retention_events": "1", "retention_interval": "100ms", "bookmark_interval": "100ms"}
    async with servers.fake(**settings) as running:
        yield running


async def read_up_to(call: WatchCall, revision: int) -> list[int]:
    """Return the sequences of a watch up to the bookmark at or behind a revision."""
    seen: list[int] = []
    async with asyncio.timeout(60):
        async for frame in call:
            seen += sequences(list(frame.events))
            if frame.bookmark.revision >= revision:
                return seen
    raise AssertionError("the watch ended")


async def until_cut(
    server: GreenroomServer, session: Session, oldest: int, types: Sequence[EventType.ValueType] = ()
) -> None:
    """Wait until the oldest event of a session that is left is not older than a sequence."""
    request = ListEventsRequest(session_id=session.session_id, types=types)
    async with asyncio.timeout(60):
        while True:
            page = await server.events.ListEvents(request)
            if page.events[0].sequence >= oldest:
                return
            await asyncio.sleep(0.05)


async def until_floor(server: GreenroomServer, session: Session, cursor: str, revision: int) -> None:
    """Wait until the log of a session refuses a cursor and names `revision` as the oldest one that is left."""
    request = ListEventsRequest(session_id=session.session_id, after=cursor)
    async with asyncio.timeout(60):
        while True:
            try:
                await server.events.ListEvents(request)
            except grpc.aio.AioRpcError as refusal:
                if detail_of(refusal, ErrorInfo()).metadata["oldest_revision"] == str(revision):
                    return
            await asyncio.sleep(0.05)


async def test_connected_watchers_are_never_overtaken(forgetful: GreenroomServer) -> None:
    quiet = await create(forgetful, start_mode=START_MODE_MANUAL)
    busy = await create(forgetful, start_mode=START_MODE_MANUAL)
    selections = [quiet.session_id], [busy.session_id], [quiet.session_id, busy.session_id]
    calls = [
        forgetful.events.WatchEvents(WatchEventsRequest(session_ids=chosen, start=WATCH_START_BEGINNING))
        for chosen in selections
    ]
    for call in calls:
        await call.initial_metadata()
    busy = await rename(forgetful, busy, 40)
    await until_cut(forgetful, busy, 2, LIFECYCLE)
    busy = await rename(forgetful, busy, 5)
    everything = list(range(1, busy.last_sequence + 1))
    seen = [await read_up_to(call, busy.revision) for call in calls]
    assert seen == [[1], everything, [1, *everything]]


async def test_a_cursor_from_before_the_cut_is_refused_with_the_way_on(forgetful: GreenroomServer) -> None:
    quiet = await create(forgetful, start_mode=START_MODE_MANUAL)
    [created] = (await forgetful.events.ListEvents(ListEventsRequest(session_id=quiet.session_id))).events
    first = created.cursor
    busy = await create(forgetful, start_mode=START_MODE_MANUAL)
    busy = await rename(forgetful, busy, 40)
    await until_cut(forgetful, busy, busy.last_sequence - KEPT + 1, LIFECYCLE)
    await until_floor(forgetful, busy, first, busy.revision)
    await forgetful.stop()
    await forgetful.start()  # what is still in memory is not refused
    for cut in (
        WatchEventsRequest(session_ids=[busy.session_id], after=first),
        WatchEventsRequest(after=first),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await forgetful.events.WatchEvents(cut).read()
        assert refusal.value.code() is grpc.StatusCode.OUT_OF_RANGE
        info = detail_of(refusal.value, ErrorInfo())
        assert (info.reason, info.domain) == ("CURSOR_BELOW_FLOOR", "greenroom.v1")
        assert dict(info.metadata) == {
            "oldest_revision": str(busy.revision), "head_revision": str(busy.revision),
        }  # fmt: skip
    call = forgetful.events.WatchEvents(WatchEventsRequest(session_ids=[quiet.session_id], after=first))
    # The neighbour lost nothing, and neither did its watcher.
    assert await read_up_to(call, busy.revision) == []
