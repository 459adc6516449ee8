"""What a session is configured with is its own: on the real CLI, whose settings reach further than a session."""

from __future__ import annotations

import os
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.struct_pb2 import Struct
from google.rpc import error_details_pb2

from greenroom.v1 import turn_pb2
from greenroom.v1.session_pb2 import SESSION_STATE_ERROR, SESSION_STATE_READY, Session
from greenroom.v1.session_service_pb2 import (
    ResumeSessionRequest,
    SuspendSessionRequest,
    UpdateSessionRequest,
)
from greenroom_server import GreenroomServer
from shared_servers import SharedServers
from standin.model_api import ModelApi
from story import create, detail_of, get, names, run_turn, scripted, until, working

MONTHS = 200 * 86_400


def struct(value: dict[str, Any]) -> Struct:
    """Return a JSON object as protobuf has it."""
    made = Struct()
    made.update(value)
    return made


async def violations(call: Any) -> list[str]:
    """Return the paths that a call is refused with."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    return [each.field for each in detail_of(refused.value, error_details_pb2.BadRequest()).field_violations]


async def suspended(server: GreenroomServer, session_id: str) -> None:
    """End the session's process."""
    await server.sessions.SuspendSession(SuspendSessionRequest(session_id=session_id))


async def resumed(server: GreenroomServer, session_id: str) -> None:
    """Give the session a process again."""
    await server.sessions.ResumeSession(ResumeSessionRequest(session_id=session_id))
    await until(server, session_id, SESSION_STATE_READY, SESSION_STATE_ERROR)


def transcript(server: GreenroomServer, session: Session) -> Path:
    """Return the file of the session's conversation."""
    (found,) = server.state.glob(f"workspaces/*/claude/projects/*/{session.cli_session_id}.jsonl")
    return found


@pytest.mark.parametrize(
    "settings",
    [
        {"cleanupPeriodDays": 1},
        {"cleanupPeriodDays": 36500},
        {"desktopSessionCleanupPeriodDays": 1},
        {"autoMemoryDirectory": "/tmp"},
        {"plansDirectory": "plans"},
        {"apiKeyHelper": "echo key"},
        {"awsAuthRefresh": "true"},
        {"model": "haiku"},
        {"crossSessionInbound": "accept"},
        {"futureSetting": True},
    ],
)
async def test_settings_that_reach_beyond_the_session_are_refused_by_name(
    server: GreenroomServer, settings: dict[str, Any]
) -> None:
    (name,) = settings
    given = working(server, settings=struct(settings))
    assert await violations(create(server, given)) == [f"config.settings.{name}"]
    session = await create(server)
    change = UpdateSessionRequest(
        session=Session(session_id=session.session_id, config=given),
        update_mask=FieldMask(paths=["config.settings"]),
    )
    assert await violations(server.sessions.UpdateSession(change)) == [f"session.config.settings.{name}"]


async def test_a_conversation_rests_longer_than_any_period_of_the_cli(server: GreenroomServer) -> None:
    session = await create(server)
    await run_turn(server, session.session_id, scripted("remember", {"text": "I do"}))
    await suspended(server, session.session_id)
    file = transcript(server, session)
    old = time.time() - MONTHS
    os.utime(file, (old, old))

    other = await create(server)
    for _ in range(2):
        await run_turn(server, other.session_id, scripted("work", {"text": "done"}))
    await suspended(server, other.session_id)  # a clean-up that has begun is over when its process is
    assert not list(server.state.glob("workspaces/*/claude/.last-cleanup")), "the CLI cleans up"
    assert file.exists()
    await resumed(server, session.session_id)
    turn, _ = await run_turn(server, session.session_id, scripted("go on", {"text": "here I am"}))
    assert turn.result_text == "here I am"


@pytest.fixture
async def operated(servers: SharedServers, model_api: ModelApi) -> AsyncIterator[GreenroomServer]:
    """A server whose operator reaches the API with every kind of credential at once."""
    credentials = {
        **model_api.cli_environment,
        "ANTHROPIC_AUTH_TOKEN": "operators-token",
        "ANTHROPIC_CUSTOM_HEADERS": "x-route: eu\nx-gateway-key: operators\nAuthorization: Bearer operators",
    }
    async with servers.real(credentials) as running:
        yield running


async def test_the_operators_credential_never_travels_with_a_sessions(
    operated: GreenroomServer, model_api: ModelApi
) -> None:
    session = await create(operated, working(operated, oauth_token="sessions-token"))
    await run_turn(operated, session.session_id, scripted("hello", {"text": "hi"}))
    request = model_api.requests(session.cli_session_id, at_least=1)[0]
    assert request["auth"] == {"authorization": "Bearer sessions-token"}
    assert "x-route" in request["headers"]
    assert "x-gateway-key" not in request["headers"]


async def test_a_session_without_a_credential_has_the_operators(
    operated: GreenroomServer, model_api: ModelApi
) -> None:
    session = await create(operated)
    await run_turn(operated, session.session_id, scripted("hello", {"text": "hi"}))
    request = model_api.requests(session.cli_session_id, at_least=1)[0]
    assert request["auth"] == {"authorization": "Bearer operators-token", "x-api-key": "stub-key"}
    assert {"x-route", "x-gateway-key"} <= set(request["headers"])


@pytest.mark.parametrize(
    "name", ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL", "AWS_ENDPOINT_URL"]
)
async def test_a_session_cannot_lead_the_operators_credential_elsewhere(
    server: GreenroomServer, name: str
) -> None:
    environment = working(server, environment={name: "x"})
    assert await violations(create(server, environment)) == [f'config.environment["{name}"]']
    settings = working(server, settings=struct({"env": {name: "x"}}))
    assert await violations(create(server, settings)) == [f'config.settings.env["{name}"]']


async def test_additional_directories_are_inside_the_allowed_roots(
    server: GreenroomServer, tmp_path: Path
) -> None:
    beside = server.work / "beside"
    beside.mkdir()
    (server.work / "link").symlink_to(tmp_path)
    path = "config.settings.permissions.additionalDirectories"

    def config(*directories: object) -> Any:
        permissions = {"additionalDirectories": [str(each) for each in directories]}
        return working(server, settings=struct({"permissions": permissions}))

    assert await violations(
        create(server, config(tmp_path, beside, "/", server.work / "none", server.work / "link", "../x"))
    ) == [f"{path}[5]", f"{path}[0]", f"{path}[2]", f"{path}[3]", f"{path}[4]"]
    session = await create(server, config(beside))
    (server.work / "sub").mkdir()
    change = UpdateSessionRequest(
        session=Session(session_id=session.session_id, config=config(tmp_path)),
        update_mask=FieldMask(paths=["config.settings"]),
    )
    assert await violations(server.sessions.UpdateSession(change)) == [f"session.{path}[0]"]


async def test_an_additional_directory_can_be_written_and_is_looked_at_again_at_each_start(
    server: GreenroomServer, tmp_path: Path
) -> None:
    inside, outside = server.work / "inside", server.work / "extra"
    inside.mkdir()
    outside.mkdir()
    config = working(server, settings=struct({"permissions": {"additionalDirectories": [str(outside)]}}))
    config.working_dir = str(inside)
    session = await create(server, config)
    call: dict[str, object] = {"tool": "Write", "input": {"file_path": str(outside / "note"), "content": "x"}}
    turn, _ = await run_turn(server, session.session_id, scripted("write", call, {"text": "done"}))
    assert turn.state == turn_pb2.TURN_STATE_COMPLETED
    assert (outside / "note").read_text() == "x", "ACCEPT_EDITS holds inside the directories of the session"

    await suspended(server, session.session_id)
    outside.rename(server.work / "moved")
    outside.symlink_to(tmp_path)
    await resumed(server, session.session_id)
    error = (await get(server, session.session_id)).error
    info = error_details_pb2.ErrorInfo()
    assert any(detail.Unpack(info) for detail in error.details), error
    assert info.reason == "WORKING_DIR_OUTSIDE_ROOTS"


async def test_what_is_accepted_takes_effect(server: GreenroomServer, model_api: ModelApi) -> None:
    settings = {
        "disableBundledSkills": True,
        "disableWorkflows": True,
        "outputStyle": "Explanatory",
        "permissions": {"allow": ["Bash(touch *)"], "deny": ["Bash(rm *)"], "ask": ["Bash(touch asked*)"]},
        "hooks": {"Stop": [{"hooks": [{"type": "command", "command": f"touch {server.work}/hooked"}]}]},
    }
    plain = await create(server)
    await run_turn(server, plain.session_id, scripted("hello", {"text": "hi"}))
    session = await create(server, working(server, settings=struct(settings)))
    touch: dict[str, object] = {"tool": "Bash", "input": {"command": f"touch {server.work}/made"}}
    remove: dict[str, object] = {"tool": "Bash", "input": {"command": f"rm {server.work}/made"}}
    turn, _ = await run_turn(server, session.session_id, scripted("go", touch, remove, {"text": "done"}))
    assert turn.state == turn_pb2.TURN_STATE_COMPLETED
    assert (server.work / "made").exists()
    assert (server.work / "hooked").exists()
    before = model_api.requests(plain.cli_session_id, at_least=1)[0]
    after = model_api.requests(session.cli_session_id, at_least=1)[0]
    assert "Workflow" in before["tools"]
    assert "Workflow" not in after["tools"]
    assert any("Explanatory output style is active" in each for each in [*after["said"], after["last"]])


def hooked(event: str, command: str) -> dict[str, Any]:
    """Return settings with one hook."""
    return {"hooks": {event: [{"hooks": [{"type": "command", "command": command}]}]}}


STOP = 'echo \'{"continue": false, "stopReason": "not with me"}\''
BLOCK = 'echo \'{"decision": "block", "reason": "not with me"}\''


@pytest.mark.parametrize("refuse", ["echo not with me >&2; exit 2", STOP, BLOCK])
async def test_a_prompt_that_a_hook_refuses_is_a_failed_turn(
    server: GreenroomServer, model_api: ModelApi, refuse: str
) -> None:
    command = f"grep -q secret || exit 0; {refuse}"
    session = await create(server, working(server, settings=struct(hooked("UserPromptSubmit", command))))
    turn, events = await run_turn(server, session.session_id, scripted("the secret", {"text": "told"}))
    assert (turn.state, turn.result_text) == (turn_pb2.TURN_STATE_FAILED, "")
    info = error_details_pb2.ErrorInfo()
    assert turn.error.details[0].Unpack(info)
    assert info.reason == "PROMPT_REFUSED"
    assert turn.error.message == "not with me"
    assert names(events)[-1] == "turn_failed"
    assert not model_api.requests(session.cli_session_id)
    await suspended(server, session.session_id)
    await resumed(server, session.session_id)
    again, _ = await run_turn(server, session.session_id, scripted("hello", {"text": "hi"}))
    assert (again.state, again.result_text) == (turn_pb2.TURN_STATE_COMPLETED, "hi")


@pytest.mark.parametrize("event", ["PreToolUse", "PostToolUse"])
async def test_a_turn_that_a_hook_stops_has_failed(server: GreenroomServer, event: str) -> None:
    session = await create(server, working(server, settings=struct(hooked(event, STOP))))
    call: dict[str, object] = {
        "tool": "Write",
        "input": {"file_path": str(server.work / "a"), "content": "x"},
    }
    turn, _ = await run_turn(server, session.session_id, scripted("go", call, {"text": "finished"}))
    assert (turn.state, turn.result_text) == (turn_pb2.TURN_STATE_FAILED, "")
    info = error_details_pb2.ErrorInfo()
    assert turn.error.details[0].Unpack(info)
    assert info.reason == "HOOK_STOPPED"


async def test_a_hook_that_stops_after_the_answer_leaves_the_answer(server: GreenroomServer) -> None:
    session = await create(server, working(server, settings=struct(hooked("Stop", STOP))))
    turn, _ = await run_turn(server, session.session_id, scripted("go", {"text": "finished"}))
    assert (turn.state, turn.result_text) == (turn_pb2.TURN_STATE_COMPLETED, "finished")


async def remembered(server: GreenroomServer, model_api: ModelApi, **config: Any) -> bool:
    """Whether a new session's model reads what lies in the memory folder of the directory."""
    session = await create(server, working(server, **config))
    await run_turn(server, session.session_id, scripted("hello", {"text": "hi"}))
    request = model_api.requests(session.cli_session_id, at_least=1)[0]
    return "xyzzy" in transcript(server, session).read_text() or "xyzzy" in str(request)


async def test_sessions_of_a_directory_share_no_memory_unless_they_ask_for_it(
    server: GreenroomServer, model_api: ModelApi
) -> None:
    session = await create(server)
    await run_turn(server, session.session_id, scripted("hello", {"text": "hi"}))
    memory = transcript(server, session).parent / "memory"
    assert not memory.exists(), "the CLI made the folder for a session without memory"
    memory.mkdir()
    (memory / "MEMORY.md").write_text("- the secret word is xyzzy\n")
    assert not await remembered(server, model_api)
    assert await remembered(server, model_api, settings=struct({"autoMemoryEnabled": True}))


async def test_a_session_is_shown_no_other(server: GreenroomServer, model_api: ModelApi) -> None:
    other = await create(server)
    await run_turn(server, other.session_id, scripted("hello", {"text": "hi"}))
    session = await create(server)
    look: dict[str, object] = {"tool": "ListAgents", "input": {}}
    await run_turn(server, session.session_id, scripted("who", look, {"text": "seen"}))
    listing = model_api.requests(session.cli_session_id, at_least=2)[-1]["last"]
    assert not re.search(r"Peer sessions.*?([\w-]+) \[", listing), listing
