"""The log over a real socket: where a watch begins, what it says, when it ends; and the same as history."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.struct_pb2 import Struct
from google.rpc.error_details_pb2 import BadRequest

from greenroom.v1 import event_pb2
from greenroom.v1.event_pb2 import Event
from greenroom.v1.event_service_pb2 import (
    EVENT_ORDER_DESCENDING,
    WATCH_START_BEGINNING,
    GetEventRequest,
    ListEventsRequest,
    WatchEventsRequest,
    WatchEventsResponse,
)
from greenroom.v1.event_service_pb2_grpc import EventServiceStub
from greenroom.v1.session_service_pb2 import CloseSessionRequest, ListSessionsRequest
from greenroom.v1.turn_service_pb2 import ListTurnsRequest, RunTurnRequest
from greenroomd.rpc.convert.enums import MAX_NUMBERS
from greenroomd.rpc.stream.cursor_codec import CursorCodec
from greenroomd.rpc.stream.watch_stream import MAX_SESSIONS
from unit.rpc.conftest import MOST_WATCHERS, Edge, running_edge
from unit.rpc.refusal import Refusal, refused

NOBODY = "5c6f0f4e-7a52-4d9e-9d0b-0c8a3f1e2d4b"
CREATED = event_pb2.EVENT_TYPE_SESSION_CREATED
CLOSED = event_pb2.EVENT_TYPE_SESSION_CLOSED
STATE_CHANGED = event_pb2.EVENT_TYPE_SESSION_STATE_CHANGED


class Watcher:
    """Reads a watch frame by frame."""

    def __init__(self, edge: Edge, **request: object) -> None:
        self._call = edge.events.WatchEvents(WatchEventsRequest(**request), timeout=60)  # type: ignore[arg-type]

    async def frame(self) -> WatchEventsResponse:
        """Return the next frame."""
        frame = await self._call.read()
        assert isinstance(frame, WatchEventsResponse), "the stream has ended"
        return frame

    async def synced(self) -> WatchEventsResponse:
        """Return the next frame, which says that the stream is live."""
        frame = await self.frame()
        assert frame.HasField("synced"), frame
        return frame

    async def events(self, count: int) -> list[Event]:
        """Return the next events; other frames are passed over."""
        found: list[Event] = []
        while len(found) < count:
            found += (await self.frame()).events
        return found

    async def rest(self) -> list[WatchEventsResponse]:
        """Return all frames up to the end of the stream."""
        return [frame async for frame in self._frames()]

    async def _frames(self) -> AsyncIterator[WatchEventsResponse]:
        while isinstance(frame := await self._call.read(), WatchEventsResponse):
            yield frame

    async def refusal(self) -> Refusal:
        """Return how the watch is refused."""
        return await refused(self.rest())

    def cancel(self) -> None:
        """Go away."""
        self._call.cancel()


async def close(edge: Edge, session_id: str) -> None:
    await edge.sessions.CloseSession(CloseSessionRequest(session_id=session_id))


async def test_a_watch_from_now_is_live_at_once(edge: Edge) -> None:
    await edge.create()
    watcher = Watcher(edge, workspace_id="-")
    synced = await watcher.synced()
    assert synced.synced.revision == edge.store.head
    made = await edge.create()
    (event,) = await watcher.events(1)
    assert (event.type, event.session_created.session.session_id) == (CREATED, made.session_id)
    assert (event.sequence, event.revision) == (1, edge.store.head)
    watcher.cancel()


async def test_the_metadata_says_that_nothing_is_missed_from_here(edge: Edge) -> None:
    call: Any = edge.events.WatchEvents(WatchEventsRequest(workspace_id="-"), timeout=60)
    await call.initial_metadata()
    made = await edge.create()
    seen: list[Event] = []
    while not seen:
        seen += (await call.read()).events
    assert seen[0].session_id == made.session_id
    call.cancel()


async def test_a_watch_from_the_beginning_says_when_it_is_live(edge: Edge) -> None:
    one, two = await edge.create(), await edge.create()
    watcher = Watcher(edge, workspace_id="-", start=WATCH_START_BEGINNING)
    assert [event.session_id for event in await watcher.events(2)] == [one.session_id, two.session_id]
    assert (await watcher.synced()).synced.revision == edge.store.head
    watcher.cancel()


async def test_a_history_without_a_match_is_live_at_once(edge: Edge) -> None:
    session = await edge.create()
    types = [CLOSED]
    watcher = Watcher(edge, session_ids=[session.session_id], start=WATCH_START_BEGINNING, types=types)
    await watcher.synced()
    await close(edge, session.session_id)
    (event,) = await watcher.events(1)
    assert event.type == CLOSED
    watcher.cancel()


async def test_a_cursor_goes_on_with_exactly_the_next_event(edge: Edge) -> None:
    session = await edge.create()
    await close(edge, session.session_id)
    whole = Watcher(edge, session_ids=[session.session_id], start=WATCH_START_BEGINNING, until_closed=True)
    events = [event for frame in await whole.rest() for event in frame.events]
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    for index, event in enumerate(events[:-1]):
        rest = Watcher(edge, session_ids=[session.session_id], after=event.cursor, until_closed=True)
        assert [e for frame in await rest.rest() for e in frame.events] == events[index + 1 :]


async def test_every_frame_after_the_snapshot_has_a_cursor(edge: Edge) -> None:
    session = await edge.create()
    watcher = Watcher(edge, session_ids=[session.session_id], initial_state=True, until_closed=True)
    snapshot = await watcher.frame()
    assert [s.session_id for s in snapshot.sessions] == [session.session_id]
    assert not snapshot.sessions[0].config.HasField("system_prompt")
    await watcher.synced()
    await close(edge, session.session_id)
    frames = await watcher.rest()
    assert all(frame.cursor for frame in frames)
    assert frames[-1].cursor == frames[-1].events[-1].cursor
    assert frames[-1].events[-1].type == CLOSED


async def test_a_snapshot_of_a_workspace_has_all_its_sessions(edge: Edge) -> None:
    made = {(await edge.create(workspace_id=name)).session_id for name in ("a", "a", "b")}
    watcher = Watcher(edge, workspace_id="-", initial_state=True)
    assert {s.session_id for s in (await watcher.frame()).sessions} == made
    await watcher.synced()
    of_a = Watcher(edge, workspace_id="a", initial_state=True)
    assert len((await of_a.frame()).sessions) == 2
    watcher.cancel()
    of_a.cancel()


async def test_a_watch_until_closed_ends_although_it_filters_the_end_out(edge: Edge) -> None:
    one, two = await edge.create(), await edge.create()
    ids = [one.session_id, two.session_id]
    watcher = Watcher(edge, session_ids=ids, types=[STATE_CHANGED], until_closed=True)
    await watcher.synced()
    await close(edge, one.session_id)
    await close(edge, two.session_id)
    events = [event for frame in await watcher.rest() for event in frame.events]
    assert {event.type for event in events} == {STATE_CHANGED}
    assert {event.session_id for event in events} == set(ids)


async def test_a_watch_until_closed_of_what_is_over_ends_at_once(edge: Edge) -> None:
    session = await edge.create()
    await close(edge, session.session_id)
    frames = await Watcher(edge, session_ids=[session.session_id], until_closed=True).rest()
    assert [frame.WhichOneof("control") for frame in frames] == ["synced"]


async def test_quiet_is_told_by_a_bookmark(tmp_path: Path) -> None:
    async with running_edge(tmp_path, quiet=timedelta(milliseconds=20)) as edge:
        session = await edge.create(workspace_id="elsewhere")
        watcher = Watcher(edge, workspace_id="here")
        await watcher.synced()
        await close(edge, session.session_id)
        while (frame := await watcher.frame()).bookmark.revision != edge.store.head:
            assert frame.HasField("bookmark")
        again = Watcher(edge, workspace_id="here", after=frame.cursor)
        await again.synced()
        watcher.cancel()
        again.cancel()


async def test_a_list_of_sessions_says_where_to_watch_from(edge: Edge) -> None:
    page = await edge.sessions.ListSessions(ListSessionsRequest())
    made = await edge.create()
    watcher = Watcher(edge, after=page.cursor)
    assert [event.session_id for event in await watcher.events(1)] == [made.session_id]
    watcher.cancel()


async def test_a_server_that_goes_away_says_so(tmp_path: Path) -> None:
    async with running_edge(tmp_path) as edge:
        watcher = Watcher(edge, workspace_id="-")
        synced = await watcher.synced()
        edge.drain.begin()
        (last,) = await watcher.rest()
        assert last.HasField("draining")
        assert last.cursor == synced.cursor
        late = await Watcher(edge, workspace_id="-").rest()
        assert [frame.WhichOneof("control") for frame in late] == ["synced", "draining"]


async def test_a_watch_of_nobody_is_refused(edge: Edge) -> None:
    refusal = await Watcher(edge, session_ids=[NOBODY]).refusal()
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "SESSION_NOT_FOUND")


@pytest.mark.parametrize(
    "cursor", ["", "nonsense", CursorCodec(NOBODY).cursor(0).decode()], ids=["empty", "nonsense", "foreign"]
)
async def test_a_cursor_that_is_not_ours_is_refused(edge: Edge, cursor: str) -> None:
    refusal = await Watcher(edge, after=cursor).refusal()
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_CURSOR")
    assert [v.field for v in refusal.detail(BadRequest).field_violations] == ["after"]


async def test_a_cursor_of_the_future_is_refused(edge: Edge) -> None:
    cursor = CursorCodec(edge.store.store_id).cursor(edge.store.head + 1).decode()
    assert (await Watcher(edge, after=cursor).refusal()).reason == "INVALID_CURSOR"


async def test_every_problem_of_a_watch_is_told(edge: Edge) -> None:
    watcher = Watcher(
        edge,
        session_ids=["", *(["x"] * 1000)],
        types=[0, 999],
        start=WATCH_START_BEGINNING,
        initial_state=True,
    )
    violations = (await watcher.refusal()).detail(BadRequest).field_violations
    assert {v.field for v in violations} == {
        "session_ids",
        "session_ids[0]",
        "types[0]",
        "types[1]",
        "initial_state",
    }
    refusal = await Watcher(edge, until_closed=True, start=9).refusal()
    assert {v.field for v in refusal.detail(BadRequest).field_violations} == {"until_closed", "start"}


@pytest.mark.parametrize(
    ("field", "most", "given"),
    [("types", MAX_NUMBERS, [0] * 1_000_000), ("session_ids", MAX_SESSIONS, [""] * 100_000)],
    ids=["types", "session_ids"],
)
async def test_what_is_too_much_of_a_list_is_counted_not_judged(
    edge: Edge, field: str, most: int, given: list[Any]
) -> None:
    refusal = await Watcher(edge, **{field: given}).refusal()
    first, *shown, rest = refusal.detail(BadRequest).field_violations
    assert first.description == f"must have at most {most} entries, has {len(given)}"
    assert rest.description == f"{most - len(shown)} more violations are not shown"


async def test_history_reads_the_same_in_both_directions(edge: Edge) -> None:
    session = await edge.create()
    await close(edge, session.session_id)
    forwards = await history(edge, ListEventsRequest(session_id=session.session_id, page_size=2))
    backwards = await history(
        edge, ListEventsRequest(session_id=session.session_id, page_size=2, order=EVENT_ORDER_DESCENDING)
    )
    assert len(forwards) > 2
    assert forwards == backwards[::-1]
    behind = ListEventsRequest(session_id=session.session_id, after=forwards[1].cursor)
    assert await history(edge, behind) == forwards[2:]
    behind.order = EVENT_ORDER_DESCENDING
    assert await history(edge, behind) == forwards[1::-1]


async def history(edge: Edge, request: ListEventsRequest) -> list[Event]:
    """Return all pages."""
    events: list[Event] = []
    while True:
        page = await edge.events.ListEvents(request)
        events += page.events
        if not page.next_page_token:
            return events
        request.page_token = page.next_page_token


async def test_history_of_nobody_is_refused(edge: Edge) -> None:
    refusal = await refused(edge.events.ListEvents(ListEventsRequest(session_id=NOBODY)))
    assert refusal.reason == "SESSION_NOT_FOUND"
    refusal = await refused(edge.events.ListEvents(ListEventsRequest(page_size=-1, order=7)))  # type: ignore[arg-type]
    assert {v.field for v in refusal.detail(BadRequest).field_violations} == {"page_size", "order"}


@pytest.mark.parametrize("size", [1_000, 300_000, 2_500_000])
async def test_an_event_can_be_had_whole(edge: Edge, size: int) -> None:
    session = await edge.create()
    prompt = "é" * (size // 2)
    request = RunTurnRequest(session_id=session.session_id, prompt=prompt)
    events = [event async for frame in edge.turns.RunTurn(request) for event in frame.events]
    queued = next(event for event in events if event.type == event_pb2.EVENT_TYPE_TURN_QUEUED)
    assert queued.truncated == (size > 200_000)

    frames = [frame async for frame in edge.events.GetEvent(GetEventRequest(event_id=queued.event_id))]
    whole = frames[0].event
    if len(frames) > 1:
        assert whole.truncated
        data = b"".join(frame.data for frame in frames)
        assert len(data) == frames[0].total_bytes
        whole = Event.FromString(data)
    assert len(frames) == (1 if size < 1_000_000 else 4)
    assert not whole.truncated
    assert whole.turn_queued.turn.prompt == prompt
    assert (whole.event_id, whole.cursor, whole.sequence) == (queued.event_id, queued.cursor, queued.sequence)


async def test_an_event_of_another_session_or_none_is_not_found(edge: Edge) -> None:
    one, two = await edge.create(), await edge.create()
    (event,) = await history(edge, ListEventsRequest(session_id=one.session_id))
    for request in (
        GetEventRequest(event_id=event.event_id, session_id=two.session_id),
        GetEventRequest(event_id=NOBODY),
        GetEventRequest(event_id=CursorCodec(edge.store.store_id).event_id(10**6).decode()),
    ):
        refusal = await refused(anext(aiter(edge.events.GetEvent(request))))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "EVENT_NOT_FOUND")


async def test_a_client_that_leaves_ends_its_watch(edge: Edge) -> None:
    watcher = Watcher(edge, workspace_id="-")
    await watcher.synced()
    watcher.cancel()
    while ("EventService", "WatchEvents", "CANCELLED") not in edge.seen.calls:
        await edge.sessions.ListSessions(ListSessionsRequest())


async def test_a_client_that_does_not_read_may_leave_in_the_middle_of_a_frame(edge: Edge) -> None:
    metadata = Struct()
    metadata.update({"filler": "x" * 60_000})
    for _ in range(150):  # 9 MB: more than HTTP/2 takes in for a reader that has stopped
        await edge.create(metadata=metadata)
    watcher = Watcher(edge, workspace_id="-", start=WATCH_START_BEGINNING)
    await watcher.frame()
    watcher.cancel()
    while not any(method == "WatchEvents" for _, method, _ in edge.seen.calls):
        await edge.sessions.ListSessions(ListSessionsRequest(page_size=1))
    assert ("EventService", "WatchEvents", "CANCELLED") in edge.seen.calls


async def test_a_server_ends_although_a_watcher_does_not_read(tmp_path: Path) -> None:
    metadata = Struct()
    metadata.update({"filler": "x" * 60_000})
    async with grpc.aio.insecure_channel(f"unix:{tmp_path}/socket") as channel:
        async with running_edge(tmp_path) as edge:
            for _ in range(150):
                await edge.create(metadata=metadata)
            request = WatchEventsRequest(workspace_id="-", start=WATCH_START_BEGINNING)
            stalled = EventServiceStub(channel).WatchEvents(request)
            await stalled.read()
            for _ in range(50):  # meanwhile the server writes until nothing more is taken in
                await edge.sessions.ListSessions(ListSessionsRequest(page_size=1))
        assert edge.seen.calls[-1] == ("EventService", "WatchEvents", "CANCELLED")
        stalled.cancel()


async def as_many_as_may_be(edge: Edge, session_id: str) -> list[Watcher]:
    """Watch a session as often as it may be watched."""
    watchers = [Watcher(edge, session_ids=[session_id]) for _ in range(MOST_WATCHERS)]
    for watcher in watchers:
        await watcher.synced()
    return watchers


async def test_one_watcher_too_many_is_refused_before_it_gets_a_snapshot(edge: Edge) -> None:
    session = await edge.create()
    watchers = await as_many_as_may_be(edge, session.session_id)
    late = Watcher(edge, session_ids=[session.session_id], initial_state=True)
    refusal = await refused(late.frame())
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "WATCHER_CAP")
    for watcher in watchers:
        watcher.cancel()


async def test_a_turn_that_cannot_be_watched_is_not_started(edge: Edge) -> None:
    session = await edge.create()
    watchers = await as_many_as_may_be(edge, session.session_id)
    request = RunTurnRequest(session_id=session.session_id, prompt="hello")
    refusal = await refused(anext(aiter(edge.turns.RunTurn(request))))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "WATCHER_CAP")
    assert not (await edge.turns.ListTurns(ListTurnsRequest(session_id=session.session_id))).turns
    watchers.pop().cancel()
    while ("EventService", "WatchEvents", "CANCELLED") not in edge.seen.calls:
        await edge.sessions.ListSessions(ListSessionsRequest())
    frames = [frame async for frame in edge.turns.RunTurn(request)]
    assert frames[-1].HasField("turn")
    for watcher in watchers:
        watcher.cancel()
