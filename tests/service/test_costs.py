"""All that a process spends is charged, however it ends, and counts for budgets: with the real CLI."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from driving import eventually
from greenroom.v1 import session_pb2, turn_pb2
from greenroom.v1.config_pb2 import SessionConfig
from greenroom.v1.session_pb2 import Session
from greenroom.v1.session_service_pb2 import (
    StartSessionRequest,
    SuspendSessionRequest,
    UpdateSessionRequest,
)
from greenroom.v1.turn_pb2 import Turn
from greenroom.v1.turn_service_pb2 import GetTurnRequest
from greenroom_server import PATIENCE, GreenroomServer
from greenroomd.domain.costs.prices import price_of
from greenroomd.domain.costs.usage import Usage
from service.test_unprompted_turns import UNTIL_TOLD
from story import create, get, run_turn, scripted, start_turn, until, working

LISTING = {"tool": "Bash", "input": {"command": "ls", "description": "list"}}
ENDLESS = {"tool": "Bash", "input": {"command": "tail -f /dev/null", "description": "wait"}}
"""A tool in which a turn stays until it is stopped; the CLI refuses a long `sleep`."""
DOLLARS = 0.315
DEAR = {"input_tokens": 78_750, "output_tokens": 0}
STALLED = {"text": "word by word", "stall": True, "usage": {**DEAR, "output_tokens": 9}}
"""It costs 0.315, and 0.00002 for the one token of output of which the beginning of a message tells."""


async def until_used(server: GreenroomServer, session_id: str, requests: int) -> Session:
    """Wait until the running turn has used so many requests."""
    async with asyncio.timeout(PATIENCE):
        while (  # noqa: ASYNC110 -- what is used so far is told by no event
            session := await get(server, session_id)
        ).running_usage.requests < requests:
            await asyncio.sleep(0.02)
    return session


async def ended(server: GreenroomServer, turn: Turn) -> Turn:
    await until(server, turn.session_id, turn_id=turn.turn_id)
    return (await server.turns.GetTurn(GetTurnRequest(turn_id=turn.turn_id))).turn


async def test_five_processes_that_are_killed_do_not_spend_for_nothing(server: GreenroomServer) -> None:
    session = await create(server, working(server, max_budget_usd=1.0))
    costs = []
    for _ in range(4):
        turn = await start_turn(server, session.session_id, scripted("go", STALLED))
        session = await until_used(server, session.session_id, 1)
        os.kill(session.process.pid, signal.SIGKILL)
        turn = await ended(server, turn)
        assert turn.state == turn_pb2.TURN_STATE_INTERRUPTED
        assert (turn.usage.requests, turn.usage.input_tokens) == (1, 78_750)
        assert turn.usage.estimated_cost_usd == turn.cost_usd == pytest.approx(DOLLARS, abs=0.001)
        assert turn.usage.incomplete, "how long the message was, nobody says"
        costs.append(turn.cost_usd)
        session = await until(
            server, session.session_id, session_pb2.SESSION_STATE_ERROR, session_pb2.SESSION_STATE_CLOSED
        )
        if len(costs) < 4:
            assert session.state == session_pb2.SESSION_STATE_ERROR
            await server.sessions.StartSession(StartSessionRequest(session_id=session.session_id))
    assert session.state == session_pb2.SESSION_STATE_CLOSED
    assert session.state_reason == "BUDGET_EXHAUSTED"
    assert session.usage.cost_usd == pytest.approx(sum(costs))
    assert session.usage.estimated_cost_usd == pytest.approx(sum(costs))


async def kill_the_cli(server: GreenroomServer, session: Session) -> None:
    os.kill(session.process.pid, signal.SIGKILL)


async def kill_the_server(server: GreenroomServer, session: Session) -> None:
    await server.kill()
    await server.start()


async def drain(server: GreenroomServer, session: Session) -> None:
    server.change(drain_timeout="1s")
    await server.stop()
    await server.start()


async def suspend_by_force(server: GreenroomServer, session: Session) -> None:
    await server.sessions.SuspendSession(SuspendSessionRequest(session_id=session.session_id, force=True))


@pytest.mark.parametrize(
    ("end", "estimated"),
    [(kill_the_cli, True), (kill_the_server, True), (drain, False), (suspend_by_force, False)],
)
async def test_a_turn_is_charged_however_its_process_ends(
    server: GreenroomServer, end: Callable[[GreenroomServer, Session], object], estimated: bool
) -> None:
    session = await create(server)
    before, _ = await run_turn(server, session.session_id, scripted("one", {"text": "one"}))
    prompt = scripted("two", {**LISTING, "usage": {"input_tokens": 40, "output_tokens": 30}}, STALLED)
    turn = await start_turn(server, session.session_id, prompt)
    await end(server, await until_used(server, session.session_id, 2))  # type: ignore[misc]
    turn = await ended(server, turn)
    assert turn.state == turn_pb2.TURN_STATE_INTERRUPTED
    assert (turn.usage.requests, turn.usage.input_tokens) == (2, 78_790)
    assert turn.usage.output_tokens in range(
        31, 36
    )  # of a message that it breaks off, the CLI guesses the length
    assert turn.cost_usd == pytest.approx((78_790 * 4 + turn.usage.output_tokens * 20) / 1e6)
    assert turn.usage.estimated_cost_usd == pytest.approx(turn.cost_usd if estimated else 0.0)
    assert (before.usage.incomplete, turn.usage.incomplete) == (False, estimated)
    total = (await get(server, session.session_id)).usage
    assert total.cost_usd == pytest.approx(before.cost_usd + turn.cost_usd)
    assert (total.turns, total.requests, total.input_tokens) == (2, 3, 78_890)


async def test_a_broken_stream_is_charged_though_the_cli_forgets_it(server: GreenroomServer) -> None:
    session = await create(server)
    again = {"text": "whole", "usage": {"input_tokens": 50, "output_tokens": 5}}
    broken = {"text": "one two", "sse_error": True, "times": 1, "then": again}
    usage = {"input_tokens": 1_000, "output_tokens": 77}
    turn, _ = await run_turn(server, session.session_id, scripted("go", {**broken, "usage": usage}))
    assert (turn.result_text, turn.usage.requests, turn.usage.incomplete) == ("whole", 2, True)
    assert (turn.usage.input_tokens, turn.usage.output_tokens) == (1_050, 6)
    assert turn.usage.estimated_cost_usd == pytest.approx((1_000 * 4 + 20) / 1e6)
    assert turn.cost_usd == pytest.approx((1_050 * 4 + 6 * 20) / 1e6)


@pytest.mark.parametrize("background", [True, False])
async def test_an_agent_stops_at_the_budget(server: GreenroomServer, background: bool) -> None:
    session = await create(server, working(server, max_budget_usd=0.5, allowed_tools=["Bash"]))
    step = {**LISTING, "usage": {"input_tokens": 50_000, "output_tokens": 1}}
    last = {**ENDLESS, "usage": {"input_tokens": 50_000, "output_tokens": 1}}  # with which 0.6 are spent
    agent = {
        "tool": "Agent",
        "input": {
            "description": "look",
            "prompt": scripted("work", step, step, last, step, step),
            "subagent_type": "general-purpose",
            "run_in_background": background,
        },
    }
    turn, _ = await run_turn(server, session.session_id, scripted("go", agent, {"text": "started"}))
    assert turn.state == turn_pb2.TURN_STATE_FAILED
    assert "BUDGET_EXHAUSTED" in str(turn.error)
    closed = await until(server, session.session_id, session_pb2.SESSION_STATE_CLOSED)
    assert closed.usage.cost_usd == pytest.approx(0.6, abs=0.01)
    assert closed.usage.cost_usd == pytest.approx(turn.cost_usd)


async def test_a_budget_that_is_lowered_below_what_was_spent_stops_the_running_turn(
    server: GreenroomServer,
) -> None:
    session = await create(server, working(server, allowed_tools=["Bash"]))
    usage = {"usage": {"input_tokens": 50_000, "output_tokens": 1}}
    wait = {"tool": "Bash", "input": {"command": f"touch began; {UNTIL_TOLD}", "description": "wait"}}
    prompt = scripted("go", {**wait, **usage}, {**ENDLESS, **usage}, {"text": "never said"})
    turn = await start_turn(server, session.session_id, prompt)
    await eventually((server.work / "began").exists)  # the model has gone on once
    request = UpdateSessionRequest(
        session=Session(session_id=session.session_id, config=SessionConfig(max_budget_usd=0.1)),
        update_mask=FieldMask(paths=["config.max_budget_usd"]),
    )
    await server.sessions.UpdateSession(request)
    (server.work / "go").touch()
    turn = await ended(server, turn)
    assert turn.state == turn_pb2.TURN_STATE_FAILED
    assert turn.usage.requests == 2
    closed = await until(server, session.session_id, session_pb2.SESSION_STATE_CLOSED)
    assert closed.state_reason == "BUDGET_EXHAUSTED"


async def test_the_list_prices_are_those_that_the_cli_charges(server: GreenroomServer) -> None:
    session = await create(server)
    for model in ("fable", "opus", "sonnet", "haiku"):
        request = UpdateSessionRequest(
            session=Session(session_id=session.session_id, config=SessionConfig(model=model)),
            update_mask=FieldMask(paths=["config.model"]),
        )
        await server.sessions.UpdateSession(request)
        usage = {"input_tokens": 9_000, "output_tokens": 300, "cache_creation_input_tokens": 5_000}
        usage["cache_read_input_tokens"] = 70_000
        turn, _ = await run_turn(server, session.session_id, scripted(model, {"text": "x", "usage": usage}))
        (name,) = turn.models
        assert model in name
        used = Usage(
            input_tokens=9_000, output_tokens=300, cache_creation_tokens=5_000, cache_read_tokens=70_000
        )
        assert turn.cost_usd == pytest.approx(price_of(name).cost_usd(used)), name
        assert turn.usage.estimated_cost_usd == 0
