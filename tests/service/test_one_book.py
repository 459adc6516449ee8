"""One book: what turns, sessions and budgets say is what the model's API was asked, to the token and to the cent.

Random lives on the real CLI. BOOK_LIVES and BOOK_ACTS make more of them, and longer ones.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter

import pytest

from greenroom.v1.turn_pb2 import TURN_STATE_COMPLETED, TURN_STATE_FAILED, Turn
from greenroom.v1.turn_service_pb2 import ListTurnsRequest
from greenroom_server import GreenroomServer
from seeds import seed
from service.spending import Spender
from standin.model_api import ModelApi
from standin.plan import JsonObject
from story import get

SEED = seed("BOOK_SEED")
LIVES = int(os.environ.get("BOOK_LIVES", "3"))
ACTS = int(os.environ.get("BOOK_ACTS", "3"))

CENT = 0.01
GUESSED = 10
"""The most tokens that the CLI guesses for the few words that are written before an interrupt."""
PRICES = {  # US dollars for a million tokens; written out here: taken from the server, a wrong price would be right
    "claude-opus-5-5": (4.0, 20.0, 5.0, 0.2),
    "claude-sonnet-5-5": (2.0, 10.0, 2.5, 0.1),
    "claude-haiku-5-5": (0.1, 0.5, 0.125, 0.01),
}
KINDS = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


def billed(model_api: ModelApi, cli_session_id: str) -> Counter[str]:
    """Return what the stand-in has billed a conversation: tokens by kind, requests, cost."""
    total: Counter[str] = Counter(dict.fromkeys((*KINDS, "requests"), 0))
    cost = 0.0
    for request in model_api.requests(cli_session_id):
        usage: JsonObject | None = request["billed"]
        if usage is not None:
            total["requests"] += 1
            total.update({kind: usage[kind] for kind in KINDS})
            prices = PRICES[request["model"]]
            cost += sum(usage[kind] * price for kind, price in zip(KINDS, prices, strict=True)) / 1e6
    total["cost_usd"] = cost  # type: ignore[assignment]
    return total


def used(turns: list[Turn]) -> Counter[str]:
    """Return the sum of what turns say, in the same words."""
    total: Counter[str] = Counter()
    for turn in turns:
        usage = turn.usage
        total["requests"] += usage.requests
        total["input_tokens"] += usage.input_tokens
        total["output_tokens"] += usage.output_tokens
        total["cache_creation_input_tokens"] += usage.cache_creation_tokens
        total["cache_read_input_tokens"] += usage.cache_read_tokens
        total["cost_usd"] += turn.cost_usd  # type: ignore[assignment]
    return total


async def judge(server: GreenroomServer, model_api: ModelApi, session_id: str, guesses: int) -> None:
    """AssertionError unless session, turns and stand-in say the same."""
    session = await get(server, session_id)
    turns = list(
        (await server.turns.ListTurns(ListTurnsRequest(session_id=session_id, page_size=1000))).turns
    )
    assert session.running_usage.requests == 0
    assert session.usage.turns == len(turns)
    of_turns, asked = used(turns), billed(model_api, session.cli_session_id)
    assert session.usage.incomplete == any(turn.usage.incomplete for turn in turns)
    whole = [
        turn for turn in turns if turn.state == TURN_STATE_COMPLETED and not turn.usage.estimated_cost_usd
    ]
    assert not any(turn.usage.incomplete for turn in whole)
    assert (session.usage.requests, session.usage.input_tokens) == (
        of_turns["requests"],
        of_turns["input_tokens"],
    )
    assert session.usage.cost_usd == pytest.approx(of_turns["cost_usd"])
    assert session.usage.output_tokens == of_turns["output_tokens"]
    assert session.usage.cache_read_tokens == of_turns["cache_read_input_tokens"]
    assert session.usage.cache_creation_tokens == of_turns["cache_creation_input_tokens"]
    exact = ("requests", "input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    assert {kind: of_turns[kind] for kind in exact} == {kind: asked[kind] for kind in exact}
    assert 0 <= of_turns["output_tokens"] - asked["output_tokens"] <= guesses * GUESSED
    assert of_turns["cost_usd"] == pytest.approx(asked["cost_usd"], abs=CENT)


@pytest.mark.timeout(300)
async def test_random_lives_are_charged_what_was_asked(server: GreenroomServer, model_api: ModelApi) -> None:
    model_api.vary_usage(SEED)
    spenders = [Spender(server, model_api, random.Random(f"{SEED}/{n}")) for n in range(LIVES)]
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for spender in spenders:
            group.create_task(first_half(spender))
    await server.kill()
    await server.start()
    async with asyncio.TaskGroup() as group:
        endings = [group.create_task(second_half(spender)) for spender in spenders]
    print(f"{LIVES} lives in {time.monotonic() - began:.1f} s: {[spender.acts for spender in spenders]}")
    for spender, ending in zip(spenders, endings, strict=True):
        for session_id in spender.session_ids:
            try:
                await judge(server, model_api, session_id, spender.broken_off[session_id])
            except AssertionError as error:
                error.add_note(f"session {session_id} of {spender.session_ids}, after {spender.acts}")
                raise
        budget, dearest = ending.result()
        closed = await get(server, spender.session_id)
        turns = ListTurnsRequest(session_id=spender.session_id, page_size=1000)
        last = (await server.turns.ListTurns(turns)).turns[-1]
        assert last.state == TURN_STATE_FAILED
        assert closed.state_reason == "BUDGET_EXHAUSTED"
        assert budget - CENT / 100 <= closed.usage.cost_usd <= budget + dearest + CENT


async def first_half(spender: Spender) -> None:
    """Live until a turn runs in which the model writes: then comes the server's death."""
    await spender.begin()
    await spender.spend(ACTS)
    await spender.hang()
    spender.broken_off[spender.session_id] -= 1  # nobody is there to guess


async def second_half(spender: Spender) -> tuple[float, float]:
    """Live on in the server's next run, until the budget is used up."""
    await spender.spend(ACTS)
    return await spender.end_at_the_budget()
