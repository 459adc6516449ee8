"""Many sessions over few processes: all complete, no process too many, a suspended one costs next to nothing."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, TypeVar

import grpc.aio
import psutil

from benchmarks import load, servers
from greenroom.v1.config_pb2 import SessionConfig
from greenroom.v1.session_service_pb2 import CreateSessionRequest
from greenroom.v1.turn_pb2 import TURN_STATE_COMPLETED
from greenroom.v1.turn_service_pb2 import RunTurnRequest
from greenroom.v1.turn_service_pb2_grpc import TurnServiceStub

if TYPE_CHECKING:  # the typed asynchronous stubs exist for type checkers only
    from greenroom.v1.session_service_pb2_grpc import SessionServiceAsyncStub
    from greenroom.v1.turn_service_pb2_grpc import TurnServiceAsyncStub

T = TypeVar("T")

SLOTS = 8
IN_FLIGHT = 64
WORKSPACES = 4
CLI = Path(__file__).with_name("quick_cli.sh")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How many sessions there are, and how many of them the server keeps in memory.

    Half of them must be enough to fill what is bounded: that cache, the newest events, the database's own cache. Too
    few say nothing of memory, and it is left out.
    """

    sessions: int = 10_000
    cached: int = 1_000
    tell_memory: bool = True


QUICK = Sizes(sessions=600, cached=100, tell_memory=False)


async def figures(sizes: Sizes) -> dict[str, float]:
    """Give every session a turn, and once it was suspended for others another one; keys as in the goals.

    The memory is compared between the moment at which half of the sessions have had their turns and the end.
    """
    with tempfile.TemporaryDirectory() as place:
        state, taken = Path(place) / "state", Path(place) / "taken"
        taken.mkdir()
        settings = {
            "claude_path": str(shutil.copy(CLI, Path(place) / "claude")),
            "cli_environment": json.dumps({"SLOTS": str(taken)}),
            "max_processes": str(SLOTS),
            "cached_sessions": str(sizes.cached),
        }
        async with (
            servers.greenroom(state, **settings) as server,
            servers.sessions_of(server) as sessions,
            grpc.aio.insecure_channel(server.address) as channel,
        ):
            crowd = _Crowd(sessions, TurnServiceStub(channel), state / "work")
            half = sizes.sessions // 2
            began = perf_counter()
            await crowd.two_turns_each(half)
            before = _resident(server.pid)
            await crowd.two_turns_each(sizes.sessions - half)
            seconds = perf_counter() - began
            grown = _resident(server.pid) - before
        most = max(int(path.name.removeprefix("seen-")) for path in taken.glob("seen-*"))
    memory = {"rss_bytes_per_suspended_session": max(0, grown) / (sizes.sessions - half)}
    return {
        **(memory if sizes.tell_memory else {}),
        "most_processes_over_8_slots": most,
        "turns_over_8_slots_per_s": 2 * sizes.sessions / seconds,
    }


class _Crowd:
    """Sessions of several workspaces, some of which want their turn at the same time."""

    def __init__(self, sessions: SessionServiceAsyncStub, turns: TurnServiceAsyncStub, work: Path) -> None:
        self._sessions = sessions
        self._turns = turns
        self._config = SessionConfig(working_dir=str(work))

    async def two_turns_each(self, count: int) -> None:
        """Create so many sessions, give each its first turn, then each its second in the same order."""
        ids: list[str] = []

        async def first(number: int) -> None:
            request = CreateSessionRequest(workspace_id=f"w{number % WORKSPACES}", config=self._config)
            session = (await self._sessions.CreateSession(request)).session
            await self._turn(session.session_id, "prompt 1")
            ids.append(session.session_id)

        async def second(session_id: str) -> None:
            await self._turn(session_id, "prompt 2")

        await _each(range(count), first)
        await _each(ids, second)

    async def _turn(self, session_id: str, expected: str) -> None:
        async for frame in self._turns.RunTurn(RunTurnRequest(session_id=session_id, prompt="go")):
            if frame.HasField("turn"):
                turn = frame.turn
                if (turn.state, turn.result_text) != (TURN_STATE_COMPLETED, expected):
                    raise load.LoadFailed(f"a turn did not complete as expected: {turn}")
                return
        raise load.LoadFailed("a stream ended without its turn")


async def _each(items: Iterable[T], work: Callable[[T], Awaitable[None]]) -> None:
    left = iter(items)

    async def worker() -> None:
        for item in left:
            await work(item)

    async with asyncio.TaskGroup() as workers:
        for _ in range(IN_FLIGHT):
            workers.create_task(worker())


def _resident(pid: int) -> int:
    return int(psutil.Process(pid).memory_info().rss)
