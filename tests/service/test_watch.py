"""Watching over a real socket: from now, from the beginning, after a cursor, across a crash of the server."""

import asyncio
from collections.abc import AsyncIterator

import psutil
import pytest

from greenroom.v1 import event_pb2, session_pb2, turn_pb2
from greenroom.v1.event_pb2 import Event
from greenroom.v1.event_service_pb2 import WATCH_START_BEGINNING, WATCH_START_NOW, WatchEventsRequest
from greenroom.v1.turn_service_pb2 import GetTurnRequest
from greenroom_server import GreenroomServer
from story import TURN_ENDS, create, get, history, names, run_turn, scripted, sequences, start_turn, until

pytestmark = pytest.mark.parametrize("database", ["sqlite", "postgres"], indirect=True)


async def watched(server: GreenroomServer, request: WatchEventsRequest) -> AsyncIterator[Event]:
    """Yield the events of a watch one by one."""
    async for frame in server.events.WatchEvents(request):
        for event in frame.events:
            yield event


async def up_to_turn_end(events: AsyncIterator[Event]) -> list[Event]:
    """Collect events up to and with the end of a turn."""
    seen = []
    async with asyncio.timeout(60):
        async for event in events:
            seen.append(event)
            if event.type in TURN_ENDS:
                return seen
    raise AssertionError("the watch ended")


async def test_replay_then_live_without_a_seam(server: GreenroomServer) -> None:
    session = await create(server)
    await run_turn(server, session.session_id, scripted("a", {"text": "one"}))
    request = WatchEventsRequest(session_ids=[session.session_id], start=WATCH_START_BEGINNING)
    events = watched(server, request)
    replayed = await up_to_turn_end(events)
    await start_turn(server, session.session_id, scripted("b", {"text": "two"}))
    live = await up_to_turn_end(events)
    seen = replayed + live
    assert sequences(seen) == list(range(1, len(seen) + 1))
    assert seen == (await history(server, session.session_id))[: len(seen)]


async def test_a_watch_from_now_sees_only_what_follows(server: GreenroomServer) -> None:
    session = await create(server)
    await run_turn(server, session.session_id, scripted("a", {"text": "one"}))
    before = await get(server, session.session_id)
    call = server.events.WatchEvents(
        WatchEventsRequest(session_ids=[session.session_id], start=WATCH_START_NOW)
    )
    await call.initial_metadata()  # the watch is on
    await run_turn(server, session.session_id, scripted("b", {"text": "two"}))
    seen = await up_to_turn_end(event async for frame in call for event in frame.events)
    assert seen[0].sequence == before.last_sequence + 1
    assert "turn_queued" in names(seen)


async def test_any_cursor_resumes_with_exactly_the_next_event(server: GreenroomServer) -> None:
    session = await create(server)
    await run_turn(server, session.session_id, scripted("a", {"text": "one"}))
    stored = await history(server, session.session_id)
    for index in (0, len(stored) // 2):
        request = WatchEventsRequest(session_ids=[session.session_id], after=stored[index].cursor)
        seen = await up_to_turn_end(watched(server, request))
        assert seen == stored[index + 1 : index + 1 + len(seen)]


async def test_everything_acknowledged_survives_a_kill_of_the_server(server: GreenroomServer) -> None:
    session = await create(server)
    done, _ = await run_turn(server, session.session_id, scripted("a", {"text": "one"}))
    turn = await start_turn(server, session.session_id, scripted("slow", {"text": "word " * 200, "gap": 0.5}))
    active = await until(server, session.session_id, session_pb2.SESSION_STATE_ACTIVE)
    before = await history(server, session.session_id)
    children = server.children()
    assert active.process.pid in {child.pid for child in children}
    await server.kill()
    _, alive = psutil.wait_procs(children, timeout=30)
    assert alive == []

    await server.start()
    settled = await get(server, session.session_id)
    assert settled.state == session_pb2.SESSION_STATE_SUSPENDED
    assert settled.state_reason == "NODE_LOST"
    ended = (await server.turns.GetTurn(GetTurnRequest(turn_id=turn.turn_id))).turn
    assert ended.state == turn_pb2.TURN_STATE_INTERRUPTED
    assert ended.side_effects_unknown
    kept = (await server.turns.GetTurn(GetTurnRequest(turn_id=done.turn_id))).turn
    assert kept == done
    after = await history(server, session.session_id)
    assert after[: len(before)] == before
    assert sequences(after) == list(range(1, len(after) + 1))
    request = WatchEventsRequest(session_ids=[session.session_id], after=before[-1].cursor)
    rest = await up_to_turn_end(watched(server, request))
    assert rest == after[len(before) : len(before) + len(rest)]
    assert rest[-1].type == event_pb2.EVENT_TYPE_TURN_INTERRUPTED

    again, _ = await run_turn(server, session.session_id, scripted("c", {"text": "still here"}))
    assert again.result_text == "still here"


async def test_a_stopped_server_leaves_nothing_running_and_sessions_suspended(
    server: GreenroomServer,
) -> None:
    session = await create(server)
    await run_turn(server, session.session_id, scripted("a", {"text": "one"}))
    children = server.children()
    assert children
    assert await server.stop() == 0
    _, alive = psutil.wait_procs(children, timeout=30)  # a zombie has ended: init still has to take note
    assert alive == []
    await server.start()
    resting = await get(server, session.session_id)
    assert resting.state == session_pb2.SESSION_STATE_SUSPENDED
    assert resting.state_reason == "DRAINING"
