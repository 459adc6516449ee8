"""Processes that were started ahead: who gets one, with what, and who never does."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from fake_cli.installed import at_start, turn
from greenroom.v1 import config_pb2, session_pb2
from greenroom.v1.config_pb2 import SessionConfig
from greenroom.v1.event_pb2 import Event
from greenroom.v1.node_service_pb2 import GetPoolStatusRequest
from greenroom.v1.profile_pb2 import Profile
from greenroom.v1.profile_service_pb2 import CreateProfileRequest, UpdateProfileRequest
from greenroom.v1.session_pb2 import Session
from greenroom.v1.session_service_pb2 import (
    CloseSessionRequest,
    CreateSessionRequest,
    StartSessionRequest,
)
from greenroom_server import GreenroomServer
from observation import pool_until
from shared_servers import SharedServers
from standin.model_api import ModelApi
from story import get, history, names, run_turn, scripted, start_turn, until, working

READY = session_pb2.SESSION_STATE_READY


@pytest.fixture
async def fake(servers: SharedServers) -> AsyncIterator[GreenroomServer]:
    """A server with the fake CLI that has three slots."""
    async with servers.fake(max_processes="3") as running:
        yield running


async def keep_warm(server: GreenroomServer, count: int, **config: object) -> None:
    """Store a profile that keeps processes ready, and wait until they are."""
    profile = Profile(profile_id="quick", config=working(server, **config), warm_processes=count)
    await server.profiles.CreateProfile(CreateProfileRequest(profile=profile))
    await pool_until(server, lambda pool: pool.warm == count and len(server.children()) == count)


async def make(server: GreenroomServer, config: SessionConfig | None = None, **fields: object) -> Session:
    """Create a session of the profile."""
    request = CreateSessionRequest(profile_id="quick", config=config, **fields)  # type: ignore[arg-type]
    return (await server.sessions.CreateSession(request)).session


async def test_a_new_session_gets_a_process_that_was_ready_and_another_takes_its_place(
    fake: GreenroomServer,
) -> None:
    await keep_warm(fake, 1)
    session_id = (await make(fake)).session_id
    session = await until(fake, session_id, READY)
    assert session.process.from_warm_pool
    assert session.cli_session_id != session_id
    done, _ = await run_turn(fake, session_id, "one")
    assert done.result_text == "prompt 1"
    pool = await pool_until(fake, lambda pool: pool.warm == 1)
    assert (pool.busy, pool.warm) == (1, 1)
    assert [(use.busy, use.warm) for use in pool.workspaces] == [(1, 1)]


async def test_the_conversation_of_a_warm_process_is_resumed_and_a_crash_of_it_too(
    fake: GreenroomServer,
) -> None:
    await keep_warm(fake, 1)
    session_id = (await make(fake)).session_id
    await run_turn(fake, session_id, "one")
    first = await get(fake, session_id)
    await start_turn(fake, session_id, turn(exit=1))
    await until(fake, session_id, session_pb2.SESSION_STATE_ERROR)
    await fake.kill()
    await fake.start()
    await fake.sessions.StartSession(StartSessionRequest(session_id=session_id))
    done, _ = await run_turn(fake, session_id, "three")
    assert done.result_text == "prompt 3"
    after = await get(fake, session_id)
    assert after.cli_session_id == first.cli_session_id
    assert not after.process.from_warm_pool


@pytest.mark.parametrize(
    "other",
    [{"environment": {"TZ": "UTC"}}, {"max_turns": 3}, {"disallowed_tools": ["WebFetch"]}],
    ids=str,
)
async def test_what_a_process_cannot_take_late_is_started_for_it(
    fake: GreenroomServer, other: dict[str, object]
) -> None:
    await keep_warm(fake, 1)
    session_id = (await make(fake, SessionConfig(**other))).session_id  # type: ignore[arg-type]
    assert not (await until(fake, session_id, READY)).process.from_warm_pool


async def test_a_session_whose_warm_process_fails_it_starts_with_another(servers: SharedServers) -> None:
    async with servers.fake(at_start(refuse=["set_permission_mode"]), max_processes="1") as server:
        await keep_warm(server, 1)
        (waiting,) = server.children()
        late = SessionConfig(permission_mode=config_pb2.PERMISSION_MODE_PLAN)
        session_id = (await make(server, late)).session_id
        session = await until(server, session_id, READY)
        assert not session.process.from_warm_pool
        assert session.process.pid != waiting.pid
        assert [child.pid for child in server.children()] == [session.process.pid]
        assert names(await history(server, session_id)).count("process_spawned") == 1
        done, _ = await run_turn(server, session_id, "one")
        assert done.result_text == "prompt 1"


async def test_no_other_workspace_gets_one(fake: GreenroomServer) -> None:
    await keep_warm(fake, 1)
    request = CreateSessionRequest(workspace_id="other", config=working(fake))
    session_id = (await fake.sessions.CreateSession(request)).session.session_id
    assert not (await until(fake, session_id, READY)).process.from_warm_pool


async def test_a_warm_process_gives_its_slot_to_a_session_that_needs_one(fake: GreenroomServer) -> None:
    await keep_warm(fake, 3)
    for _ in range(3):
        request = CreateSessionRequest(workspace_id="other", config=working(fake))
        session_id = (await fake.sessions.CreateSession(request)).session.session_id
        await until(fake, session_id, READY)
        await start_turn(fake, session_id, turn(wait=60))
    pool = await pool_until(fake, lambda pool: pool.busy == 3)
    assert (pool.warm, pool.waiting) == (0, 0)


async def test_in_a_full_pool_a_session_takes_the_warm_process_over_with_its_slot(
    servers: SharedServers,
) -> None:
    async with servers.fake(max_processes="1") as server:
        await keep_warm(server, 1)
        (waiting,) = server.children()
        session_id = (await make(server)).session_id
        session = await until(server, session_id, READY)
        assert session.process.from_warm_pool
        assert session.process.pid == waiting.pid
        pool = (await server.nodes.GetPoolStatus(GetPoolStatusRequest())).pool_status
        assert (pool.busy, pool.warm, pool.waiting) == (1, 0, 0)
        await server.sessions.CloseSession(CloseSessionRequest(session_id=session_id))
        await until(server, session_id, session_pb2.SESSION_STATE_CLOSED)
        await pool_until(server, lambda pool: pool.warm == 1)  # the slot came back, and once


async def test_what_the_profile_does_not_want_any_more_ends(fake: GreenroomServer) -> None:
    await keep_warm(fake, 2)
    assert len(fake.children()) == 2
    request = UpdateProfileRequest(
        profile=Profile(profile_id="quick", warm_processes=1), update_mask=FieldMask(paths=["warm_processes"])
    )
    await fake.profiles.UpdateProfile(request)
    await pool_until(fake, lambda pool: pool.warm == 1)
    await fake.stop()


async def test_the_real_cli_takes_prompt_model_and_mode_late(
    server: GreenroomServer, model_api: ModelApi
) -> None:
    await keep_warm(server, 1)
    late = SessionConfig(
        system_prompt="You are late.", model="haiku", permission_mode=config_pb2.PERMISSION_MODE_DEFAULT
    )
    session_id = (await make(server, late)).session_id
    assert (await until(server, session_id, READY)).process.from_warm_pool
    done, _ = await run_turn(server, session_id, scripted("go", {"text": "here"}))
    assert done.result_text == "here"
    request = model_api.requests()[-1]
    assert "haiku" in request["model"]
    assert "You are late." in str(request)
    told = await history(server, session_id)
    (initialized,) = (
        event.message_system.raw_frame for event in told if event.message_system.subtype == "init"
    )
    assert json.loads(initialized)["permissionMode"] == "default"


async def test_one_profile_serves_sessions_in_any_directory_and_none_starts_a_process(
    server: GreenroomServer, model_api: ModelApi
) -> None:
    """A profile without a directory: its processes wait in none, and each enters the directory of its session."""
    profile = Profile(profile_id="quick", warm_processes=2)
    await server.profiles.CreateProfile(CreateProfileRequest(profile=profile))
    await pool_until(server, lambda pool: pool.warm == 2)
    sessions = {}
    for name in ("one", "two"):
        (server.work / name).mkdir()
        config = SessionConfig(working_dir=str(server.work / name), allowed_tools=["Bash(pwd)"])
        session_id = (await make(server, config)).session_id
        session = await until(server, session_id, READY)
        assert session.process.from_warm_pool
        sessions[name] = session
    for name, session in sessions.items():
        pwd: dict[str, object] = {"tool": "Bash", "input": {"command": "pwd"}}
        done, events = await run_turn(server, session.session_id, scripted("go", pwd, {"text": "done"}))
        assert done.result_text == "done"
        assert tool_results(events) == [str(server.work / name)]
        said = model_api.requests(session.cli_session_id)[-1]["said"]
        assert any(text.startswith("# Environment") for text in said)
    slugs = {path.parent.name for path in server.state.glob("workspaces/*/claude/projects/*/*.jsonl")}
    assert {slug.rpartition("-")[2] for slug in slugs} == {"one", "two"}


async def test_a_process_told_late_asks_the_model_for_the_same_as_one_started_so(
    server: GreenroomServer, model_api: ModelApi, tmp_path: Path
) -> None:
    await keep_warm(server, 1, environment={"COLOUR": "red"}, allowed_tools=["Bash(pwd)"])
    program = tmp_path / "look.py"
    program.write_text(LOOK, encoding="utf-8")
    servers = {"near": {"command": sys.executable, "args": [str(program)]}}
    config = working(
        server,
        environment={"COLOUR": "green", "SHAPE": "round"},
        allowed_tools=["Bash(pwd)", "Bash(printenv *)", "mcp__near__look"],
        disallowed_tools=["Bash(touch *)"],
        temperature=0.25,
        model="haiku",
        append_system_prompt="Be brief.",
    )
    config.tool_timeout.FromSeconds(30)
    config.mcp_config.update({"mcpServers": servers})
    config.settings.update({"env": {"SIZE": "big"}, "permissions": {"deny": ["Bash(rm *)"]}})
    plan: list[dict[str, object]] = [
        {"tool": "Bash", "input": {"command": "printenv COLOUR SHAPE SIZE BASH_MAX_TIMEOUT_MS"}},
        {"tool": "Bash", "input": {"command": "touch here"}},
        {"tool": "Bash", "input": {"command": "rm here"}},
        {"tool": "mcp__near__look", "input": {}},
        {"text": "done"},
    ]
    seen = []
    for warm in (True, False):
        session_id = (await make(server, config)).session_id
        session = await until(server, session_id, READY)
        assert session.process.from_warm_pool is warm
        _, events = await run_turn(server, session_id, scripted("go", *plan))
        asked = [_lasting(each) for each in model_api.requests(session.cli_session_id)]
        seen.append((tool_results(events), asked))
        await server.profiles.UpdateProfile(NO_MORE)
        await pool_until(server, lambda pool: pool.warm == 0)
    late, started = seen
    assert late[0][0].split() == ["green", "round", "big", "30000"]
    assert [text for text in late[0][1:3] if "denied" in text] == late[0][1:3]
    assert "green" in late[0][3]
    assert late == started


NO_MORE = UpdateProfileRequest(
    profile=Profile(profile_id="quick"), update_mask=FieldMask(paths=["warm_processes"])
)
LOOK = """
import json, os, sys
for line in sys.stdin:
    asked = json.loads(line)
    answer = {"tools": [{"name": "look", "description": "Look.", "inputSchema": {"type": "object"}}]}
    if asked["method"] == "initialize":
        version = asked["params"]["protocolVersion"]
        answer = {"protocolVersion": version, "capabilities": {"tools": {}}}
        answer["serverInfo"] = {"name": "near", "version": "1"}
    elif asked["method"] == "tools/call":
        answer = {"content": [{"type": "text", "text": os.environ["COLOUR"] + " in " + os.getcwd()}]}
    if "id" in asked:
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": answer}), flush=True)
"""


def tool_results(events: Sequence[Event]) -> list[str]:
    """Return what the tools of a turn answered."""
    results = [
        json.loads(event.message_tool_result.raw_frame)
        for event in events
        if event.HasField("message_tool_result")
    ]
    contents = [block["content"] for frame in results for block in frame["message"]["content"]]
    return [content if isinstance(content, str) else content[0]["text"] for content in contents]


def _lasting(request: dict[str, Any]) -> dict[str, Any]:
    """Return what of a model request is not its own: no times, ids or sizes that hold an id."""
    return {name: request[name] for name in ("model", "tools", "temperature", "system_bytes", "said", "auth")}
