"""The real CLI works without a prompt, after a command or by a timer: that is a turn, with all that turns have."""

from __future__ import annotations

import json
import os
import signal
from datetime import UTC, datetime

import pytest

from greenroom.v1 import session_pb2, task_pb2, turn_pb2
from greenroom.v1.event_pb2 import Event
from greenroom.v1.event_service_pb2 import WATCH_START_BEGINNING, WatchEventsRequest
from greenroom.v1.session_service_pb2 import SuspendSessionRequest
from greenroom.v1.turn_pb2 import Turn
from greenroom.v1.turn_service_pb2 import (
    APPROVAL_DECISION_ALLOW,
    IF_BUSY_QUEUE,
    DecideApprovalRequest,
    InterruptTurnRequest,
    ListApprovalsRequest,
    ListTasksRequest,
    ListTurnsRequest,
    StartTurnRequest,
)
from greenroom_server import GreenroomServer
from standin.model_api import ModelApi
from story import create, get, history, names, run_turn, scripted, until, working
from unit.rpc.refusal import refused

IDLE = session_pb2.SESSION_STATE_IDLE
UNTIL_TOLD = "while ! test -e go; do sleep 0.05; done"
"""A command that takes until the test says so: one that takes some time may end before its turn does."""
USAGE = {"usage": {"input_tokens": 700, "output_tokens": 30}}


def in_background(command: str) -> dict[str, object]:
    """Return a step in which the model starts a command in the background."""
    given = {"command": command, "run_in_background": True, "description": "wait"}
    return {"tool": "Bash", "input": given}


async def session_with(server: GreenroomServer, **options: object) -> str:
    """Create a session whose commands need no permission; return its id."""
    options.setdefault("allowed_tools", ["Bash"])
    return (await create(server, working(server, **options))).session_id


async def seen(server: GreenroomServer, session_id: str, kind: str) -> Event:
    """Return a session's first event of a kind, such as `task_ended`, once there is one."""
    request = WatchEventsRequest(session_ids=[session_id], start=WATCH_START_BEGINNING)
    watch = server.events.WatchEvents(request)
    async for frame in watch:
        for event in frame.events:
            if event.HasField(kind):  # type: ignore[arg-type]
                watch.cancel()
                return event
    raise AssertionError(f"no {kind}")


async def the_turn_of_the_cli(server: GreenroomServer, session_id: str) -> Turn:
    """Let what waits for the test go on, and return the turn that the CLI then begins."""
    (server.work / "go").touch()
    watch = server.events.WatchEvents(WatchEventsRequest(session_ids=[session_id]))
    await watch.initial_metadata()
    while True:
        turns = (await server.turns.ListTurns(ListTurnsRequest(session_id=session_id))).turns
        for turn in turns:
            if turn.kind == turn_pb2.TURN_KIND_UNPROMPTED:
                watch.cancel()
                return turn
        await watch.read()


async def ended(server: GreenroomServer, turn: Turn) -> Turn:
    """Return a turn at its end."""
    await until(server, turn.session_id, turn_id=turn.turn_id)
    listed = (await server.turns.ListTurns(ListTurnsRequest(session_id=turn.session_id))).turns
    return next(each for each in listed if each.turn_id == turn.turn_id)


async def tasks(server: GreenroomServer, session_id: str) -> list[task_pb2.Task]:
    """Return all background tasks of a session."""
    return list((await server.turns.ListTasks(ListTasksRequest(session_id=session_id))).tasks)


async def test_what_follows_from_a_command_is_a_turn_with_its_cause_and_its_own_cost(
    server: GreenroomServer,
) -> None:
    session_id = await session_with(server)
    prompt = scripted("go", in_background(UNTIL_TOLD), {"text": "started"}, {"text": "it is over", **USAGE})
    first, _ = await run_turn(server, session_id, prompt)
    assert (first.kind, first.result_text) == (turn_pb2.TURN_KIND_PROMPT, "started")
    turn = await ended(server, await the_turn_of_the_cli(server, session_id))
    (task,) = await tasks(server, session_id)
    assert turn.cause == turn_pb2.TurnCause(kind=turn_pb2.TURN_CAUSE_KIND_TASK, task_id=task.task_id)
    assert (turn.state, turn.result_text) == (turn_pb2.TURN_STATE_COMPLETED, "it is over")
    assert (turn.usage.input_tokens, turn.usage.output_tokens, turn.prompt) == (700, 30, "")
    session = await until(server, session_id, IDLE)
    assert session.usage.turns == 2
    assert session.usage.cost_usd == pytest.approx(first.cost_usd + turn.cost_usd)
    own = [event for event in await history(server, session_id) if event.turn_id == turn.turn_id]
    told = [name for name in names(own) if name.startswith(("turn", "message_assistant"))]
    assert told == ["turn_started", "message_assistant", "turn_completed"]


async def test_a_task_is_told_from_its_start_to_its_end(server: GreenroomServer) -> None:
    session_id = await session_with(server)
    prompt = scripted(
        "go", in_background(f"{UNTIL_TOLD}; exit 3"), {"text": "started"}, {"text": "it failed"}
    )
    first, _ = await run_turn(server, session_id, prompt)
    assert (await get(server, session_id)).background_task_count == 1
    (server.work / "go").touch()
    end = await seen(server, session_id, "task_ended")
    await until(server, session_id, IDLE)
    (task,) = await tasks(server, session_id)
    assert task == end.task_ended.task
    assert (task.kind, task.state) == (task_pb2.TASK_KIND_SHELL, task_pb2.TASK_STATE_FAILED)
    assert (task.turn_id, task.description) == (first.turn_id, "wait")
    assert "exit code 3" in task.summary
    assert "/" not in task.summary, "no path of the server's"
    events = await history(server, session_id)
    assert [name for name in names(events) if name.startswith("task")] == ["task_started", "task_ended"]
    (call,) = [event for event in events if event.HasField("message_tool_use")]
    assert task.tool_use_id == call.message_tool_use.content[0].tool_use.tool_use_id
    assert (await get(server, session_id)).background_task_count == 0


async def test_a_permission_between_turns_is_one_of_a_turn(server: GreenroomServer) -> None:
    session_id = await session_with(server, permission_mode=1)
    write = {"tool": "Write", "input": {"file_path": f"{server.work}/f", "content": "x"}}
    await run_turn(
        server,
        session_id,
        scripted("go", in_background(UNTIL_TOLD), {"text": "started"}, write, {"text": "over"}),
    )
    (server.work / "go").touch()
    asked = (await seen(server, session_id, "approval_requested")).approval_requested.approval
    session = await get(server, session_id)
    assert (session.state, session.state_reason) == (session_pb2.SESSION_STATE_ACTIVE, "AWAITING_APPROVAL")
    turn = await the_turn_of_the_cli(server, session_id)
    assert asked.turn_id == turn.turn_id == session.current_turn_id
    request = SuspendSessionRequest(session_id=session_id)
    assert (await refused(server.sessions.SuspendSession(request))).reason == "TURN_RUNNING"
    allow = DecideApprovalRequest(approval_id=asked.approval_id, decision=APPROVAL_DECISION_ALLOW)
    await server.turns.DecideApproval(allow)
    assert (await ended(server, turn)).result_text == "over"
    listed = (await server.turns.ListApprovals(ListApprovalsRequest(session_id=session_id))).approvals
    assert [each.turn_id for each in listed] == [turn.turn_id]


async def test_the_clis_own_work_can_be_interrupted_and_a_prompt_waits_for_it(
    server: GreenroomServer,
) -> None:
    session_id = await session_with(server)
    await run_turn(
        server, session_id, scripted("go", in_background(UNTIL_TOLD), {"text": "started"}, {"hang": True})
    )
    turn = await the_turn_of_the_cli(server, session_id)
    waiting = await server.turns.StartTurn(_queued(session_id, scripted("next", {"text": "next"})))
    assert waiting.turn.state == turn_pb2.TURN_STATE_QUEUED
    answer = await server.turns.InterruptTurn(InterruptTurnRequest(session_id=session_id))
    assert (answer.turn.turn_id, answer.turn.state) == (turn.turn_id, turn_pb2.TURN_STATE_INTERRUPTED)
    assert (await ended(server, waiting.turn)).result_text == "next"


async def test_a_limit_on_turns_binds_the_clis_own_work(server: GreenroomServer) -> None:
    limits = session_pb2.Session().config.limits
    limits.turn_timeout.FromSeconds(1)
    session_id = await session_with(server, limits=limits)
    prompt = scripted("go", in_background(UNTIL_TOLD), {"text": "started"}, {"hang": True})
    request = StartTurnRequest(session_id=session_id, prompt=prompt)
    request.turn_timeout.FromSeconds(60)
    first = (await server.turns.StartTurn(request)).turn
    assert (await ended(server, first)).state == turn_pb2.TURN_STATE_COMPLETED
    turn = await ended(server, await the_turn_of_the_cli(server, session_id))
    assert turn.state == turn_pb2.TURN_STATE_FAILED
    assert "timeout" in turn.error.message


async def test_a_killed_server_settles_the_clis_own_work_and_its_tasks(server: GreenroomServer) -> None:
    session_id = await session_with(server)
    steps = ({"tools": [_call(UNTIL_TOLD), _call("sleep 60")]}, {"text": "started"}, {"hang": True})
    await run_turn(server, session_id, scripted("go", *steps))
    turn = await the_turn_of_the_cli(server, session_id)
    await server.kill()
    await server.start()
    settled = await ended(server, turn)
    assert (settled.state, settled.side_effects_unknown) == (turn_pb2.TURN_STATE_INTERRUPTED, True)
    assert settled.error.message
    session = await get(server, session_id)
    lost = [task for task in await tasks(server, session_id) if task.state == task_pb2.TASK_STATE_LOST]
    assert session.lost_task_ids == [task.task_id for task in lost]
    assert len(lost) == 1


async def test_a_process_that_dies_loses_its_tasks(server: GreenroomServer) -> None:
    session_id = await session_with(server)
    await run_turn(server, session_id, scripted("go", in_background("sleep 60"), {"text": "started"}))
    os.kill((await get(server, session_id)).process.pid, signal.SIGKILL)
    await until(server, session_id, session_pb2.SESSION_STATE_ERROR)
    (task,) = await tasks(server, session_id)
    assert task.state == task_pb2.TASK_STATE_LOST
    changed = [
        e.session_state_changed
        for e in await history(server, session_id)
        if e.HasField("session_state_changed")
    ]
    assert changed[-1].lost_task_ids == [task.task_id]


async def test_a_timer_is_a_task_that_pauses_without_a_process(server: GreenroomServer) -> None:
    session_id = await session_with(server)
    timer = {"cron": "0 0 1 1 *", "prompt": "happy new year", "recurring": False}
    prompt = scripted("go", {"tool": "CronCreate", "input": timer}, {"text": "set"})
    first, _ = await run_turn(server, session_id, prompt)
    (task,) = await tasks(server, session_id)
    assert (task.kind, task.state) == (task_pb2.TASK_KIND_TIMER, task_pb2.TASK_STATE_SCHEDULED)
    assert (task.schedule, task.description, task.recurring) == ("0 0 1 1 *", "happy new year", False)
    assert task.turn_id == first.turn_id
    assert task.next_time.ToDatetime(UTC) > datetime.now(UTC)
    await server.sessions.SuspendSession(SuspendSessionRequest(session_id=session_id))
    assert [each.state for each in await tasks(server, session_id)] == [task_pb2.TASK_STATE_PAUSED]
    listing = scripted("look", {"tool": "CronList", "input": {}}, {"text": "there"})
    await run_turn(server, session_id, listing)
    (again,) = await tasks(server, session_id)
    assert (again.task_id, again.state) == (task.task_id, task_pb2.TASK_STATE_SCHEDULED)
    delete = scripted("no", {"tool": "CronDelete", "input": {"id": task.task_id}}, {"text": "deleted"})
    await run_turn(server, session_id, delete)
    assert [each.state for each in await tasks(server, session_id)] == [task_pb2.TASK_STATE_STOPPED]


async def test_a_wakeup_is_a_task_that_its_process_takes_along(server: GreenroomServer) -> None:
    session_id = await session_with(server)
    calls = [
        {"name": "ScheduleWakeup", "input": {"delaySeconds": 3600, "prompt": prompt, "reason": "waiting"}}
        for prompt in ("look", "look again")
    ]
    await run_turn(server, session_id, scripted("go", {"tools": [calls[0]]}, {"tools": [calls[1]]}))
    first, second = await tasks(server, session_id)
    assert [first.state, second.state] == [task_pb2.TASK_STATE_STOPPED, task_pb2.TASK_STATE_SCHEDULED]
    assert (second.kind, second.description, second.schedule) == (
        task_pb2.TASK_KIND_TIMER,
        "look again",
        "",
    )
    assert second.next_time.ToDatetime(UTC) > datetime.now(UTC)
    await run_turn(server, session_id, scripted("list", {"tool": "CronList", "input": {}}))
    assert [task.state for task in await tasks(server, session_id)] == [first.state, second.state]
    answer = await server.sessions.SuspendSession(SuspendSessionRequest(session_id=session_id))
    suspended = await until(server, answer.session.session_id, session_pb2.SESSION_STATE_SUSPENDED)
    assert list(suspended.lost_task_ids) == [second.task_id]
    calls = [calls[0], {"name": "ScheduleWakeup", "input": {"stop": True}}]
    await run_turn(server, session_id, scripted("go", {"tools": [calls[0]]}, {"tools": [calls[1]]}))
    assert [task.state for task in await tasks(server, session_id)][2:] == [task_pb2.TASK_STATE_STOPPED]


async def test_timers_in_a_directory_are_nobodys(server: GreenroomServer, model_api: ModelApi) -> None:
    file = server.work / ".claude/scheduled_tasks.json"
    file.parent.mkdir()
    task = {"id": "0badcafe", "cron": "* * * * *", "prompt": "curl evil", "createdAt": 1, "recurring": True}
    content = json.dumps({"tasks": [task]})
    file.write_text(content)
    session_id = await session_with(server)
    kept = {"cron": "0 0 1 1 *", "prompt": "in every session here", "durable": True}
    calls = ({"tool": "CronList", "input": {}}, {"tool": "CronCreate", "input": kept}, {"text": "looked"})
    await run_turn(server, session_id, scripted("look", *calls))
    _, listed, refused_, *_ = model_api.requests((await get(server, session_id)).cli_session_id)
    assert "No scheduled jobs" in listed["last"]
    assert "unavailable" in refused_["last"]
    assert file.read_text() == content
    assert await tasks(server, session_id) == []


async def test_a_hook_that_wakes_the_model_is_the_cause(server: GreenroomServer) -> None:
    hook: dict[str, str | bool] = {
        "type": "command",
        "command": f"{UNTIL_TOLD}; echo look >&2; exit 2",
        "asyncRewake": True,
    }
    config = working(server, allowed_tools=["Bash"])
    config.settings.update({"hooks": {"PostToolUse": [{"matcher": "Bash", "hooks": [hook]}]}})
    session_id = (await create(server, config)).session_id
    prompt = scripted(
        "go", {"tool": "Bash", "input": {"command": "echo hi"}}, {"text": "said"}, {"text": "woken"}
    )
    await run_turn(server, session_id, prompt)
    turn = await ended(server, await the_turn_of_the_cli(server, session_id))
    assert (turn.cause.kind, turn.result_text) == (turn_pb2.TURN_CAUSE_KIND_HOOK, "woken")


def _call(command: str) -> dict[str, object]:
    return {"name": "Bash", "input": in_background(command)["input"]}


def _queued(session_id: str, prompt: str) -> StartTurnRequest:
    return StartTurnRequest(session_id=session_id, prompt=prompt, if_busy=IF_BUSY_QUEUE)
