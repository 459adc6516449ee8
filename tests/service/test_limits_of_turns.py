"""What ends a turn against its will: timeouts, silence, the budget, the number of rounds."""

from __future__ import annotations

import asyncio

import psutil
import pytest
from google.rpc import error_details_pb2

from fake_cli.installed import turn
from greenroom.v1 import event_pb2, session_pb2, turn_pb2
from greenroom.v1.session_service_pb2 import ResumeSessionRequest, SuspendSessionRequest
from greenroom.v1.turn_pb2 import Turn
from greenroom.v1.turn_service_pb2 import IF_BUSY_QUEUE, GetTurnRequest, StartTurnRequest
from greenroom_server import GreenroomServer
from shared_servers import SharedServers
from story import create, get, history, names, run_turn, scripted, start_turn, until, working

SLOW = scripted("slow", {"text": "word " * 200, "gap": 0.5})


def reason_of(ended: Turn) -> str:
    """Return the reason of a turn's error."""
    info = error_details_pb2.ErrorInfo()
    assert ended.error.details[0].Unpack(info)
    return info.reason


async def end_of(server: GreenroomServer, started: Turn) -> Turn:
    """Wait for the end of a turn and return it."""
    await until(server, started.session_id, turn_id=started.turn_id)
    return (await server.turns.GetTurn(GetTurnRequest(turn_id=started.turn_id))).turn


async def test_a_turn_ends_at_the_timeout_of_its_request(server: GreenroomServer) -> None:
    session = await create(server)
    await run_turn(server, session.session_id, scripted("first", {"text": "warm"}))
    request = StartTurnRequest(session_id=session.session_id, prompt=SLOW)
    request.turn_timeout.FromSeconds(1)
    ended = await end_of(server, (await server.turns.StartTurn(request)).turn)
    assert (ended.state, reason_of(ended)) == (turn_pb2.TURN_STATE_FAILED, "TURN_TIMEOUT")
    assert ended.end_time.ToDatetime() >= ended.start_time.ToDatetime() + request.turn_timeout.ToTimedelta()
    again, _ = await run_turn(server, session.session_id, scripted("again", {"text": "fine"}))
    assert again.result_text == "fine"


async def test_a_turn_ends_at_the_timeout_of_its_session_or_of_the_server(servers: SharedServers) -> None:
    async with servers.fake(turn_timeout="400ms") as server:
        plain = await create(server)
        config = working(server)
        config.limits.turn_timeout.FromSeconds(1)
        patient = await create(server, config)
        by_server = await end_of(server, await start_turn(server, plain.session_id, turn(wait=60)))
        by_session = await end_of(server, await start_turn(server, patient.session_id, turn(wait=60)))
        for ended, least in ((by_server, 0.4), (by_session, 1.0)):
            assert (ended.state, reason_of(ended)) == (turn_pb2.TURN_STATE_FAILED, "TURN_TIMEOUT")
            took = ended.end_time.ToDatetime() - ended.start_time.ToDatetime()
            assert took.total_seconds() >= least
        for session in (plain, patient):
            assert (await get(server, session.session_id)).process.pid


async def test_a_silent_cli_is_interrupted_and_goes_on_when_it_obeys(servers: SharedServers) -> None:
    async with servers.fake(stall_timeout="2s") as server:  # enough for the turn that does not stall
        session = await create(server)
        stalled = await end_of(server, await start_turn(server, session.session_id, turn(wait=60)))
        assert (stalled.state, reason_of(stalled)) == (turn_pb2.TURN_STATE_FAILED, "PROCESS_SILENT")
        again, _ = await run_turn(server, session.session_id, turn(text="fine"))
        assert again.result_text == "fine"


async def test_a_silent_cli_that_does_not_obey_is_ended(servers: SharedServers) -> None:
    async with servers.fake(stall_timeout="300ms", interrupt_grace="300ms", end_after_term="300ms") as server:
        session = await create(server)
        pid = (await until(server, session.session_id, session_pb2.SESSION_STATE_READY)).process.pid
        hung = turn(ignore_term=True, hang=True)
        stalled = await end_of(server, await start_turn(server, session.session_id, hung))
        assert (stalled.state, reason_of(stalled)) == (turn_pb2.TURN_STATE_FAILED, "PROCESS_SILENT")
        assert stalled.side_effects_unknown
        failed = await until(server, session.session_id, session_pb2.SESSION_STATE_ERROR)
        assert failed.process.last_exit.signal == 9
        assert not psutil.pid_exists(pid)


async def test_too_many_rounds_fail_the_turn(server: GreenroomServer) -> None:
    session = await create(server, working(server, max_turns=1, allowed_tools=["Bash"]))
    call: dict[str, object] = {"tool": "Bash", "input": {"command": "true", "description": "nothing"}}
    ended, _ = await run_turn(server, session.session_id, scripted("x", call, call, {"text": "never"}))
    assert (ended.state, reason_of(ended)) == (turn_pb2.TURN_STATE_FAILED, "MAX_TURNS")
    again, _ = await run_turn(server, session.session_id, scripted("again", {"text": "fine"}))
    assert again.result_text == "fine"


async def test_the_budget_holds_over_all_processes_of_a_session(server: GreenroomServer) -> None:
    free = await create(server)
    (one, _) = await run_turn(server, free.session_id, scripted("price", {"text": "priced"}))
    budget = 2.5 * one.cost_usd  # two turns leave some of it, the third spends it
    session = await create(server, working(server, max_budget_usd=budget))
    for number in (1, 2):
        done, _ = await run_turn(server, session.session_id, scripted("x", {"text": str(number)}))
        assert done.state == turn_pb2.TURN_STATE_COMPLETED
        spent = (await get(server, session.session_id)).usage.cost_usd
        assert spent == pytest.approx(number * one.cost_usd)
        await server.sessions.SuspendSession(SuspendSessionRequest(session_id=session.session_id))
        await server.sessions.ResumeSession(ResumeSessionRequest(session_id=session.session_id))
    # No process has spent the budget by itself, the session has.
    last, _ = await run_turn(server, session.session_id, scripted("y", {"text": "3"}))
    assert last.state in (turn_pb2.TURN_STATE_COMPLETED, turn_pb2.TURN_STATE_FAILED)
    closed = await until(server, session.session_id, session_pb2.SESSION_STATE_CLOSED)
    assert closed.state_reason == "BUDGET_EXHAUSTED"
    stored = await history(server, session.session_id)
    (reached,) = (e for e in stored if e.type == event_pb2.EVENT_TYPE_SESSION_LIMIT_REACHED)
    assert reached.session_limit_reached.limit == "max_budget_usd"


async def test_turns_that_wait_are_dropped_with_the_budget(servers: SharedServers) -> None:
    async with servers.fake() as server:
        session = await create(server, working(server, max_budget_usd=0.0005))  # less than one turn costs
        first = await start_turn(server, session.session_id, turn(wait=0.3))
        request = StartTurnRequest(session_id=session.session_id, prompt=turn(), if_busy=IF_BUSY_QUEUE)
        second = (await server.turns.StartTurn(request)).turn
        assert (await end_of(server, first)).state == turn_pb2.TURN_STATE_COMPLETED
        dropped = await end_of(server, second)
        assert dropped.state == turn_pb2.TURN_STATE_INTERRUPTED
        assert not dropped.HasField("start_time")
        await until(server, session.session_id, session_pb2.SESSION_STATE_CLOSED)
        told = names(await history(server, session.session_id))
        assert told.index("session_limit_reached") < told.index("session_closed")
        assert server.children() == []


async def test_timeouts_of_many_turns_do_not_wait_for_each_other(servers: SharedServers) -> None:
    async with servers.fake(turn_timeout="500ms", max_processes="4") as server:
        sessions = [await create(server) for _ in range(4)]
        started = [await start_turn(server, each.session_id, turn(wait=60)) for each in sessions]
        ended = await asyncio.gather(*(end_of(server, each) for each in started))
        assert {reason_of(each) for each in ended} == {"TURN_TIMEOUT"}
