"""Deleting a session: only a closed one, and then nothing of it is found anywhere."""

import asyncio
import sqlite3
import uuid

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.rpc.error_details_pb2 import PreconditionFailure

from files_below import files_holding, paths_below
from greenroom.v1 import event_pb2, session_pb2
from greenroom.v1.event_service_pb2 import ListEventsRequest, WatchEventsRequest, WatchEventsResponse
from greenroom.v1.session_service_pb2 import (
    CloseSessionRequest,
    CreateSessionRequest,
    DeleteSessionRequest,
    ForkSessionRequest,
    GetSessionRequest,
    ListSessionsRequest,
    ResumeSessionRequest,
    StartMode,
    UpdateSessionRequest,
    WaitSessionRequest,
)
from greenroom.v1.turn_service_pb2 import GetTurnRequest, ListApprovalsRequest, ListTurnsRequest
from greenroom_server import PATIENCE, GreenroomServer
from story import create, get, history, run_turn, scripted, start_turn, working
from unit.rpc.refusal import refused

MANUAL = StartMode.START_MODE_MANUAL
CLOSED = event_pb2.EVENT_TYPE_SESSION_CLOSED
DELETED = event_pb2.EVENT_TYPE_SESSION_DELETED


async def delete(server: GreenroomServer, session_id: str, **fields: object) -> None:
    await server.sessions.DeleteSession(DeleteSessionRequest(session_id=session_id, **fields))  # type: ignore[arg-type]


async def test_a_session_that_is_not_closed_is_not_deleted(server: GreenroomServer) -> None:
    session = await create(server, start_mode=MANUAL)
    refusal = await refused(delete(server, session.session_id))
    assert (refusal.code.name, refusal.reason) == ("FAILED_PRECONDITION", "ILLEGAL_TRANSITION")
    assert (refusal.metadata["from"], refusal.metadata["allowed"]) == (
        "CREATED",
        "CLOSING,ERROR,INITIALIZING",
    )
    assert refusal.detail(PreconditionFailure).violations[0].subject == session.session_id
    await server.sessions.CloseSession(CloseSessionRequest(session_id=session.session_id))
    await delete(server, session.session_id)


async def test_nothing_of_it_is_found_again(server: GreenroomServer) -> None:
    session = await create(server, working(server, oauth_token="secret-of-the-session"))
    secret = f"word-{uuid.uuid4()}"
    turn, _ = await run_turn(server, session.session_id, scripted(secret, {"text": "heard"}))
    assert any(path.suffix == ".jsonl" for path in files_holding(server.state, secret))
    pid = (await get(server, session.session_id)).process.pid
    assert pid in {child.pid for child in server.children()}
    await delete(server, session.session_id, force=True)
    assert server.children() == []
    one = session.session_id
    for call in (
        server.sessions.GetSession(GetSessionRequest(session_id=one)),
        server.sessions.WaitSession(WaitSessionRequest(session_id=one)),
        server.sessions.UpdateSession(
            UpdateSessionRequest(
                session=session_pb2.Session(session_id=one), update_mask=FieldMask(paths=["labels"])
            )
        ),
        server.sessions.ResumeSession(ResumeSessionRequest(session_id=one)),
        server.sessions.CloseSession(CloseSessionRequest(session_id=one)),
        server.sessions.ForkSession(ForkSessionRequest(session_id=one)),
        server.events.ListEvents(ListEventsRequest(session_id=one)),
        server.turns.ListTurns(ListTurnsRequest(session_id=one)),
        server.turns.ListApprovals(ListApprovalsRequest(session_id=one)),
        start_turn(server, session.session_id, "more"),
        delete(server, session.session_id),
        delete(server, session.session_id, force=True),
    ):
        refusal = await refused(call)
        assert (refusal.code.name, refusal.reason) == ("NOT_FOUND", "SESSION_NOT_FOUND")
    refusal = await refused(server.turns.GetTurn(GetTurnRequest(turn_id=turn.turn_id)))
    assert refusal.reason == "TURN_NOT_FOUND"
    assert list((await server.sessions.ListSessions(ListSessionsRequest())).sessions) == []
    named = paths_below(server.state, f"*{session.session_id}*")
    assert named == []
    assert await server.stop() == 0
    assert {path.suffix for path in files_holding(server.state, secret)} <= {".db"}
    with sqlite3.connect(server.state / "greenroom.db") as database:
        for table in ("sessions", "configs", "turns", "approvals", "secrets", "labels"):
            assert database.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table
        rows = database.execute("SELECT DISTINCT type FROM events").fetchall()
    assert rows == [("session.deleted",)]


async def test_watchers_see_it_go(server: GreenroomServer) -> None:
    session = await create(server, start_mode=MANUAL)
    created = (await history(server, session.session_id))[-1]
    watch = server.events.WatchEvents(
        WatchEventsRequest(session_ids=[session.session_id], until_closed=False)
    )
    await watch.initial_metadata()
    await delete(server, session.session_id, force=True)
    async with asyncio.timeout(PATIENCE):
        seen: list[event_pb2.Event] = []
        async for frame in watch:
            seen += frame.events
            if seen and seen[-1].type == DELETED:
                break
    watch.cancel()
    assert seen[-1].session_deleted.session.state == session_pb2.SESSION_STATE_CLOSED
    assert [event.sequence for event in seen] == list(range(2, len(seen) + 2))
    # Who was away meanwhile learns of it, too, and of nothing else: that is all that is stored.
    await server.kill()
    await server.start()
    workspace = server.events.WatchEvents(WatchEventsRequest(workspace_id="default", after=created.cursor))
    async with asyncio.timeout(PATIENCE):
        async for frame in workspace:
            if frame.events:
                assert [event.event_id for event in frame.events] == [seen[-1].event_id]
                break
    workspace.cancel()


@pytest.mark.parametrize("until_closed", [False, True])
async def test_a_watch_goes_on_from_its_cursor_although_a_session_was_deleted_meanwhile(
    server: GreenroomServer, until_closed: bool
) -> None:
    one, two = [await create(server, start_mode=MANUAL) for _ in range(2)]
    before = (await history(server, two.session_id))[-1].cursor
    await delete(server, one.session_id, force=True)
    await server.kill()
    await server.start()

    async def seen_from(cursor: str) -> list[event_pb2.Event]:
        """Return what the watch shows up to the end of the second session."""
        request = WatchEventsRequest(
            session_ids=[one.session_id, two.session_id], after=cursor, until_closed=until_closed
        )
        watch = server.events.WatchEvents(request)
        seen: list[event_pb2.Event] = []
        async with asyncio.timeout(PATIENCE):
            async for frame in watch:
                if frame.HasField("synced"):
                    await server.sessions.CloseSession(CloseSessionRequest(session_id=two.session_id))
                seen += frame.events
                if not until_closed and seen and seen[-1].type == CLOSED:
                    break
        watch.cancel()
        return seen

    deleted, *rest = await seen_from(before)
    assert (deleted.session_id, deleted.type) == (one.session_id, DELETED)
    assert {event.session_id for event in rest} == {two.session_id}
    assert rest[-1].type == CLOSED
    assert await seen_from(deleted.cursor) == rest


async def test_a_watch_until_closed_tells_of_a_deletion_before_it_ends(server: GreenroomServer) -> None:
    session = await create(server, start_mode=MANUAL)
    created = (await history(server, session.session_id))[-1]
    await delete(server, session.session_id, force=True)
    cursor = created.cursor
    frames: list[WatchEventsResponse] = []
    for _ in range(2):  # the second one comes when all is told
        request = WatchEventsRequest(session_ids=[session.session_id], after=cursor, until_closed=True)
        frames += [frame async for frame in server.events.WatchEvents(request, timeout=PATIENCE)]
        cursor = frames[-1].cursor
    seen = [event.type for frame in frames for event in frame.events]
    assert (seen[-1], seen.count(DELETED)) == (DELETED, 1)
    now = server.events.WatchEvents(WatchEventsRequest(session_ids=[session.session_id]))
    assert (await refused(anext(aiter(now)))).reason == "SESSION_NOT_FOUND"


async def test_an_old_etag_deletes_nothing(server: GreenroomServer) -> None:
    session = await create(server)
    await run_turn(server, session.session_id, scripted("one", {"text": "1"}))
    current = await get(server, session.session_id)
    for force in (False, True):
        refusal = await refused(delete(server, session.session_id, etag="v1", force=force))
        assert (refusal.code.name, refusal.reason) == ("ABORTED", "ETAG_MISMATCH")
        assert refusal.metadata["etag"] == current.etag
        assert (await get(server, session.session_id)).state == session_pb2.SESSION_STATE_IDLE
    assert paths_below(server.state, f"{session.cli_session_id}.jsonl")
    await delete(server, session.session_id, etag=current.etag, force=True)


@pytest.mark.parametrize("force", [False, True])
async def test_the_same_deletion_twice_is_answered_twice(server: GreenroomServer, force: bool) -> None:
    session = await create(server, start_mode=MANUAL)
    if not force:
        await server.sessions.CloseSession(CloseSessionRequest(session_id=session.session_id))
    request_id = str(uuid.uuid4())
    await asyncio.gather(
        *(delete(server, session.session_id, force=force, request_id=request_id) for _ in range(8))
    )
    await server.kill()
    await server.start()
    await delete(server, session.session_id, force=force, request_id=request_id)
    assert (await refused(delete(server, session.session_id))).reason == "SESSION_NOT_FOUND"


async def test_its_id_is_never_given_again(server: GreenroomServer) -> None:
    session = await create(server, start_mode=MANUAL)
    await delete(server, session.session_id, force=True)
    request = CreateSessionRequest(session_id=session.session_id, config=working(server))
    assert (await refused(server.sessions.CreateSession(request))).reason == "SESSION_EXISTS"
