"""Work in the background on the real CLI: it keeps its process up to a limit, and can be stopped by callers."""

from __future__ import annotations

import uuid

from greenroom.v1 import config_pb2, session_pb2, task_pb2
from greenroom.v1.turn_service_pb2 import ListTasksRequest, StopTaskRequest
from greenroom_server import GreenroomServer
from service.test_unprompted_turns import (
    UNTIL_TOLD,
    ended,
    in_background,
    session_with,
    tasks,
    the_turn_of_the_cli,
)
from shared_servers import SharedServers
from standin.model_api import ModelApi
from story import create, get, run_turn, scripted, start_turn, until, working
from unit.rpc.refusal import refused

SUSPENDED = session_pb2.SESSION_STATE_SUSPENDED


def limits(*, idle: float, grace: float | None = None) -> config_pb2.SessionLimits:
    """Return limits with an idle timeout and a grace, in seconds."""
    chosen = config_pb2.SessionLimits()
    chosen.idle_timeout.FromMilliseconds(int(idle * 1000))
    if grace is not None:
        chosen.background_grace.FromMilliseconds(int(grace * 1000))
    return chosen


async def test_an_idle_session_keeps_its_process_until_its_work_is_done(server: GreenroomServer) -> None:
    session_id = await session_with(server, limits=limits(idle=1))
    work = in_background(f"{UNTIL_TOLD}; touch done")
    await run_turn(server, session_id, scripted("go", work, {"text": "started"}, {"text": "it is over"}))
    other = await session_with(server, limits=limits(idle=1))
    await run_turn(server, other, scripted("hello", {"text": "hello"}))
    await until(server, other, SUSPENDED)  # so the first one was idle for longer than it may be
    assert (await get(server, session_id)).state == session_pb2.SESSION_STATE_IDLE
    turn = await the_turn_of_the_cli(server, session_id)
    suspended = await until(server, session_id, SUSPENDED)
    assert (server.work / "done").exists()
    assert (suspended.state_reason, list(suspended.lost_task_ids)) == ("IDLE_TIMEOUT", [])
    assert (await ended(server, turn)).result_text == "it is over"


async def test_work_that_takes_longer_than_the_grace_is_lost_and_named(server: GreenroomServer) -> None:
    session_id = await session_with(server, limits=limits(idle=1, grace=1.5))
    await run_turn(server, session_id, scripted("go", in_background("sleep 60"), {"text": "started"}))
    suspended = await until(server, session_id, SUSPENDED)
    (task,) = await tasks(server, session_id)
    assert task.state == task_pb2.TASK_STATE_LOST
    assert (suspended.state_reason, list(suspended.lost_task_ids)) == ("IDLE_TIMEOUT", [task.task_id])
    request = ListTasksRequest(session_id=session_id, states=[task_pb2.TASK_STATE_RUNNING])
    assert list((await server.turns.ListTasks(request)).tasks) == []


async def test_another_session_waits_for_the_work_of_the_one_that_has_the_slot(
    servers: SharedServers, model_api: ModelApi
) -> None:
    async with servers.real(model_api.cli_environment, max_processes="1") as server:
        session_id = await session_with(server)
        work = in_background(f"{UNTIL_TOLD}; touch done")
        await run_turn(server, session_id, scripted("go", work, {"text": "started"}, {"text": "over"}))
        other = await create(server)
        turn = await start_turn(server, other.session_id, scripted("hello", {"text": "hello"}))
        own = await the_turn_of_the_cli(server, session_id)
        assert (await ended(server, turn)).result_text == "hello"
        assert (await ended(server, own)).result_text == "over"
        assert (server.work / "done").exists()
        first = await get(server, session_id)
        assert (first.state_reason, list(first.lost_task_ids)) == ("POOL_PRESSURE", [])


async def test_a_grace_above_what_the_server_allows_is_refused(server: GreenroomServer) -> None:
    config = working(server, limits=limits(idle=1, grace=3 * 86400))
    refusal = await refused(create(server, config))
    assert [each.field for each in refusal.violations] == ["config.limits.background_grace"]


async def test_a_task_is_stopped_once_however_often_that_is_asked(server: GreenroomServer) -> None:
    session_id = await session_with(server)
    await run_turn(server, session_id, scripted("go", in_background("sleep 60"), {"text": "started"}))
    (task,) = await tasks(server, session_id)
    stop = StopTaskRequest(session_id=session_id, task_id=task.task_id, request_id=str(uuid.uuid4()))
    stopped = (await server.turns.StopTask(stop)).task
    assert stopped.state == task_pb2.TASK_STATE_STOPPED
    assert stopped.HasField("end_time")
    assert (await server.turns.StopTask(stop)).task == stopped, "the same request"
    again = StopTaskRequest(session_id=session_id, task_id=task.task_id)
    refusal = await refused(server.turns.StopTask(again))
    assert (refusal.reason, refusal.metadata["state"]) == ("TASK_ENDED", "STOPPED")
    unknown = StopTaskRequest(session_id=session_id, task_id="nobody")
    assert (await refused(server.turns.StopTask(unknown))).reason == "TASK_NOT_FOUND"


async def test_a_timer_cannot_be_stopped_by_a_caller(server: GreenroomServer) -> None:
    session_id = await session_with(server)
    timer = {"cron": "0 0 1 1 *", "prompt": "happy new year", "recurring": True}
    await run_turn(
        server, session_id, scripted("go", {"tool": "CronCreate", "input": timer}, {"text": "set"})
    )
    (task,) = await tasks(server, session_id)
    stop = StopTaskRequest(session_id=session_id, task_id=task.task_id)
    assert (await refused(server.turns.StopTask(stop))).reason == "TASK_NOT_STOPPABLE"
