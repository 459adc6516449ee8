"""What a watch shows besides durable events, with the real CLI: pieces as they are written, snapshots, the good-bye."""

from greenroom.v1 import event_pb2, session_pb2
from greenroom.v1.event_service_pb2 import WatchEventsRequest
from greenroom.v1.session_service_pb2 import CloseSessionRequest
from greenroom_server import GreenroomServer
from story import TURN_ENDS, create, history, names, run_turn, scripted, until

DELTA = event_pb2.EVENT_TYPE_MESSAGE_DELTA


async def test_pieces_of_an_answer_come_before_it_and_are_not_stored(server: GreenroomServer) -> None:
    session = await create(server)
    request = WatchEventsRequest(session_ids=[session.session_id], include_ephemeral=True)
    call = server.events.WatchEvents(request, timeout=120)
    await call.initial_metadata()
    turn, _ = await run_turn(
        server, session.session_id, scripted("stream", {"text": "one two three four", "gap": 0.02})
    )
    seen: list[event_pb2.Event] = []
    async for frame in call:
        assert not frame.HasField("gap")
        seen += frame.events
        if any(event.type in TURN_ENDS for event in frame.events):
            break
    pieces = [event for event in seen if event.type == DELTA]
    assert "".join(piece.message_delta.text for piece in pieces) == turn.result_text == "one two three four"
    assert len(pieces) == 4
    told = names(seen)
    assert told.index("message_delta") < told.index("message_assistant")
    stored = await history(server, session.session_id)
    assert [event for event in seen if event.sequence] == [
        event
        for event in stored
        if event.revision >= seen[0].revision and event.revision <= seen[-1].revision
    ]
    assert DELTA not in {event.type for event in stored}


async def test_a_watch_of_two_sessions_begins_with_how_they_are(server: GreenroomServer) -> None:
    first, second, other = [await create(server) for _ in range(3)]
    for session in (first, second, other):
        await until(server, session.session_id, session_pb2.SESSION_STATE_READY)
    ids = [first.session_id, second.session_id]
    types = [event_pb2.EVENT_TYPE_TURN_COMPLETED]
    request = WatchEventsRequest(session_ids=ids, types=types, initial_state=True, until_closed=True)
    frames = aiter(server.events.WatchEvents(request, timeout=120))
    snapshot, synced = await anext(frames), await anext(frames)
    assert {one.session_id: one.state for one in snapshot.sessions} == dict.fromkeys(
        ids, session_pb2.SESSION_STATE_READY
    )
    assert synced.HasField("synced")
    done = []
    for session in (other, second, first):
        turn, _ = await run_turn(server, session.session_id, scripted("go", {"text": "done"}))
        done.append(turn.turn_id)
    for session in (first, second):
        await server.sessions.CloseSession(CloseSessionRequest(session_id=session.session_id))
    events = [event async for frame in frames for event in frame.events]
    assert [(event.type, event.turn_id) for event in events] == [(types[0], turn_id) for turn_id in done[1:]]


async def test_a_stopping_server_says_good_bye_and_the_next_goes_on_from_there(
    server: GreenroomServer,
) -> None:
    session = await create(server)
    await run_turn(server, session.session_id, scripted("a", {"text": "one"}))
    call = server.events.WatchEvents(WatchEventsRequest(session_ids=[session.session_id]), timeout=120)
    await call.initial_metadata()
    assert await server.stop() == 0
    frames = [frame async for frame in call]
    assert frames[-1].HasField("draining")
    assert frames[-1].draining.retry_delay.ToTimedelta().total_seconds() > 0
    await server.start()
    seen = [event for frame in frames for event in frame.events]
    await run_turn(server, session.session_id, scripted("b", {"text": "two"}))
    again = WatchEventsRequest(session_ids=[session.session_id], after=frames[-1].cursor)
    async for frame in server.events.WatchEvents(again, timeout=120):
        seen += frame.events
        if any(event.type in TURN_ENDS for event in frame.events):
            break
    stored = await history(server, session.session_id)
    begin = stored.index(seen[0])
    assert seen == stored[begin : begin + len(seen)]
