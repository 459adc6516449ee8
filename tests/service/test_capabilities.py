"""What can be chosen in a real session, before its first turn."""

from __future__ import annotations

import grpc
import pytest
from google.rpc import error_details_pb2

from greenroom.v1 import session_pb2
from greenroom.v1.capabilities_pb2 import Capabilities
from greenroom.v1.session_service_pb2 import GetSessionCapabilitiesRequest, SuspendSessionRequest
from greenroom_server import GreenroomServer
from mcp_programs import good
from observation import pool_until
from standin.model_api import ModelApi
from story import create, detail_of, get, names, run_turn, scripted, until, working

READY = session_pb2.SESSION_STATE_READY


async def offered(server: GreenroomServer, session_id: str) -> Capabilities:
    """Return what the session's process offers."""
    request = GetSessionCapabilitiesRequest(session_id=session_id)
    return (await server.sessions.GetSessionCapabilities(request)).capabilities


async def test_models_commands_agents_and_tools_are_known_before_the_first_turn(
    server: GreenroomServer, model_api: ModelApi
) -> None:
    wanted = working(server, disallowed_tools=["WebFetch", "Bash(rm *)"])
    wanted.mcp_config.update({"mcpServers": {"near": good(server.work)}})
    wanted.required_mcp_servers.append("near")
    session = await create(server, wanted)
    session = await until(server, session.session_id, READY)
    asked = len(model_api.requests())
    found = await offered(server, session.session_id)
    opus = next(each for each in found.models if each.model == "opus")
    assert opus.resolved_model.startswith("claude-opus")
    assert {"low", "max"} <= set(opus.efforts)
    assert any(each.builtin for each in found.commands)
    assert "Explore" in {each.name for each in found.agents}
    assert "default" in found.output_styles
    assert found.cli_version == session.process.cli_version
    assert (found.etag, found.config_generation) == (session.process.capabilities_etag, 1)
    assert found.tools_known
    assert {"Bash", "Read", "Write"} <= set(found.tools)
    assert "WebFetch" not in found.tools
    assert len(model_api.requests()) == asked  # nothing was asked to learn them
    await pool_until(server, lambda pool: pool.busy + pool.warm == 1)
    assert not list(server.state.glob("workspaces/*/claude/projects/*/*.jsonl"))

    _, events = await run_turn(server, session.session_id, scripted("go", {"text": "done"}))
    after = await offered(server, session.session_id)
    assert list(after.tools) == list(found.tools)
    assert list(after.mcp_tools) == ["mcp__near__look"]
    assert after.etag == found.etag
    assert "session_capabilities_changed" not in names(events)


async def test_a_session_without_a_process_offers_nothing(server: GreenroomServer) -> None:
    session = await create(server)
    await until(server, session.session_id, READY)
    await server.sessions.SuspendSession(SuspendSessionRequest(session_id=session.session_id))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await offered(server, session.session_id)
    assert refused.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    info = detail_of(refused.value, error_details_pb2.ErrorInfo())
    assert (info.reason, info.metadata["state"]) == ("NO_PROCESS", "SUSPENDED")
    assert (await get(server, session.session_id)).process.capabilities_etag


async def test_settings_that_hide_tools_hide_them_before_the_first_turn_too(server: GreenroomServer) -> None:
    plain, bare = await create(server), working(server)
    hook = {"hooks": [{"type": "command", "command": f"touch {server.work}/hooked"}]}
    bare.settings.update({"disableWorkflows": True, "permissions": {"deny": ["WebSearch"]}})
    bare.settings.update({"disableAllHooks": True, "hooks": {"SessionStart": [hook]}})
    session = await create(server, bare)
    for each in (plain, session):
        await until(server, each.session_id, READY)
    everything = await offered(server, plain.session_id)
    found = await offered(server, session.session_id)
    assert set(everything.tools) - set(found.tools) == {"Workflow", "WebSearch"}
    assert not (server.work / "hooked").exists()
    await run_turn(server, session.session_id, scripted("go", {"text": "done"}))
    assert list((await offered(server, session.session_id)).tools) == list(found.tools)
