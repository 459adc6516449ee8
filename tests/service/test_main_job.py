"""The main job over a real socket with the real CLI: a session, turns, tools, interrupts, an orderly end."""

import asyncio

import grpc
import psutil
import pytest
from google.rpc import error_details_pb2

from greenroom.v1 import config_pb2, session_pb2, turn_pb2
from greenroom.v1.session_service_pb2 import (
    CloseSessionRequest,
    CreateSessionRequest,
    ListSessionsRequest,
    SessionFilter,
    StartMode,
)
from greenroom.v1.turn_service_pb2 import (
    IF_BUSY_QUEUE,
    GetTurnRequest,
    InterruptTurnRequest,
    ListTurnsRequest,
    StartTurnRequest,
)
from greenroom_server import GreenroomServer
from service.test_unprompted_turns import UNTIL_TOLD
from standin.model_api import ModelApi
from story import (
    create,
    detail_of,
    get,
    history,
    names,
    run_turn,
    scripted,
    sequences,
    start_turn,
    until,
    working,
)

pytestmark = pytest.mark.parametrize("database", ["sqlite", "postgres"], indirect=True)


async def test_a_turn_uses_a_tool_and_every_event_is_seen(server: GreenroomServer) -> None:
    session = await create(server)
    target = server.work / "hello.txt"
    prompt = scripted(
        "write",
        {"tool": "Write", "input": {"file_path": str(target), "content": "hello"}},
        {"text": "written"},
    )
    turn, events = await run_turn(server, session.session_id, prompt)
    assert turn.state == turn_pb2.TURN_STATE_COMPLETED
    assert turn.result_text == "written"
    assert turn.usage.input_tokens > 0
    assert turn.cost_usd > 0
    assert target.read_text() == "hello"
    told = names(events)
    assert told[0] == "turn_queued"
    assert told[-1] == "turn_completed"
    for kind in (
        "turn_started",
        "message_user",
        "message_tool_use",
        "message_tool_result",
        "message_assistant",
    ):
        assert kind in told
    stored = await history(server, session.session_id)
    assert sequences(stored) == list(range(1, len(stored) + 1))
    assert [event for event in stored if event.turn_id == turn.turn_id] == events


async def test_turns_follow_each_other_in_one_process(server: GreenroomServer) -> None:
    session = await create(server)
    first, _ = await run_turn(server, session.session_id, scripted("a", {"text": "one"}))
    after_first = await get(server, session.session_id)
    second, _ = await run_turn(server, session.session_id, scripted("b", {"text": "two"}))
    after_second = await get(server, session.session_id)
    assert (first.result_text, second.result_text) == ("one", "two")
    assert after_first.process.pid == after_second.process.pid
    assert after_second.usage.turns == 2
    assert after_second.usage.cost_usd == pytest.approx(first.cost_usd + second.cost_usd)
    listed = (await server.turns.ListTurns(ListTurnsRequest(session_id=session.session_id))).turns
    assert [turn.number for turn in listed] == [1, 2]
    found = (await server.turns.GetTurn(GetTurnRequest(turn_id=first.turn_id))).turn
    assert found == listed[0]


async def test_a_queued_turn_waits_for_the_running_one(server: GreenroomServer) -> None:
    session = await create(server, working(server, allowed_tools=["Bash"]))
    wait = {"command": UNTIL_TOLD, "description": "wait"}
    slow = await start_turn(
        server, session.session_id, scripted("slow", {"tool": "Bash", "input": wait}, {"text": "first"})
    )
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await start_turn(server, session.session_id, "now")
    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    queued = StartTurnRequest(
        session_id=session.session_id, prompt=scripted("later", {"text": "second"}), if_busy=IF_BUSY_QUEUE
    )
    second = (await server.turns.StartTurn(queued)).turn
    assert second.state == turn_pb2.TURN_STATE_QUEUED
    (server.work / "go").touch()
    await until(server, session.session_id, turn_id=second.turn_id)
    first_end = (await server.turns.GetTurn(GetTurnRequest(turn_id=slow.turn_id))).turn
    second_end = (await server.turns.GetTurn(GetTurnRequest(turn_id=second.turn_id))).turn
    assert (first_end.result_text, second_end.result_text) == ("first", "second")
    assert first_end.end_time.ToDatetime() <= second_end.start_time.ToDatetime()


async def test_an_interrupted_turn_ends_and_the_session_goes_on(server: GreenroomServer) -> None:
    session = await create(server)
    turn = await start_turn(server, session.session_id, scripted("slow", {"text": "word " * 200, "gap": 0.5}))
    await until(server, session.session_id, session_pb2.SESSION_STATE_ACTIVE)
    ended = (
        await server.turns.InterruptTurn(
            InterruptTurnRequest(session_id=session.session_id, turn_id=turn.turn_id)
        )
    ).turn
    assert ended.state == turn_pb2.TURN_STATE_INTERRUPTED
    assert not ended.side_effects_unknown
    again, _ = await run_turn(server, session.session_id, scripted("again", {"text": "fine"}))
    assert again.result_text == "fine"


async def test_closing_ends_the_process_and_closing_again_is_fine(server: GreenroomServer) -> None:
    session = await create(server)
    await run_turn(server, session.session_id, scripted("x", {"text": "y"}))
    pid = (await get(server, session.session_id)).process.pid
    assert psutil.pid_exists(pid)
    for _ in range(2):
        request = CloseSessionRequest(session_id=session.session_id)
        closed = (await server.sessions.CloseSession(request)).session
        assert closed.state == session_pb2.SESSION_STATE_CLOSED
    assert not psutil.pid_exists(pid)
    assert server.children() == []
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await start_turn(server, session.session_id, "more")
    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION


async def test_a_killed_cli_leaves_an_error_that_says_how(server: GreenroomServer) -> None:
    session = await create(server)
    turn = await start_turn(server, session.session_id, scripted("slow", {"text": "word " * 200, "gap": 0.5}))
    active = await until(server, session.session_id, session_pb2.SESSION_STATE_ACTIVE)
    psutil.Process(active.process.pid).kill()
    failed = await until(server, session.session_id, session_pb2.SESSION_STATE_ERROR)
    assert failed.process.last_exit.signal == 9
    info = error_details_pb2.ErrorInfo()
    assert failed.error.details[0].Unpack(info)
    assert (info.reason, info.metadata["signal"]) == ("PROCESS_EXITED", "9")
    ended = (await server.turns.GetTurn(GetTurnRequest(turn_id=turn.turn_id))).turn
    assert ended.state == turn_pb2.TURN_STATE_INTERRUPTED
    assert ended.side_effects_unknown
    told = names(await history(server, session.session_id))
    assert told[-4:] == ["process_exited", "turn_interrupted", "session_state_changed", "session_error"]
    assert server.children() == []


async def test_ten_wrong_fields_are_ten_violations_and_no_row(server: GreenroomServer) -> None:
    config = config_pb2.SessionConfig(
        working_dir="not/absolute",
        max_turns=0,
        temperature=1.5,
        max_budget_usd=-1,
        allowed_tools=["Bash("],
        permission_mode=99,  # type: ignore[arg-type]
        environment={"LD_PRELOAD": "x"},
    )
    config.tool_timeout.FromMilliseconds(1)
    config.limits.memory_bytes = 1
    request = CreateSessionRequest(config=config, session_id="not-a-uuid")
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await server.sessions.CreateSession(request)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    bad = detail_of(refused.value, error_details_pb2.BadRequest())
    assert sorted(violation.field for violation in bad.field_violations) == [
        "config.allowed_tools[0]",
        'config.environment["LD_PRELOAD"]',
        "config.limits.memory_bytes",
        "config.max_budget_usd",
        "config.max_turns",
        "config.permission_mode",
        "config.temperature",
        "config.tool_timeout",
        "config.working_dir",
        "session_id",
    ]
    listed = await server.sessions.ListSessions(ListSessionsRequest(workspace_id="-"))
    assert list(listed.sessions) == []


async def test_every_setting_reaches_the_cli(server: GreenroomServer, model_api: ModelApi) -> None:
    config = working(
        server,
        system_prompt="You are a test.",
        append_system_prompt="And brief.",
        model="claude-haiku-5-5",
        temperature=0.25,
        max_turns=3,
        allowed_tools=["Bash"],
        environment={"COLOUR": "green"},
        oauth_token="token-of-the-test",
    )
    config.tool_timeout.FromSeconds(30)
    session = await create(server, config)
    assert session.config.oauth_token == ""
    assert session.config.oauth_token_set
    command = 'echo "$COLOUR $PWD $BASH_DEFAULT_TIMEOUT_MS" > seen.txt'
    await run_turn(
        server,
        session.session_id,
        scripted("go", {"tool": "Bash", "input": {"command": command, "description": "x"}}, {"text": "ok"}),
    )
    seen = model_api.requests(at_least=1)[-1]
    assert seen["model"] == "claude-haiku-5-5"
    assert seen["temperature"] == 0.25
    assert "You are a test." in seen["system_tail"]
    assert "And brief." in seen["system_tail"]
    told = (server.work / "seen.txt").read_text().split()
    assert told == ["green", str(server.work), "30000"]


async def test_sessions_are_listed_by_page_and_filter(server: GreenroomServer) -> None:
    for index in range(5):
        await create(
            server,
            start_mode=StartMode.START_MODE_MANUAL,
            workspace_id="w",
            labels={"parity": "even" if index % 2 == 0 else "odd"},
            display_name=str(index),
        )
    request = ListSessionsRequest(workspace_id="w", page_size=2, order_by="create_time asc")
    seen = []
    while True:
        page = await server.sessions.ListSessions(request)
        seen += [session.display_name for session in page.sessions]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert seen == ["0", "1", "2", "3", "4"]
    even = ListSessionsRequest(workspace_id="w", filter=SessionFilter(labels={"parity": "even"}))
    assert len((await server.sessions.ListSessions(even)).sessions) == 3
    foreign = ListSessionsRequest(workspace_id="other", page_token=request.page_token)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await server.sessions.ListSessions(foreign)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_sessions_work_side_by_side(server: GreenroomServer) -> None:
    sessions = [await create(server) for _ in range(3)]
    turns = await asyncio.gather(
        *(run_turn(server, each.session_id, scripted("x", {"text": each.session_id})) for each in sessions)
    )
    assert [turn.result_text for turn, _ in turns] == [each.session_id for each in sessions]
