"""A crash before the CLI has said anything of a turn: the session comes back whatever was written by then."""

import psutil
import pytest

from greenroom.v1 import event_pb2, session_pb2, turn_pb2
from greenroom.v1.event_service_pb2 import WATCH_START_BEGINNING, WatchEventsRequest
from greenroom.v1.session_service_pb2 import StartSessionRequest
from greenroom_server import GreenroomServer
from story import create, get, run_turn, scripted, start_turn, until


@pytest.mark.parametrize(
    "moment",
    [
        event_pb2.EVENT_TYPE_TURN_STARTED,
        event_pb2.EVENT_TYPE_MESSAGE_SYSTEM,
        event_pb2.EVENT_TYPE_MESSAGE_ASSISTANT,
    ],
)
async def test_a_first_turn_that_dies_at_any_moment(
    server: GreenroomServer, moment: event_pb2.EventType.ValueType
) -> None:
    session = await create(server)
    await until(server, session.session_id, session_pb2.SESSION_STATE_READY)
    pid = (await get(server, session.session_id)).process.pid
    watch = server.events.WatchEvents(
        WatchEventsRequest(session_ids=[session.session_id], start=WATCH_START_BEGINNING, types=[moment])
    )
    await watch.initial_metadata()
    await start_turn(
        server, session.session_id, scripted("first", {"text": "one"}, {"text": "two", "before": 5})
    )
    async for frame in watch:
        if frame.events:
            break
    watch.cancel()
    psutil.Process(pid).kill()
    await until(server, session.session_id, session_pb2.SESSION_STATE_ERROR)
    await server.sessions.StartSession(StartSessionRequest(session_id=session.session_id))
    turn, _ = await run_turn(server, session.session_id, scripted("again", {"text": "still here"}))
    assert (turn.state, turn.result_text) == (turn_pb2.TURN_STATE_COMPLETED, "still here"), turn
