"""What holds for every change of a session: repeated it is done once, and an old etag changes nothing."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from greenroom.v1 import session_pb2
from greenroom.v1 import session_service_pb2 as sessions
from greenroom.v1.session_pb2 import Session
from greenroom.v1.turn_service_pb2 import ListTurnsRequest, StartTurnRequest
from greenroom_server import GreenroomServer
from story import create, get, history, run_turn, until, working
from unit.rpc.refusal import refused

MANUAL = sessions.START_MODE_MANUAL
IDLE = session_pb2.SESSION_STATE_IDLE
READY = session_pb2.SESSION_STATE_READY
SUSPENDED = session_pb2.SESSION_STATE_SUSPENDED

Prepare = Callable[[GreenroomServer], Awaitable[Any]]


async def at_rest(server: GreenroomServer) -> str:
    return (await create(server, start_mode=MANUAL)).session_id


async def running(server: GreenroomServer) -> str:
    """Return a session whose process has nothing to do."""
    session_id = (await create(server)).session_id
    await until(server, session_id, READY)
    await run_turn(server, session_id, "hello")
    return session_id


async def suspended(server: GreenroomServer) -> str:
    session_id = await running(server)
    await server.sessions.SuspendSession(sessions.SuspendSessionRequest(session_id=session_id))
    return session_id


async def closed(server: GreenroomServer) -> str:
    session_id = await at_rest(server)
    await server.sessions.CloseSession(sessions.CloseSessionRequest(session_id=session_id))
    return session_id


def moving(make: Callable[..., Message], where: Callable[[GreenroomServer], Awaitable[str]]) -> Prepare:
    async def prepare(server: GreenroomServer) -> Message:
        return make(session_id=await where(server))

    return prepare


async def updating(server: GreenroomServer) -> Message:
    given = Session(session_id=await at_rest(server), display_name="new")
    return sessions.UpdateSessionRequest(session=given, update_mask=FieldMask(paths=["display_name"]))


async def creating(server: GreenroomServer) -> Message:
    return sessions.CreateSessionRequest(config=working(server), start_mode=MANUAL, display_name="new")


# Each with what it takes to be called.
CHANGES: Mapping[str, Prepare] = {
    "UpdateSession": updating,
    "StartSession": moving(sessions.StartSessionRequest, at_rest),
    "SuspendSession": moving(sessions.SuspendSessionRequest, running),
    "ResumeSession": moving(sessions.ResumeSessionRequest, suspended),
    "RestartSession": moving(sessions.RestartSessionRequest, running),
    "CloseSession": moving(sessions.CloseSessionRequest, running),
    "DeleteSession": moving(sessions.DeleteSessionRequest, closed),
}
MAKES: Mapping[str, Prepare] = {
    "CreateSession": creating,
    "ForkSession": moving(sessions.ForkSessionRequest, at_rest),
    "StartTurn": moving(StartTurnRequest, at_rest),
}
MUTATIONS = {**CHANGES, **MAKES}


async def call(server: GreenroomServer, method: str, request: Message) -> bytes:
    """Call a method and return its answer as the bytes that came."""
    service = "TurnService" if method.endswith("Turn") else "SessionService"
    send: Any = server.channel.unary_unary(f"/greenroom.v1.{service}/{method}")
    answer: bytes = await send(request.SerializeToString())
    return answer


async def prepared(server: GreenroomServer) -> dict[str, Any]:
    """Return a request for every mutation, each with an id of its own."""
    found = {}
    for method, prepare in MUTATIONS.items():
        request = await prepare(server)
        request.request_id = str(uuid.uuid4())
        if method == "StartTurn":
            request.prompt = "hello"
        found[method] = request
    return found


async def test_a_repetition_gets_the_first_answer_to_the_byte(fake_server: GreenroomServer) -> None:
    server = fake_server
    requests = await prepared(server)
    first = {method: await call(server, method, request) for method, request in requests.items()}
    for method, request in requests.items():
        assert await call(server, method, request) == first[method], method
    await server.kill()
    await server.start()
    for method, request in requests.items():
        request.request_id = request.request_id.upper()
        assert await call(server, method, request) == first[method], method
    closing = sessions.CloseSessionResponse.FromString(first["CloseSession"])
    assert closing.session.state == session_pb2.SESSION_STATE_CLOSED
    suspending = sessions.SuspendSessionResponse.FromString(first["SuspendSession"])
    assert suspending.session.state == SUSPENDED


async def test_what_comes_many_times_at_once_is_done_once(fake_server: GreenroomServer) -> None:
    server = fake_server
    requests = await prepared(server)
    before = len((await server.sessions.ListSessions(sessions.ListSessionsRequest(page_size=1000))).sessions)
    for method, request in requests.items():
        answers = await asyncio.gather(*(call(server, method, request) for _ in range(6)))
        assert len(set(answers)) == 1, method
    after = (await server.sessions.ListSessions(sessions.ListSessionsRequest(page_size=1000))).sessions
    assert len(after) == before + 2 - 1  # created, forked, deleted
    updated = await get(server, requests["UpdateSession"].session.session_id)
    assert [event.sequence for event in await history(server, updated.session_id)] == [1, 2]
    restarted = await get(server, requests["RestartSession"].session_id)
    assert restarted.process.restart_count == 1
    turns = await server.turns.ListTurns(ListTurnsRequest(session_id=requests["StartTurn"].session_id))
    assert len(turns.turns) == 1


async def test_an_id_means_one_request(fake_server: GreenroomServer) -> None:
    server = fake_server
    for method, request in (await prepared(server)).items():
        await call(server, method, request)
        other = type(request)()
        other.CopyFrom(request)
        if method == "UpdateSession":
            other.session.display_name = "another"
        elif method == "CreateSession":
            other.display_name = "another"
        else:
            other.session_id = str(uuid.uuid4())
        refusal = await refused(call(server, method, other))
        assert (refusal.code.name, refusal.reason) == ("INVALID_ARGUMENT", "REQUEST_ID_REUSED"), method
        assert [violation.field for violation in refusal.violations] == ["request_id"]
        request.request_id = "not-an-id"
        refusal = await refused(call(server, method, request))
        assert "request_id" in {violation.field for violation in refusal.violations}, method


async def test_an_old_etag_changes_nothing_and_the_newest_is_told(fake_server: GreenroomServer) -> None:
    server = fake_server
    for method, prepare in CHANGES.items():
        request = await prepare(server)
        target = request.session if method == "UpdateSession" else request
        target.etag = "v0"
        before = await get(server, target.session_id)
        refusal = await refused(call(server, method, request))
        assert (refusal.code.name, refusal.reason) == ("ABORTED", "ETAG_MISMATCH"), method
        assert refusal.metadata["etag"] == before.etag, method
        assert (await get(server, target.session_id)).etag == before.etag, method
        target.etag = before.etag
        await call(server, method, request)


async def test_validating_alone_leaves_nothing(fake_server: GreenroomServer) -> None:
    server = fake_server
    everything = sessions.ListSessionsRequest(workspace_id="-")
    before = (await server.sessions.ListSessions(everything)).revision
    session_id = str(uuid.uuid4())
    request = sessions.CreateSessionRequest(
        config=working(server), session_id=session_id, validate_only=True, request_id=str(uuid.uuid4())
    )
    answer = (await server.sessions.CreateSession(request)).session
    assert (answer.session_id, answer.state) == (session_id, session_pb2.SESSION_STATE_CREATED)
    assert (answer.revision, answer.last_sequence) == (0, 0)
    listed = await server.sessions.ListSessions(everything)
    assert (list(listed.sessions), listed.revision) == ([], before)
    request.config.max_turns = -1
    refusal = await refused(server.sessions.CreateSession(request))
    assert [violation.field for violation in refusal.violations] == ["config.max_turns"]
    request.config.ClearField("max_turns")
    request.validate_only = False
    assert (await server.sessions.CreateSession(request)).session.session_id == session_id


async def test_an_event_names_the_call_that_caused_it(fake_server: GreenroomServer) -> None:
    request_id = str(uuid.uuid4())
    session = await create(fake_server, start_mode=MANUAL, request_id=request_id)
    assert [event.request_id for event in await history(fake_server, session.session_id)] == [request_id]
