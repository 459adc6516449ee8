"""A fork continues a copy of a conversation, as it was when it was made, whatever becomes of the original."""

import asyncio
import uuid
from pathlib import Path

from google.rpc.error_details_pb2 import PreconditionFailure, ResourceInfo

from files_below import paths_below
from greenroom.v1 import session_pb2
from greenroom.v1.config_pb2 import SessionConfig
from greenroom.v1.profile_pb2 import Profile
from greenroom.v1.profile_service_pb2 import CreateProfileRequest, DeleteProfileRequest
from greenroom.v1.session_pb2 import Session
from greenroom.v1.session_service_pb2 import (
    CloseSessionRequest,
    DeleteSessionRequest,
    ForkSessionRequest,
    StartMode,
)
from greenroom.v1.task_pb2 import TaskState
from greenroom.v1.turn_service_pb2 import InterruptTurnRequest, ListTasksRequest
from greenroom_server import GreenroomServer
from standin.model_api import ModelApi
from story import conversation, create, get, history, names, run_turn, scripted, start_turn, until, working
from unit.rpc.refusal import refused

MANUAL = StartMode.START_MODE_MANUAL


async def fork(server: GreenroomServer, session_id: str, **fields: object) -> Session:
    request = ForkSessionRequest(session_id=session_id, **fields)  # type: ignore[arg-type]
    return (await server.sessions.ForkSession(request)).session


async def say(server: GreenroomServer, session_id: str, word: str) -> None:
    await run_turn(server, session_id, scripted(word, {"text": f"heard {word}"}))


def transcripts(server: GreenroomServer) -> list[Path]:
    return paths_below(server.state, "*.jsonl")


async def test_both_go_on_from_where_it_was_made(server: GreenroomServer, model_api: ModelApi) -> None:
    config = working(server, system_prompt="You are one.", model="claude-haiku-5-5")
    origin = await create(server, config, display_name="first", labels={"team": "red"}, user_id="ann")
    await say(server, origin.session_id, "one")
    copy = await fork(
        server,
        origin.session_id,
        config=SessionConfig(system_prompt="You are two."),
        labels={"team": "blue"},
        start_mode=MANUAL,
    )
    assert (copy.state, copy.display_name, copy.user_id) == (
        session_pb2.SESSION_STATE_CREATED,
        "first",
        "ann",
    )
    assert dict(copy.labels) == {"team": "blue"}
    assert (copy.config.model, copy.config.system_prompt) == ("claude-haiku-5-5", "You are two.")
    assert copy.cli_session_id != origin.cli_session_id
    await say(server, origin.session_id, "two")
    await say(server, copy.session_id, "three")
    copy = await get(server, copy.session_id)
    assert conversation(model_api, origin.cli_session_id) == ["one", "heard one", "two"]
    assert conversation(model_api, copy.cli_session_id) == ["one", "heard one", "three"]
    assert "You are two." in model_api.requests(copy.cli_session_id)[-1]["system_tail"]
    assert copy.usage.turns == 1
    told = names(await history(server, copy.session_id))
    assert told[0] == "session_created"
    assert "session_started" in told
    assert "session_resumed" not in told


async def test_the_original_may_be_gone_before_the_copy_starts(
    server: GreenroomServer, model_api: ModelApi
) -> None:
    origin = await create(server, working(server, oauth_token="its-token"))
    await say(server, origin.session_id, "one")
    elsewhere = server.work / "elsewhere"
    elsewhere.mkdir()
    config = SessionConfig(working_dir=str(elsewhere))
    copy = await fork(server, origin.session_id, config=config, start_mode=MANUAL)
    assert copy.config.oauth_token_set
    await server.sessions.DeleteSession(DeleteSessionRequest(session_id=origin.session_id, force=True))
    await server.kill()
    await server.start()
    await say(server, copy.session_id, "two")
    assert conversation(model_api, copy.cli_session_id) == ["one", "heard one", "two"]
    assert "its-token" in model_api.requests(copy.cli_session_id)[-1]["auth"]["authorization"]


async def test_a_fork_of_a_fork_starts_by_itself(server: GreenroomServer, model_api: ModelApi) -> None:
    origin = await create(server)
    await say(server, origin.session_id, "one")
    second = await fork(server, origin.session_id)
    await until(server, second.session_id, session_pb2.SESSION_STATE_READY)
    await say(server, second.session_id, "two")
    third = await fork(server, second.session_id)
    await say(server, third.session_id, "three")
    assert conversation(model_api, third.cli_session_id) == ["one", "heard one", "two", "heard two", "three"]


async def test_while_a_turn_runs_it_is_refused(server: GreenroomServer) -> None:
    origin = await create(server)
    turn = await start_turn(server, origin.session_id, scripted("slow", {"hang": True}))
    refusal = await refused(
        server.sessions.ForkSession(ForkSessionRequest(session_id=origin.session_id, start_mode=MANUAL))
    )
    assert (refusal.code.name, refusal.reason) == ("FAILED_PRECONDITION", "TURN_RUNNING")
    assert refusal.metadata["turn_id"] == turn.turn_id
    (violation,) = refusal.detail(PreconditionFailure).violations
    assert (violation.type, violation.subject) == ("TURN", origin.session_id)
    await until(server, origin.session_id, session_pb2.SESSION_STATE_ACTIVE)
    await server.turns.InterruptTurn(InterruptTurnRequest(session_id=origin.session_id))
    assert len(transcripts(server)) == 1
    await fork(server, origin.session_id, start_mode=MANUAL)


async def test_the_copy_outlives_the_profile_of_the_original(
    server: GreenroomServer, model_api: ModelApi
) -> None:
    profile = Profile(profile_id="brief", config=SessionConfig(system_prompt="Be brief."))
    await server.profiles.CreateProfile(CreateProfileRequest(profile=profile))
    origin = await create(server, profile_id="brief")
    await say(server, origin.session_id, "one")
    await server.sessions.CloseSession(CloseSessionRequest(session_id=origin.session_id))
    await server.profiles.DeleteProfile(DeleteProfileRequest(profile_id="brief"))
    copy = await fork(server, origin.session_id)
    assert (copy.profile_id, copy.config.system_prompt) == ("", "Be brief.")
    await say(server, copy.session_id, "two")
    copy = await get(server, copy.session_id)
    assert conversation(model_api, copy.cli_session_id) == ["one", "heard one", "two"]


async def test_nothing_said_yet_is_nothing_to_copy(server: GreenroomServer, model_api: ModelApi) -> None:
    origin = await create(server, start_mode=MANUAL)
    copy = await fork(server, origin.session_id)
    await say(server, copy.session_id, "one")
    copy = await get(server, copy.session_id)
    assert conversation(model_api, copy.cli_session_id) == ["one"]


async def test_a_refused_fork_leaves_no_file(server: GreenroomServer) -> None:
    origin = await create(server)
    await say(server, origin.session_id, "one")
    request = ForkSessionRequest(session_id=origin.session_id, new_session_id=origin.session_id)
    refusal = await refused(server.sessions.ForkSession(request))
    assert (refusal.code.name, refusal.reason) == ("ALREADY_EXISTS", "SESSION_EXISTS")
    assert refusal.detail(ResourceInfo).resource_name == origin.session_id
    request = ForkSessionRequest(
        session_id=origin.session_id, new_session_id="no", config=SessionConfig(max_turns=-1)
    )
    refusal = await refused(server.sessions.ForkSession(request))
    assert {v.field for v in refusal.violations} == {"new_session_id", "config.max_turns"}
    refusal = await refused(server.sessions.ForkSession(ForkSessionRequest(session_id=str(uuid.uuid4()))))
    assert refusal.reason == "SESSION_NOT_FOUND"
    assert len(transcripts(server)) == 1
    await say(server, origin.session_id, "two")


async def test_a_lost_conversation_cannot_be_copied(server: GreenroomServer) -> None:
    origin = await create(server)
    await say(server, origin.session_id, "one")
    (transcript,) = transcripts(server)
    transcript.unlink()
    refusal = await refused(server.sessions.ForkSession(ForkSessionRequest(session_id=origin.session_id)))
    assert (refusal.code.name, refusal.reason) == ("FAILED_PRECONDITION", "CONVERSATION_LOST")
    assert refusal.detail(PreconditionFailure).violations[0].type == "CONVERSATION"


async def test_a_repeated_fork_is_the_same_session(server: GreenroomServer) -> None:
    origin = await create(server)
    await say(server, origin.session_id, "one")
    request = ForkSessionRequest(
        session_id=origin.session_id, request_id=str(uuid.uuid4()), start_mode=MANUAL
    )
    answers = await asyncio.gather(*(server.sessions.ForkSession(request) for _ in range(4)))
    answers.append(await server.sessions.ForkSession(request))
    assert len({answer.SerializeToString() for answer in answers}) == 1
    assert len(transcripts(server)) == 2


async def timers(server: GreenroomServer, session_id: str) -> list[tuple[str, str]]:
    """Return the ids and states of a session's timers."""
    tasks = (await server.turns.ListTasks(ListTasksRequest(session_id=session_id))).tasks
    return [(task.task_id, TaskState.Name(task.state).removeprefix("TASK_STATE_")) for task in tasks]


async def test_it_has_the_timers_of_the_conversation_and_says_so(
    server: GreenroomServer, model_api: ModelApi
) -> None:
    origin = await create(server)
    timer = {"cron": "0 0 1 1 *", "prompt": "happy new year", "recurring": False}
    wakeup = {"delaySeconds": 3600, "prompt": "look", "reason": "waiting"}
    calls = [{"name": "CronCreate", "input": timer}, {"name": "ScheduleWakeup", "input": wakeup}]
    await run_turn(server, origin.session_id, scripted("set", {"tools": calls}, {"text": "set"}))
    (known, _), _ = await timers(server, origin.session_id)
    copy = await fork(server, origin.session_id, start_mode=MANUAL)
    assert await timers(server, copy.session_id) == [(known, "PAUSED")]
    assert copy.background_task_count == 1
    assert "task_started" in names(await history(server, copy.session_id))
    started = await fork(server, origin.session_id)
    for session in (copy, started):
        listing = scripted("list", {"tool": "CronList", "input": {}}, {"text": "listed"})
        await run_turn(server, session.session_id, listing)
        assert await timers(server, session.session_id) == [(known, "SCHEDULED")]
    answer = model_api.requests(copy.cli_session_id)[-1]["last"]
    assert known in answer
    assert "happy new year" in answer
