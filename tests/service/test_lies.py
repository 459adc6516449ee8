"""A CLI that lies, hangs, floods and dies: its session ends as it should, and nobody else notices."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from fake_cli.installed import at_start, install, turn
from greenroom.v1 import session_pb2, turn_pb2
from greenroom.v1.session_service_pb2 import CloseSessionRequest
from greenroom_server import GreenroomServer
from story import create, get, run_turn, until, working

ERROR = session_pb2.SESSION_STATE_ERROR
COMPLETED = turn_pb2.TURN_STATE_COMPLETED
INTERRUPTED = turn_pb2.TURN_STATE_INTERRUPTED
FAILED = turn_pb2.TURN_STATE_FAILED


@dataclass(frozen=True, slots=True)
class Lie:
    """What a CLI does in a turn, how that turn ends, and why the session fails, "" if it does not."""

    script: dict[str, Any]
    turn: turn_pb2.TurnState.ValueType
    reason: str = ""
    at_start: dict[str, str] = field(default_factory=dict)


LIES = {  # of CLIs that go on, or end by themselves
    "another session's id": Lie({"session": "another"}, INTERRUPTED, "CONVERSATION_LOST"),
    "a line of garbage": Lie({"garbage": "Segmentation fault?"}, COMPLETED),
    "a line of 100 MB": Lie({"bytes": 100 * 2**20}, COMPLETED),
    "half a line, then death": Lie({"half_line": True}, INTERRUPTED, "PROCESS_EXITED"),
    "output closed, but alive": Lie({"close_stdout": True}, INTERRUPTED, "PROCESS_EXITED"),
    "a child that outlives it": Lie({"fork": "marked", "exit": 0}, INTERRUPTED, "PROCESS_EXITED"),
    "a flood on stderr": Lie({"stderr": 50 * 2**20}, COMPLETED),
    "killed": Lie({"kill": 11}, INTERRUPTED, "PROCESS_EXITED"),
}
SILENCES = {  # of CLIs that only the server's patience ends
    "deaf to TERM": Lie({"ignore_term": True, "garbage": "now", "hang": True}, FAILED, "PROCESS_EXITED"),
    "silent during a turn": Lie({"hang": True}, FAILED, "PROCESS_EXITED"),
    "no handshake": Lie({}, FAILED, "HANDSHAKE_TIMEOUT", at_start(ignore_term=True, hang=True)),
}


@pytest.fixture
async def fake(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[GreenroomServer]:
    """A server with the fake CLI that ends a process soon once it is to end."""
    settings = {
        "claude_path": str(install(tmp_path)),
        "max_processes": str(len(LIES) + 1),
        "memory_reserve": "0",
        "interrupt_grace": "300ms",
        "end_after_eof": "300ms",
        "end_after_term": "300ms",
    }
    async with GreenroomServer(tmp_path, {}, **settings, **getattr(request, "param", {})) as running:
        yield running


async def test_whatever_a_cli_says_its_session_ends_as_it_should_and_its_neighbour_goes_on(
    fake: GreenroomServer,
) -> None:
    await all_lie(fake, LIES)


@pytest.mark.parametrize("fake", [{"handshake_timeout": "5s", "stall_timeout": "6s"}], indirect=True)
async def test_a_cli_that_says_nothing_is_ended_and_its_neighbour_goes_on(fake: GreenroomServer) -> None:
    """A server of its own: on a shared one, the output of other tests could use up the timeouts."""
    await all_lie(fake, SILENCES)


async def all_lie(fake: GreenroomServer, lies: Mapping[str, Lie]) -> None:
    """Have one session tell each of the lies, all at the same time, beside one that works."""
    neighbour = (await create(fake)).session_id
    await run_turn(fake, neighbour, "one")
    pid = (await get(fake, neighbour)).process.pid
    seen: dict[str, Lie] = {}

    async def be_told(name: str, lie: Lie) -> None:
        session_id = (await create(fake, working(fake, environment=lie.at_start))).session_id
        done, _ = await run_turn(fake, session_id, turn(**lie.script))
        if lie.reason:
            await until(fake, session_id, ERROR)
        session = await get(fake, session_id)
        seen[name] = Lie(
            lie.script, done.state, session.state_reason if session.state == ERROR else "", lie.at_start
        )
        await fake.sessions.CloseSession(CloseSessionRequest(session_id=session_id))

    async with asyncio.TaskGroup() as liars:
        for name, lie in lies.items():
            liars.create_task(be_told(name, lie))
    assert seen == lies
    done, _ = await run_turn(fake, neighbour, "two")
    assert (done.state, done.result_text) == (COMPLETED, "prompt 2")
    assert [child.pid for child in fake.children()] == [pid]
    assert not [process for process in psutil.process_iter() if of(process, fake) and process.pid != pid]


def of(process: psutil.Process, server: GreenroomServer) -> bool:
    """Whether a server on this state directory started the process, or what did."""
    try:
        return process.environ().get("CLAUDE_CONFIG_DIR", "").startswith(str(server.state))
    except psutil.Error:
        return False
