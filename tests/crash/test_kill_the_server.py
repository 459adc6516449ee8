"""`kill -9` of the server, again and again, under load: whatever was acknowledged or seen is kept, nothing is left."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

import guarantees
from crash.load import Client
from fake_cli.installed import install
from greenroom.v1.session_service_pb2 import CloseSessionRequest
from greenroom_server import GreenroomServer
from observation import Recording, Stream, Watcher, every_session, pool_until
from seeds import seed

KILLS = int(os.environ.get("CRASH_KILLS", "5"))
SEED = seed("CRASH_SEED")
"""Repeats the choices, though not the moments."""
CLIENTS = 12


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[GreenroomServer]:
    """A server with fewer slots than there are clients."""
    settings = {
        "claude_path": str(install(tmp_path)),
        "max_processes": "6",
        "approval_timeout": "300ms",
        "bookmark_interval": "300ms",
        "end_after_eof": "1s",
    }
    async with GreenroomServer(tmp_path, {}, **settings) as running:
        yield running


@pytest.mark.timeout(120 + 10 * KILLS)
async def test_nothing_acknowledged_is_lost_and_no_process_stays(server: GreenroomServer) -> None:
    chance = random.Random(SEED)
    recording = Recording(streams=[Stream("crash"), Stream("crash")])
    watchers = [Watcher(stream) for stream in recording.streams]
    clients = [Client(server, recording, random.Random(f"{SEED}/{n}")) for n in range(CLIENTS)]
    enough, head = asyncio.Event(), list[int]()
    async with asyncio.TaskGroup() as watching:
        for watcher in watchers:
            watching.create_task(watcher.run(server, lambda seen: bool(head) and seen >= head[0]))
        async with asyncio.TaskGroup() as working:
            for client in clients:
                working.create_task(client.work(enough))
            for _ in range(KILLS):
                await progress(watchers[0], chance.randrange(30, 250))
                await kill_and_start(server)
            enough.set()
        await close_all(server)
        await recording.take_final_state(server)
        head.append(max(session.revision for session in recording.sessions.values()))

    print(f"{KILLS} kills, {len(recording.sessions)} sessions, {len(recording.turns)} turns")
    guarantees.judge(recording)
    assert recording.created == recording.sessions.keys(), (
        "repeated creates made other sessions, or lost some"
    )
    asked = [turn.request_id for turn in recording.turns.values()]
    assert len(asked) == len(set(asked)), "a repeated request started two turns"
    assert set().union(*(client.started for client in clients)) <= set(asked)
    await pool_until(server, lambda pool: (pool.busy, pool.waiting) == (0, 0))
    assert of_this_server(server) == []


async def progress(watcher: Watcher, events: int) -> None:
    """Wait until so many events more were seen."""
    seen = watcher.revision
    async with asyncio.timeout(60):
        while watcher.revision < seen + events:  # noqa: ASYNC110 -- any moment is as good as another
            await asyncio.sleep(0.005)


async def kill_and_start(server: GreenroomServer) -> None:
    """Kill the server and start it again; whatever ran under it has ended by then."""
    children = server.children()
    await server.kill()
    await server.start()
    _, alive = await asyncio.to_thread(psutil.wait_procs, children, timeout=60)
    assert alive == []


async def close_all(server: GreenroomServer) -> None:
    """Close every session, so that every turn is over."""
    async with asyncio.TaskGroup() as group:
        for session in await every_session(server):
            request = CloseSessionRequest(session_id=session.session_id, force=True)
            group.create_task(closed(server, request))


async def closed(server: GreenroomServer, request: CloseSessionRequest) -> None:
    """Close one session."""
    await server.sessions.CloseSession(request)


def of_this_server(server: GreenroomServer) -> list[psutil.Process]:
    """Return every process on the machine that a server on this state directory has started."""
    found = []
    for process in psutil.process_iter():
        try:
            directory = process.environ().get("CLAUDE_CONFIG_DIR", "")
        except psutil.Error:
            continue
        if directory.startswith(str(server.state)):
            found.append(process)
    return found
