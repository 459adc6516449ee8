"""A session that spends at random: turns with tools and agents, interrupts, deaths, changes; and what it was billed."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

from google.protobuf.field_mask_pb2 import FieldMask

from greenroom.v1 import session_pb2
from greenroom.v1.config_pb2 import SessionConfig
from greenroom.v1.session_pb2 import Session
from greenroom.v1.session_service_pb2 import (
    ForkSessionRequest,
    StartSessionRequest,
    SuspendSessionRequest,
    UpdateSessionRequest,
)
from greenroom.v1.turn_pb2 import Turn
from greenroom.v1.turn_service_pb2 import InterruptTurnRequest
from greenroom_server import PATIENCE, GreenroomServer
from standin.model_api import ModelApi
from story import create, get, run_turn, scripted, start_turn, until, working

Steps = Mapping[str, object]
KINDS = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


class Spender:
    """Spends in one session at a time; all its choices come from `chance`, and no two requests cost the same."""

    def __init__(self, server: GreenroomServer, model_api: ModelApi, chance: random.Random) -> None:
        self._server = server
        self._model_api = model_api
        self._chance = chance
        self.session_id = ""
        self.session_ids: list[str] = []
        """All sessions in which it has spent."""
        self.broken_off: Counter[str] = Counter()
        """How many messages of each session were interrupted: the CLI guesses what was written of them."""
        self.acts: list[str] = []
        """What it has done so far, for whoever asks why something does not add up."""

    async def begin(self) -> None:
        """Create a session."""
        self._use((await create(self._server, working(self._server, allowed_tools=["Bash"]))).session_id)

    async def spend(self, acts: int) -> None:
        """Do so many things at random."""
        choices: Mapping[Callable[[], Awaitable[None]], int] = {
            self.work: 3,
            self.delegate: 3,
            self.wake: 2,
            self.interrupt: 2,
            self.die: 2,
            self.break_a_stream: 2,
            self.suspend: 1,
            self.change_model: 2,
            self.compact: 1,
            self.fork: 1,
        }
        for act in self._chance.choices(list(choices), list(choices.values()), k=acts):
            self.acts.append(act.__name__)
            await act()

    async def work(self) -> None:
        """Call tools, and answer."""
        await self._run(*[self._listing() for _ in range(self._chance.randrange(3))], self._says("done"))

    async def delegate(self) -> None:
        """Have agents work, in the background or not."""
        background = self._chance.random() < 0.5
        agents = [self._agent(background=background) for _ in range(self._chance.choice((1, 2)))]
        await self._run(*agents, self._says("started"), self._says("over"), self._says("really over"))

    async def wake(self) -> None:
        """Have a command run on after the turn, so that the CLI goes on by itself when it ends."""
        command = {"command": "sleep 0.5", "description": "wait", "run_in_background": True}
        call = {"tool": "Bash", "input": command, "usage": self._usage()}
        before = (await get(self._server, self.session_id)).usage.turns
        turn = await self._run(call, self._says("started"), self._says("woken"))
        if turn.usage.requests > 2:  # the command was over so soon that its end is part of the turn
            return
        async with asyncio.timeout(PATIENCE):
            while (  # noqa: ASYNC110 -- nobody has asked for the turn that is to come
                await get(self._server, self.session_id)
            ).usage.turns < before + 2:
                await asyncio.sleep(0.02)

    async def interrupt(self) -> None:
        """Interrupt a turn while the model writes."""
        turn = await self.hang()
        await self._server.turns.InterruptTurn(InterruptTurnRequest(session_id=self.session_id))
        await until(self._server, self.session_id, turn_id=turn.turn_id)

    async def die(self) -> None:
        """Kill the CLI while the model writes."""
        turn = await self.hang()
        self.broken_off[self.session_id] -= 1
        pid = (await get(self._server, self.session_id)).process.pid
        os.kill(pid, signal.SIGKILL)
        await until(self._server, self.session_id, turn_id=turn.turn_id)
        await until(self._server, self.session_id, session_pb2.SESSION_STATE_ERROR)
        await self._server.sessions.StartSession(StartSessionRequest(session_id=self.session_id))

    async def hang(self) -> Turn:
        """Begin a turn in which the model stops in mid-sentence, and wait until it does."""
        first, second = self._listing(), {**self._says("word by word"), "stall": True}
        turn = await start_turn(self._server, self.session_id, scripted("go", first, second))
        await self.until_used(2)
        self.broken_off[self.session_id] += 1
        return turn

    async def break_a_stream(self) -> None:
        """Have the stream of an answer break, so that the CLI asks again."""
        await self._run({**self._says("a b"), "sse_error": True, "times": 1, "then": self._says("whole")})

    async def suspend(self) -> None:
        """End the process; the next turn resumes."""
        await self._server.sessions.SuspendSession(SuspendSessionRequest(session_id=self.session_id))

    async def change_model(self) -> None:
        """Use another model."""
        model = self._chance.choice(("opus", "sonnet", "haiku"))
        await self.configure("model", SessionConfig(model=model))

    async def configure(self, option: str, config: SessionConfig) -> None:
        """Change one option."""
        request = UpdateSessionRequest(
            session=Session(session_id=self.session_id, config=config),
            update_mask=FieldMask(paths=[f"config.{option}"]),
        )
        await self._server.sessions.UpdateSession(request)

    async def compact(self) -> None:
        """Fill the context, so that the next turn begins with a compaction."""
        await self.configure("model", SessionConfig(model="opus"))
        for _ in range(2):
            await self._run(self._listing(), self._says("some text"))
        full = {**self._usage(), "input_tokens": self._chance.randrange(960_000, 970_000)}
        await self._run({"text": "full", "usage": full})
        await self._run(self._says("compacted"))

    async def fork(self) -> None:
        """Go on in a fork."""
        answer = await self._server.sessions.ForkSession(ForkSessionRequest(session_id=self.session_id))
        self._use(answer.session.session_id)
        await self.work()

    async def end_at_the_budget(self) -> tuple[float, float]:
        """Spend until the budget is used up; return the budget, and the most that one request costs."""
        await self.configure("model", SessionConfig(model="opus"))
        await self._run(self._says("ready"))
        spent = (await get(self._server, self.session_id)).usage.cost_usd
        dearest = 0.2
        budget = spent + self._chance.uniform(0.1, 0.5)
        await self.configure("max_budget_usd", SessionConfig(max_budget_usd=budget))
        steps = []
        for _ in range(8):
            given = self._chance.randrange(25_000, 50_000)
            spent += given * 4 / 1e6
            # From the step on that spends the budget, a tool in which the turn stays until it is stopped.
            command = "ls" if spent < budget else "tail -f /dev/null"
            call = {"tool": "Bash", "input": {"command": command, "description": "wait"}}
            # One token of output: nobody tells the length of messages in which the budget stops somebody.
            steps.append({**call, "usage": {"input_tokens": given, "output_tokens": 1}})
        little = {"usage": {"input_tokens": 10, "output_tokens": 1}}  # it comes on top, and at any moment
        agent = {**self._agent(*steps, background=True), **little}
        work = steps if self._chance.random() < 0.5 else [agent]
        await self._run(*work, {"text": "never said", **little})
        await until(self._server, self.session_id, session_pb2.SESSION_STATE_CLOSED)
        return budget, dearest

    async def until_used(self, requests: int) -> None:
        """Wait until the running turn has used so many requests."""
        async with asyncio.timeout(PATIENCE):
            while (  # noqa: ASYNC110 -- what is used so far is told by no event
                await get(self._server, self.session_id)
            ).running_usage.requests < requests:
                await asyncio.sleep(0.02)

    def _use(self, session_id: str) -> None:
        self.session_id = session_id
        self.session_ids.append(session_id)

    async def _run(self, *steps: Steps) -> Turn:
        turn, _ = await run_turn(self._server, self.session_id, scripted("go", *steps))
        return turn

    def _usage(self) -> dict[str, int]:
        most = (9_000, 400, 3_000, 20_000)
        return {kind: self._chance.randrange(1, top) for kind, top in zip(KINDS, most, strict=True)}

    def _says(self, text: str) -> dict[str, object]:
        return {"text": text, "usage": self._usage()}

    def _listing(self) -> dict[str, object]:
        call = {"tool": "Bash", "input": {"command": "ls", "description": "list"}}
        return {**call, "usage": self._usage()}

    def _agent(self, *steps: Steps, background: bool) -> dict[str, object]:
        steps = steps or (self._listing(), self._says("found"))
        order = {
            "description": "look",
            "prompt": scripted("work", *steps),
            "subagent_type": "general-purpose",
            "run_in_background": background,
        }
        return {"tool": "Agent", "input": order, "usage": self._usage()}
