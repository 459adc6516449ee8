"""Suspend, resume, restart: processes come and go, the conversation stays."""

import os
from collections.abc import AsyncIterator

import psutil
import pytest
from google.rpc.error_details_pb2 import ErrorInfo

from files_below import paths_below
from greenroom.v1 import session_pb2, turn_pb2
from greenroom.v1.session_pb2 import Session
from greenroom.v1.session_service_pb2 import (
    RestartSessionRequest,
    ResumeSessionRequest,
    StartMode,
    StartSessionRequest,
    SuspendSessionRequest,
)
from greenroom.v1.turn_service_pb2 import GetTurnRequest
from greenroom_server import GreenroomServer
from shared_servers import SharedServers
from standin.model_api import ModelApi
from story import conversation, create, get, history, names, run_turn, scripted, start_turn, until
from unit.rpc.refusal import refused

MANUAL = StartMode.START_MODE_MANUAL
ACTIVE = session_pb2.SESSION_STATE_ACTIVE
ERROR = session_pb2.SESSION_STATE_ERROR
IDLE = session_pb2.SESSION_STATE_IDLE
READY = session_pb2.SESSION_STATE_READY
SUSPENDED = session_pb2.SESSION_STATE_SUSPENDED


async def suspend(server: GreenroomServer, session_id: str, **fields: object) -> Session:
    request = SuspendSessionRequest(session_id=session_id, **fields)  # type: ignore[arg-type]
    return (await server.sessions.SuspendSession(request)).session


async def resume(server: GreenroomServer, session_id: str) -> Session:
    request = ResumeSessionRequest(session_id=session_id)
    return (await server.sessions.ResumeSession(request)).session


async def say(server: GreenroomServer, session_id: str, word: str) -> None:
    turn, _ = await run_turn(server, session_id, scripted(word, {"text": f"heard {word}"}))
    assert turn.result_text == f"heard {word}"


async def slow_turn(server: GreenroomServer, session_id: str) -> turn_pb2.Turn:
    turn = await start_turn(server, session_id, scripted("slow", {"text": "word " * 100, "gap": 0.5}))
    await until(server, session_id, ACTIVE)
    return turn


@pytest.fixture
async def narrow(servers: SharedServers, model_api: ModelApi) -> AsyncIterator[GreenroomServer]:
    """A server with room for one process."""
    async with servers.real(model_api.cli_environment, max_processes="1") as running:
        yield running


async def test_a_resumed_session_knows_what_was_said_and_where_it_is(
    server: GreenroomServer, model_api: ModelApi
) -> None:
    session = await create(server)
    await say(server, session.session_id, "one")
    before = await get(server, session.session_id)
    suspended = await suspend(server, session.session_id, reason="LUNCH")
    assert (suspended.state, suspended.state_reason, suspended.process.pid) == (SUSPENDED, "LUNCH", 0)
    assert not psutil.pid_exists(before.process.pid)
    assert await suspend(server, session.session_id) == suspended
    await resume(server, session.session_id)
    ready = await until(server, session.session_id, READY)
    assert ready.process.pid != before.process.pid
    assert ready.cli_session_id == session.cli_session_id
    command = {"command": "pwd > where.txt", "description": "x"}
    prompt = scripted("two", {"tool": "Bash", "input": command}, {"text": "done"})
    turn, _ = await run_turn(server, session.session_id, prompt)
    assert turn.result_text == "done"
    assert conversation(model_api, session.cli_session_id)[:3] == ["one", "heard one", "two"]
    assert (server.work / "where.txt").read_text().strip() == os.path.realpath(server.work)
    told = names(await history(server, session.session_id))
    assert told.index("session_suspended") < told.index("session_resumed")


async def test_what_was_suspended_outlives_the_server(server: GreenroomServer, model_api: ModelApi) -> None:
    session = await create(server)
    await say(server, session.session_id, "one")
    suspended = await suspend(server, session.session_id)
    await server.kill()
    await server.start()
    assert await get(server, session.session_id) == suspended
    await resume(server, session.session_id)
    await until(server, session.session_id, READY)
    await say(server, session.session_id, "two")
    assert conversation(model_api, session.cli_session_id) == ["one", "heard one", "two"]


async def test_a_turn_wakes_a_suspended_session(server: GreenroomServer, model_api: ModelApi) -> None:
    session = await create(server)
    await say(server, session.session_id, "one")
    await suspend(server, session.session_id)
    await say(server, session.session_id, "two")
    assert conversation(model_api, session.cli_session_id) == ["one", "heard one", "two"]


async def test_suspending_a_running_turn_takes_force(server: GreenroomServer, model_api: ModelApi) -> None:
    session = await create(server)
    turn = await slow_turn(server, session.session_id)
    refusal = await refused(suspend(server, session.session_id))
    assert (refusal.code.name, refusal.reason) == ("FAILED_PRECONDITION", "TURN_RUNNING")
    suspended = await suspend(server, session.session_id, force=True)
    assert suspended.state == SUSPENDED
    ended = (await server.turns.GetTurn(GetTurnRequest(turn_id=turn.turn_id))).turn
    assert ended.state == turn_pb2.TURN_STATE_INTERRUPTED
    assert server.children() == []
    await say(server, session.session_id, "after")
    assert conversation(model_api, session.cli_session_id)[0] == "slow"


async def test_a_restart_changes_the_process_alone(server: GreenroomServer, model_api: ModelApi) -> None:
    session = await create(server)
    await say(server, session.session_id, "one")
    before = await get(server, session.session_id)
    request = RestartSessionRequest(session_id=session.session_id, reason="NEW_PLUGIN")
    answer = (await server.sessions.RestartSession(request)).session
    assert answer.process.restart_count == 1
    assert not psutil.pid_exists(before.process.pid)
    await until(server, session.session_id, READY)
    await say(server, session.session_id, "two")
    assert conversation(model_api, session.cli_session_id) == ["one", "heard one", "two"]
    after = await get(server, session.session_id)
    assert after.process.pid != before.process.pid
    assert after.usage.turns == 2
    assert "session_restarted" in names(await history(server, session.session_id))


async def test_a_lost_conversation_is_an_error_that_says_so(server: GreenroomServer) -> None:
    session = await create(server)
    await say(server, session.session_id, "one")
    await suspend(server, session.session_id)
    (transcript,) = paths_below(server.state, f"{session.cli_session_id}.jsonl")
    transcript.unlink()
    await resume(server, session.session_id)
    failed = await until(server, session.session_id, ERROR)
    info = ErrorInfo()
    assert failed.error.details[0].Unpack(info)
    assert info.reason == failed.state_reason == "CONVERSATION_LOST"
    assert not failed.recovery.recoverable
    assert server.children() == []


async def test_each_move_is_refused_where_the_table_has_none(server: GreenroomServer) -> None:
    session = await create(server, start_mode=MANUAL)
    one = session.session_id
    for call, to in (
        (server.sessions.ResumeSession(ResumeSessionRequest(session_id=one)), "INITIALIZING"),
        (server.sessions.SuspendSession(SuspendSessionRequest(session_id=one)), "SUSPENDED"),
        (server.sessions.RestartSession(RestartSessionRequest(session_id=one)), "INITIALIZING"),
    ):
        refusal = await refused(call)
        assert (refusal.code.name, refusal.reason) == ("FAILED_PRECONDITION", "ILLEGAL_TRANSITION")
        assert (refusal.metadata["from"], refusal.metadata["to"]) == ("CREATED", to)
    await server.sessions.StartSession(StartSessionRequest(session_id=one))
    await until(server, session.session_id, READY)
    refusal = await refused(server.sessions.StartSession(StartSessionRequest(session_id=one)))
    assert (refusal.reason, refusal.metadata["from"]) == ("ILLEGAL_TRANSITION", "READY")


async def test_two_sessions_share_one_process_slot(narrow: GreenroomServer, model_api: ModelApi) -> None:
    first, second = await create(narrow), await create(narrow, start_mode=MANUAL)
    for word in ("one", "two"):
        for session in (first, second):
            await say(narrow, session.session_id, f"{word} of {session.session_id}")
    for session in (first, second):
        one, two = f"one of {session.session_id}", f"two of {session.session_id}"
        assert conversation(model_api, session.cli_session_id) == [one, f"heard {one}", two]
    states = {(await get(narrow, each.session_id)).state for each in (first, second)}
    assert states == {SUSPENDED, IDLE}
    reasons = [
        event.session_state_changed.reason
        for event in await history(narrow, first.session_id)
        if event.session_state_changed.to_state == SUSPENDED
    ]
    assert set(reasons) == {"POOL_PRESSURE"}
