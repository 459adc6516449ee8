"""Turns in which the CLI goes on by itself after its first result, because an agent works in the background."""

import json
import os
import signal
from collections.abc import Mapping

import pytest

from greenroom.v1 import session_pb2, turn_pb2
from greenroom.v1.event_service_pb2 import WatchEventsRequest
from greenroom.v1.turn_pb2 import Turn
from greenroom.v1.turn_service_pb2 import GetTurnRequest, InterruptTurnRequest, StartTurnRequest
from greenroom_server import GreenroomServer
from service.test_unprompted_turns import UNTIL_TOLD
from story import create, get, run_turn, scripted, until, working

FOUND = {
    "text": "found it",
    "usage": {"input_tokens": 1000, "output_tokens": 300, "cache_read_input_tokens": 50},
}
WAIT = {"tool": "Bash", "input": {"command": UNTIL_TOLD, "description": "wait"}}
"""A step of an agent that is to go on when the turn that started it has had its first result."""
FINAL = {"text": "FINAL", "usage": {"input_tokens": 500, "output_tokens": 70}, "stop": "stop_sequence"}


def agent(*steps: Mapping[str, object]) -> dict[str, object]:
    """Return a step that starts an agent, which works in the background, by its own plan."""
    prompt = f"work [[stub {json.dumps(list(steps))}]]"
    return {
        "tool": "Agent",
        "input": {"description": "look", "prompt": prompt, "subagent_type": "general-purpose"},
    }


def delegating(*steps: Mapping[str, object]) -> str:
    """Return a prompt that makes the model start an agent, say so, and answer when the agent has come back."""
    return scripted("delegate", agent(*steps), {"text": "I have started it"}, FINAL)


async def test_a_turn_is_answered_and_charged_with_what_follows_its_agent(server: GreenroomServer) -> None:
    session = await create(server, working(server, allowed_tools=["Bash"]))
    begun = await while_the_agent_works(server, session.session_id, delegating(WAIT, FOUND))
    (server.work / "go").touch()
    turn = await end_of(server, begun)
    assert (turn.state, turn.result_text) == (turn_pb2.TURN_STATE_COMPLETED, "FINAL")
    assert (turn.stop_reason, turn.rounds) == ("stop_sequence", 3)
    assert (turn.usage.input_tokens, turn.usage.output_tokens) == (
        100 + 100 + 100 + 1000 + 500,
        20 + 20 + 20 + 300 + 70,
    )
    assert turn.usage.cache_read_tokens == 50
    assert not turn.usage.incomplete
    again, _ = await run_turn(server, session.session_id, scripted("more", {"text": "more"}))
    assert (again.usage.input_tokens, again.usage.output_tokens) == (100, 20)
    total = (await get(server, session.session_id)).usage
    assert total.cost_usd == pytest.approx(turn.cost_usd + again.cost_usd)
    assert (total.input_tokens, total.output_tokens) == (1900, 450)


async def test_an_agent_in_the_foreground_is_charged_in_tokens_too(server: GreenroomServer) -> None:
    session = await create(server)
    call = agent(FOUND)
    call["input"] |= {"run_in_background": False}  # type: ignore[operator]
    turn, _ = await run_turn(server, session.session_id, scripted("delegate", call, {"text": "over"}))
    assert turn.result_text == "over"
    assert (turn.usage.input_tokens, turn.usage.output_tokens) == (100 + 1000 + 100, 20 + 300 + 20)
    assert not turn.usage.incomplete


async def while_the_agent_works(server: GreenroomServer, session_id: str, prompt: str) -> Turn:
    """Start a turn and return it as soon as its first result is there and only the agent works."""
    watch = server.events.WatchEvents(WatchEventsRequest(session_ids=[session_id]))
    await watch.initial_metadata()
    turn = (await server.turns.StartTurn(StartTurnRequest(session_id=session_id, prompt=prompt))).turn
    async for frame in watch:
        for event in frame.events:
            if event.message_system.frame_type == "result":
                watch.cancel()
                return turn
    raise AssertionError("there was no result")


async def end_of(server: GreenroomServer, turn: Turn) -> Turn:
    """Wait for the end of a turn and return it."""
    await until(server, turn.session_id, turn_id=turn.turn_id)
    return (await server.turns.GetTurn(GetTurnRequest(turn_id=turn.turn_id))).turn


async def test_a_turn_that_is_interrupted_while_only_its_agent_works_is_interrupted(
    server: GreenroomServer,
) -> None:
    session = await create(server)
    turn = await while_the_agent_works(server, session.session_id, delegating({"hang": True}))
    stopped = (await server.turns.InterruptTurn(InterruptTurnRequest(session_id=session.session_id))).turn
    assert stopped.turn_id == turn.turn_id
    assert stopped.state == turn_pb2.TURN_STATE_INTERRUPTED
    assert stopped.side_effects_unknown
    assert stopped.result_text == ""
    assert stopped.usage.input_tokens >= 200  # what its own requests took
    assert stopped.usage.incomplete, "what the agent's request took, nobody says"


async def test_a_turn_that_takes_too_long_for_its_agent_has_failed(server: GreenroomServer) -> None:
    session = await create(server)
    request = StartTurnRequest(session_id=session.session_id, prompt=delegating({"hang": True}))
    request.turn_timeout.FromSeconds(4)
    turn = (await server.turns.StartTurn(request)).turn
    ended = await end_of(server, turn)
    assert ended.state == turn_pb2.TURN_STATE_FAILED
    assert "timeout" in ended.error.message
    assert ended.side_effects_unknown


async def test_a_turn_whose_process_dies_while_its_agent_works_is_not_completed(
    server: GreenroomServer,
) -> None:
    session = await create(server)
    turn = await while_the_agent_works(server, session.session_id, delegating({"hang": True}))
    os.kill((await get(server, session.session_id)).process.pid, signal.SIGKILL)
    ended = await end_of(server, turn)
    assert ended.state == turn_pb2.TURN_STATE_INTERRUPTED
    assert ended.side_effects_unknown
    assert ended.usage.input_tokens == 200
    assert ended.usage.incomplete, "what the agent's request took, nobody says"
    assert (await get(server, session.session_id)).usage.incomplete


async def test_a_budget_that_an_agent_spends_fails_the_turn(server: GreenroomServer) -> None:
    session = await create(server, working(server, max_budget_usd=0.01, allowed_tools=["Bash"]))
    dear = {"text": "dear", "usage": {"input_tokens": 20_000, "output_tokens": 2_000}}
    begun = await while_the_agent_works(server, session.session_id, delegating(WAIT, dear))
    (server.work / "go").touch()
    turn = await end_of(server, begun)
    assert turn.state == turn_pb2.TURN_STATE_FAILED
    assert (turn.usage.input_tokens, turn.usage.output_tokens) == (20_300, 2_060)
    closed = await until(server, session.session_id, session_pb2.SESSION_STATE_CLOSED)
    assert closed.usage.cost_usd == pytest.approx(turn.cost_usd)
