"""Sessions amid `kill -9` of their CLI and of the server: no process stays, and every slot is free again."""

from __future__ import annotations

import asyncio
import os
import random
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from crash.load import until_answered
from fake_cli.installed import install, turn
from greenroom.v1 import session_pb2, turn_pb2
from greenroom.v1.config_pb2 import SessionConfig
from greenroom.v1.node_pb2 import PoolStatus
from greenroom.v1.node_service_pb2 import GetPoolStatusRequest
from greenroom.v1.session_service_pb2 import CloseSessionRequest, CreateSessionRequest, WaitSessionRequest
from greenroom.v1.turn_service_pb2 import GetTurnRequest, StartTurnRequest
from greenroom_server import GreenroomServer
from observation import pool_until
from seeds import seed
from standin.model_api import ModelApi
from story import create, scripted, until, working

CYCLES = int(os.environ.get("CRASH_CYCLES", "20"))
SEED = seed("CRASH_SEED")
WORKERS = 8
SLOTS = 6

FAKE_TURNS: Sequence[Mapping[str, Any]] = (
    {},
    {"wait": 0.3},
    {"events": 20},
    {"fork": "marked"},
    {"fork": "marked", "exit": 3},
    {"ignore_term": True, "fork": "marked", "wait": 0.2},
    {"ignore_term": True, "hang": True},
    {"close_stdout": True},
    {"half_line": True},
)
ESCAPES: Sequence[Mapping[str, Any]] = ({"fork": "clean"}, {"fork": "escaped"})
"""Turns after which only a control group knows whose child it was, once the server has died."""
TAIL: dict[str, object] = {"tool": "Bash", "input": {"command": "tail -f log", "description": "never ends"}}


@dataclass(slots=True)
class Chaos:
    """Kills what it finds below the server, and the server; remembers every process that it saw there."""

    server: GreenroomServer
    chance: random.Random
    strikes: int = 0
    cli_kills: int = 0
    server_kills: int = 0
    turns_completed: int = 0
    seen: set[psutil.Process] = field(default_factory=set)
    kernel_sessions: set[int] = field(default_factory=set)
    _restarting: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def strike(self) -> None:
        """Kill one process at random below the server, or, every eighth time, the server, and start it again."""
        async with self._restarting:
            below = self._look()
            self.strikes += 1
            if self.strikes % 8 == 2:
                await self.server.kill()
                self.server_kills += 1
                await self.server.start()
            elif below:
                victim = self.chance.choice(below)
                try:
                    victim.kill()
                except psutil.NoSuchProcess:
                    return
                self.cli_kills += 1

    async def watch(self) -> None:
        """Remember what runs below the server now."""
        async with self._restarting:
            self._look()

    def _look(self) -> Sequence[psutil.Process]:
        below = self.server.children()
        self.seen.update(below)
        for process in below:
            try:
                kernel_session = os.getsid(process.pid)
            except ProcessLookupError:
                continue
            # A child that has not begun its own yet is still in the server's, which is that of whoever runs the tests.
            if kernel_session != os.getsid(self.server.pid):
                self.kernel_sessions.add(kernel_session)
        return below

    def left(self) -> Sequence[psutil.Process]:
        """Return what is left of all that any of the servers started, found in each of three ways.

        It was seen below a server; its environment names a directory of this server's; the kernel session that it is
        in was begun by one that was seen.
        """
        return [process for process in psutil.process_iter() if self._ours(process)]

    def _ours(self, process: psutil.Process) -> bool:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            config_dir = process.environ().get("CLAUDE_CONFIG_DIR", "")
            kernel_session = os.getsid(process.pid)
        except (psutil.Error, ProcessLookupError):  # gone meanwhile
            return False
        begun_here = kernel_session in self.kernel_sessions and not self._begun_by_another(kernel_session)
        return process in self.seen or config_dir.startswith(str(self.server.state)) or begun_here

    def _begun_by_another(self, kernel_session: int) -> bool:
        """Whether a process that we know nothing of has the pid now that once began a session of ours."""
        try:
            return psutil.Process(kernel_session) not in self.seen
        except psutil.NoSuchProcess:
            return False


@dataclass(frozen=True, slots=True)
class Cycles:
    """Creates a session, gives it a turn and closes it, again and again; something is killed in half of the cycles."""

    server: GreenroomServer
    chaos: Chaos
    config: SessionConfig
    prompts: Sequence[str]

    async def run(self, count: int) -> None:
        """Go through so many cycles, some at a time."""
        left = iter(range(count))

        async def work() -> None:
            for _ in left:
                await self._cycle()

        async with asyncio.TaskGroup() as workers:
            for _ in range(WORKERS):
                workers.create_task(work())

    async def _cycle(self) -> None:
        chance = self.chaos.chance
        # The ids make a repetition the same session and turn: the server may have died with its answer on the way.
        creation = CreateSessionRequest(
            workspace_id=chance.choice("abc"), config=self.config, request_id=str(uuid.uuid4())
        )
        created = await until_answered(lambda: self.server.sessions.CreateSession(creation))
        assert created is not None
        async with asyncio.TaskGroup() as moment:
            if chance.random() < 0.5:
                moment.create_task(self._strike_after(chance.choice([0.0, 0.02, 0.1, 0.3])))
            await self._turn_and_close(created.session.session_id, chance.choice(self.prompts))

    async def _strike_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)  # any moment is as good as another
        await self.chaos.strike()

    async def _turn_and_close(self, session_id: str, prompt: str) -> None:
        request = StartTurnRequest(session_id=session_id, prompt=prompt, request_id=str(uuid.uuid4()))
        started = await until_answered(lambda: self.server.turns.StartTurn(request))
        if started is not None:
            wait = WaitSessionRequest(session_id=session_id, turn_id=started.turn.turn_id)
            wait.timeout.FromMilliseconds(self.chaos.chance.choice([100, 1000, 3000, 3000]))
            await until_answered(lambda: self.server.sessions.WaitSession(wait))
            asked = GetTurnRequest(session_id=session_id, turn_id=started.turn.turn_id)
            ended = await until_answered(lambda: self.server.turns.GetTurn(asked))
            assert ended is not None
            self.chaos.turns_completed += ended.turn.state == turn_pb2.TURN_STATE_COMPLETED
        await self.chaos.watch()
        closing = CloseSessionRequest(session_id=session_id, force=True)
        await until_answered(lambda: self.server.sessions.CloseSession(closing))
        over = WaitSessionRequest(session_id=session_id, states=[session_pb2.SESSION_STATE_CLOSED])
        over.timeout.FromSeconds(20)
        closed = await until_answered(lambda: self.server.sessions.WaitSession(over))
        assert closed is not None
        assert closed.matched, f"not closed: {closed.session}"


async def pool_of(server: GreenroomServer) -> PoolStatus:
    """Return how the slots stand."""
    return (await server.nodes.GetPoolStatus(GetPoolStatusRequest())).pool_status


async def judge(chaos: Chaos, config: SessionConfig) -> None:
    """Demand that nothing is left, and that every slot can be had, all at once."""
    server = chaos.server
    pool = await pool_until(server, lambda pool: (pool.busy, pool.warm, pool.waiting) == (0, 0, 0))
    assert chaos.left() == []
    assert not [path for path in server.state.glob("run/*/*") if path.is_dir()]
    sessions = [await create(server, config) for _ in range(pool.slots)]
    for session in sessions:
        await until(server, session.session_id, session_pb2.SESSION_STATE_READY)
    assert (await pool_of(server)).busy == pool.slots
    for session in sessions:
        await server.sessions.CloseSession(CloseSessionRequest(session_id=session.session_id))
    assert chaos.left() == []


def told(chaos: Chaos, cycles: int) -> str:
    """Say in a line what was done."""
    return (
        f"{cycles} cycles, {chaos.turns_completed} turns completed: {chaos.cli_kills} x kill -9 of a CLI or what it "
        f"started, {chaos.server_kills} x of the server; {len(chaos.seen)} processes seen (CRASH_SEED={SEED})"
    )


SETTINGS = {
    "max_processes": str(SLOTS),
    "interrupt_grace": "300ms",
    "end_after_eof": "300ms",
    "end_after_term": "300ms",
    "memory_reserve": "0",
}


@pytest.mark.timeout(60 + 5 * CYCLES)
async def test_nothing_is_left_of_a_cli_that_behaves_in_any_way(tmp_path: Path) -> None:
    await cycles_of_the_fake(tmp_path, FAKE_TURNS, cgroup="off")


@pytest.mark.timeout(60 + 5 * CYCLES)
async def test_nothing_is_left_of_what_hides_where_there_are_control_groups(
    tmp_path: Path, cgroup: Path
) -> None:
    await cycles_of_the_fake(tmp_path, [*FAKE_TURNS, *ESCAPES], cgroup=str(cgroup))
    assert not [path for path in cgroup.iterdir() if path.is_dir()]


async def cycles_of_the_fake(tmp_path: Path, turns: Sequence[Mapping[str, Any]], **more: str) -> None:
    """Go through all cycles on a server of their own."""
    settings = {"claude_path": str(install(tmp_path)), **SETTINGS, **more}
    async with GreenroomServer(tmp_path, {}, **settings) as server:
        chaos = Chaos(server, random.Random(SEED))
        config = working(server)
        await Cycles(server, chaos, config, [turn(**script) for script in turns]).run(CYCLES)
        print(told(chaos, CYCLES))
        await judge(chaos, config)


@pytest.mark.timeout(120 + 5 * CYCLES)
async def test_nothing_is_left_of_the_real_cli_and_its_commands(tmp_path: Path, model_api: ModelApi) -> None:
    count = max(6, CYCLES // 20)
    async with GreenroomServer(tmp_path, model_api.cli_environment, **SETTINGS) as server:
        (server.work / "log").touch()
        chaos = Chaos(server, random.Random(SEED))
        config = working(server, allowed_tools=["Bash(tail *)"])
        prompts = [scripted("talk"), scripted("work", TAIL)]
        await Cycles(server, chaos, config, prompts).run(count)
        print(told(chaos, count))
        await judge(chaos, config)
