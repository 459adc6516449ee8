"""MCP servers of real sessions: seen, demanded, and connected anew."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import ParseDict
from google.rpc import error_details_pb2

from greenroom.v1 import mcp_pb2, session_pb2, turn_pb2
from greenroom.v1.config_pb2 import SessionConfig
from greenroom.v1.mcp_pb2 import McpServer
from greenroom.v1.profile_pb2 import Profile
from greenroom.v1.profile_service_pb2 import CreateProfileRequest
from greenroom.v1.session_pb2 import Session
from greenroom.v1.session_service_pb2 import (
    GetMcpServersRequest,
    ReconnectMcpServerRequest,
    SuspendSessionRequest,
    WaitSessionRequest,
)
from greenroom.v1.turn_service_pb2 import GetTurnRequest
from greenroom_server import PATIENCE, GreenroomServer
from mcp_programs import dying, good, mute, refusing
from observation import pool_until
from shared_servers import SharedServers
from standin.model_api import ModelApi
from story import create, detail_of, get, history, names, run_turn, scripted, start_turn, until, working

READY = session_pb2.SESSION_STATE_READY
CONNECTED, FAILED = mcp_pb2.MCP_SERVER_STATUS_CONNECTED, mcp_pb2.MCP_SERVER_STATUS_FAILED
PENDING, UNSPECIFIED = mcp_pb2.MCP_SERVER_STATUS_PENDING, mcp_pb2.MCP_SERVER_STATUS_UNSPECIFIED

SETTLED = (CONNECTED, FAILED, mcp_pb2.MCP_SERVER_STATUS_NEEDS_AUTH)


def config(
    server: GreenroomServer, servers: Mapping[str, Any], *, wait_ms: int = 30_000, **options: object
) -> SessionConfig:
    """Return a config with these MCP servers."""
    made = working(server, allowed_tools=["mcp__near__look"], **options)
    made.mcp_config.update({"mcpServers": dict(servers)})
    made.mcp_connect_timeout.FromMilliseconds(wait_ms)
    return made


async def seen(server: GreenroomServer, session_id: str) -> dict[str, McpServer]:
    """Return the session's servers by name, as they are now."""
    answer = await server.sessions.GetMcpServers(GetMcpServersRequest(session_id=session_id))
    return {each.name: each for each in answer.mcp_servers}


async def settled(server: GreenroomServer, session_id: str) -> dict[str, McpServer]:
    """Wait until no server of a session is being connected, and return all."""
    async with asyncio.timeout(PATIENCE):
        while True:
            revision = (await get(server, session_id)).revision
            found = await seen(server, session_id)
            if all(each.status in SETTLED for each in found.values()):
                return found
            changed = WaitSessionRequest(session_id=session_id, after_revision=revision)
            await server.sessions.WaitSession(changed)


async def told(server: GreenroomServer, session_id: str) -> list[tuple[str, int]]:
    """Return what events told of servers: name and status."""
    updates = [
        event.mcp_server_updated.mcp_server
        for event in await history(server, session_id)
        if event.HasField("mcp_server_updated")
    ]
    return [(each.name, each.status) for each in updates]


async def test_each_server_is_seen_with_its_error_and_each_change_is_told(server: GreenroomServer) -> None:
    async with refusing() as address:
        web = {"type": "http", "url": f"http://ann:hunter2@{address}/mcp?key=hunter2"}
        gone = {"type": "http", "url": "http://ann:hunter2@127.0.0.1:9/mcp?key=hunter2"}
        fleeting = {"command": "/nonexistent/hunter", "env": {"DSN": "hunter2-in-a-variable"}}
        servers = {"near": good(server.work), "dying": dying(), "web": web, "gone": gone}
        session = await create(server, config(server, {**servers, "absent": fleeting}))
        await until(server, session.session_id, READY)
        found = await settled(server, session.session_id)
    assert list(found) == sorted([*servers, "absent"])
    near = found.pop("near")
    assert (near.status, near.error) == (CONNECTED, "")
    assert (near.reported_name, near.reported_version) == ("spy", "1.2")
    assert (list(near.tools), near.tool_count) == (["mcp__near__look"], 1)
    assert all(each.status in SETTLED[1:] and each.error for each in found.values()), found
    assert "closed" in found["dying"].error
    assert "401" in found["web"].error
    assert "hunter2" not in str(found)
    events = await history(server, session.session_id)
    assert sorted(await told(server, session.session_id)) == sorted(
        [("near", CONNECTED), *((name, each.status) for name, each in found.items())]
    )
    assert "hunter2" not in str([each for each in events if each.HasField("mcp_server_updated")])
    assert "hunter2" not in server.log.read_text()
    await server.sessions.SuspendSession(SuspendSessionRequest(session_id=session.session_id))
    assert {each.status for each in (await seen(server, session.session_id)).values()} == {UNSPECIFIED}


async def test_the_first_turn_waits_for_servers_as_long_as_the_session_says(
    server: GreenroomServer, model_api: ModelApi
) -> None:
    session = await create(server, config(server, {"near": good(server.work), "mute": mute()}, wait_ms=3000))
    turn, events = await run_turn(
        server, session.session_id, scripted("go", {"tool": "mcp__near__look", "input": {}}, {"text": "done"})
    )
    assert turn.result_text == "done"
    assert 0 < (turn.end_time.ToMilliseconds() - turn.start_time.ToMilliseconds()) < 25_000
    (result,) = (each.message_tool_result for each in events if each.HasField("message_tool_result"))
    assert "seen" in result.raw_frame
    silent = (await settled(server, session.session_id))["mute"]
    assert (silent.status, "timed out after 3000ms" in silent.error) == (FAILED, True), silent


@pytest.mark.parametrize("bad", ["dying", "mute"])
async def test_a_turn_fails_before_the_model_is_asked_if_a_required_server_is_not_there(
    server: GreenroomServer, model_api: ModelApi, bad: str
) -> None:
    servers = {"near": good(server.work), "far": dying() if bad == "dying" else mute()}
    wanted = config(server, servers, wait_ms=400, required_mcp_servers=["far"])
    session = await create(server, wanted)
    for _ in range(2):
        turn, events = await run_turn(server, session.session_id, "go")
        assert turn.state == turn_pb2.TURN_STATE_FAILED
        (info,) = (_info(detail) for detail in turn.error.details)
        assert info.reason == "MCP_SERVER_UNAVAILABLE"
        assert "far" in turn.error.message
        assert names(events) == ["turn_queued", "turn_failed"]
    assert model_api.requests(session.cli_session_id) == []
    found = await seen(server, session.session_id)
    assert (found["far"].required, found["near"].required) == (True, False)


def _info(detail: Any) -> error_details_pb2.ErrorInfo:
    info = error_details_pb2.ErrorInfo()
    detail.Unpack(info)
    return info


async def test_a_turn_waits_for_its_required_server(server: GreenroomServer) -> None:
    there = server.work / "there"
    wanted = config(server, {"near": good(server.work, once=there)}, required_mcp_servers=["near"])
    session = await create(server, wanted)
    await until(server, session.session_id, READY)
    turn = await start_turn(server, session.session_id, scripted("go", {"text": "done"}))
    assert turn.state == turn_pb2.TURN_STATE_QUEUED
    assert (await seen(server, session.session_id))["near"].status == PENDING
    there.touch()
    await until(server, session.session_id, turn_id=turn.turn_id)
    ended = (await server.turns.GetTurn(GetTurnRequest(turn_id=turn.turn_id))).turn
    assert ended.result_text == "done"
    assert await told(server, session.session_id) == [("near", CONNECTED)]


async def test_a_server_is_connected_anew_by_a_call_that_can_be_repeated(server: GreenroomServer) -> None:
    program = good(server.work)
    script = server.work / "spy.py"
    script.rename(server.work / "away.py")
    session = await create(server, config(server, {"near": program}, required_mcp_servers=["near"]))
    await until(server, session.session_id, READY)
    assert (await settled(server, session.session_id))["near"].status == FAILED
    (server.work / "away.py").rename(script)
    request = ReconnectMcpServerRequest(
        session_id=session.session_id, name="near", request_id=str(uuid.uuid4())
    )
    assert (await server.sessions.ReconnectMcpServer(request)).mcp_server.status == PENDING
    turn, _ = await run_turn(server, session.session_id, scripted("go", {"text": "done"}))
    assert turn.result_text == "done"
    again = (await server.sessions.ReconnectMcpServer(request)).mcp_server
    assert (again.name, again.status, again.required) == ("near", CONNECTED, True)
    assert await told(server, session.session_id) == [
        ("near", FAILED),
        ("near", PENDING),
        ("near", CONNECTED),
    ]


async def test_the_example_of_the_documentation_runs(server: GreenroomServer) -> None:
    page = (Path(__file__).parents[2] / "docs" / "mcp.md").read_text(encoding="utf-8")
    example = json.loads(page.partition("```json")[2].partition("```")[0])
    example["working_dir"] = str(server.work)
    example["mcp_config"]["mcpServers"]["notes"] = good(server.work)  # for want of the program
    session = await create(server, ParseDict(example, SessionConfig()))
    turn, _ = await run_turn(server, session.session_id, scripted("go", {"text": "done"}))
    assert turn.result_text == "done"
    (notes,) = (await seen(server, session.session_id)).values()
    assert (notes.name, notes.status, notes.required) == ("notes", CONNECTED, True)


async def test_what_cannot_be_connected_anew_is_said(server: GreenroomServer) -> None:
    session = await create(server, config(server, {"near": good(server.work)}))
    await until(server, session.session_id, READY)
    for name, state, code, reason in (
        ("other", READY, grpc.StatusCode.NOT_FOUND, "MCP_SERVER_NOT_FOUND"),
        ("near", session_pb2.SESSION_STATE_SUSPENDED, grpc.StatusCode.FAILED_PRECONDITION, "NO_PROCESS"),
    ):
        if state != READY:
            await server.sessions.SuspendSession(SuspendSessionRequest(session_id=session.session_id))
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await server.sessions.ReconnectMcpServer(
                ReconnectMcpServerRequest(session_id=session.session_id, name=name)
            )
        assert refused.value.code() == code
        assert detail_of(refused.value, error_details_pb2.ErrorInfo()).reason == reason


@pytest.fixture
async def warm(servers: SharedServers, model_api: ModelApi) -> AsyncIterator[GreenroomServer]:
    """A server that keeps a process ready."""
    async with servers.real(model_api.cli_environment) as running:
        profile = Profile(profile_id="quick", warm_processes=1)
        await running.profiles.CreateProfile(CreateProfileRequest(profile=profile))
        await pool_until(running, lambda pool: pool.warm == 1)
        yield running


async def bound(server: GreenroomServer, wanted: SessionConfig) -> Session:
    """Create a session that gets the waiting process."""
    session = await create(server, wanted, profile_id="quick")
    session = await until(server, session.session_id, READY)
    assert session.process.from_warm_pool
    return session


async def test_a_warm_process_is_told_of_servers_without_keeping_its_session_waiting(
    warm: GreenroomServer,
) -> None:
    wanted = config(warm, {"near": good(warm.work), "mute": mute()}, wait_ms=3000)
    session = await bound(warm, wanted)
    assert session.process.from_warm_pool
    turn, events = await run_turn(
        warm, session.session_id, scripted("go", {"tool": "mcp__near__look", "input": {}}, {"text": "done"})
    )
    assert turn.result_text == "done"
    assert "seen" in str([each.message_tool_result.raw_frame for each in events])
    found = await settled(warm, session.session_id)
    assert (found["near"].status, found["mute"].status) == (CONNECTED, FAILED)
    assert "timed out after 3000ms" in found["mute"].error


async def test_a_warm_process_whose_required_server_fails_asks_no_model(
    warm: GreenroomServer, model_api: ModelApi
) -> None:
    session = await bound(warm, config(warm, {"far": dying()}, required_mcp_servers=["far"]))
    turn, _ = await run_turn(warm, session.session_id, "go")
    assert turn.state == turn_pb2.TURN_STATE_FAILED
    assert model_api.requests(session.cli_session_id) == []
