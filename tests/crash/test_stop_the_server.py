"""SIGTERM in the midst of everything: the server ends in order and in time, and the next one finds all of it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

import guarantees
from crash.load import Client
from crash.test_kill_the_server import close_all, of_this_server, progress
from fake_cli.installed import install
from greenroom.v1 import session_pb2
from greenroom_server import GreenroomServer
from observation import Recording, Stream, Watcher, every_session
from seeds import seed

SEED = seed("CRASH_SEED")
CLIENTS = 24
IN_ORDER = {
    session_pb2.SESSION_STATE_CREATED,
    session_pb2.SESSION_STATE_INITIALIZING,  # queued again by now
    session_pb2.SESSION_STATE_READY,
    session_pb2.SESSION_STATE_IDLE,
    session_pb2.SESSION_STATE_ACTIVE,
    session_pb2.SESSION_STATE_SUSPENDED,
    session_pb2.SESSION_STATE_CLOSING,  # by its client, after it came back for a turn that was kept
    session_pb2.SESSION_STATE_CLOSED,
}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[GreenroomServer]:
    """A server on which most sessions wait for a process."""
    settings = {"claude_path": str(install(tmp_path)), "max_processes": "4", "bookmark_interval": "300ms"}
    async with GreenroomServer(tmp_path, {}, **settings) as running:
        yield running


@pytest.mark.timeout(180)
async def test_a_busy_server_stops_in_time_and_loses_nothing(server: GreenroomServer) -> None:
    recording = Recording(streams=[Stream("crash")])
    watcher = Watcher(recording.streams[0])
    clients = [Client(server, recording, random.Random(f"{SEED}/{n}")) for n in range(CLIENTS)]
    enough, head = asyncio.Event(), list[int]()
    async with asyncio.TaskGroup() as watching:
        watching.create_task(watcher.run(server, lambda seen: bool(head) and seen >= head[0]))
        async with asyncio.TaskGroup() as working:
            for client in clients:
                working.create_task(client.work(enough))
            for _ in range(3):
                await progress(watcher, 200)
                children = server.children()
                assert await server.stop() == 0
                assert of_this_server(server) == []
                # A zombie has ended: init still has to take note.
                _, alive = psutil.wait_procs(children, timeout=30)
                assert alive == []
                await server.start()
                assert {session.state for session in await every_session(server)} <= IN_ORDER
            enough.set()
        await close_all(server)
        await recording.take_final_state(server)
        head.append(max(session.revision for session in recording.sessions.values()))
    assert "drain_incomplete" not in server.log.read_text()  # in time is: before a drain ends by force
    guarantees.judge(recording)
    assert not any(turn.side_effects_unknown for turn in recording.turns.values())
