"""Random commands against one server with the fake CLI: a model predicts, the guarantees judge.

Each run draws other commands, so that many short runs see as much as a long one. `WALK_COMMANDS` says how many; `make
test-crash` gives ten thousand.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest

import guarantees
from fake_cli.installed import install
from greenroom.v1 import session_pb2
from greenroom.v1.node_service_pb2 import GetPoolStatusRequest
from greenroom.v1.turn_pb2 import TURN_CAUSE_KIND_OTHER, TURN_KIND_PROMPT, TURN_KIND_UNPROMPTED
from greenroom_server import GreenroomServer
from observation import Recording, Stream, Watcher
from seeds import seed
from walking import WORKSPACES, Walker

SEED = seed("RANDOM_WALK_SEED")
COMMANDS = int(os.environ.get("WALK_COMMANDS", "1000"))
WALKERS = min(40, max(2, COMMANDS // 100))
SLOTS = 6
STANDSTILL = 120
"""Seconds without any command carried out after which the test fails; it may take as long as it goes on."""


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[GreenroomServer]:
    """A server with few slots and short timeouts, so that everything happens often."""
    settings = {
        "claude_path": str(install(tmp_path)),
        "max_processes": str(SLOTS),
        "ready_grace": "200ms",
        "background_grace": "500ms",
        "approval_timeout": "500ms",
        "bookmark_interval": "500ms",
        "interrupt_grace": "2s",
        "end_after_eof": "2s",
    }
    async with GreenroomServer(tmp_path, {}, **settings) as running:
        yield running


@pytest.mark.timeout(0)
async def test_random_commands_break_no_guarantee(server: GreenroomServer) -> None:
    async with asyncio.timeout(STANDSTILL) as patience:
        loop = asyncio.get_running_loop()
        recording, walkers = await walked(server, lambda: patience.reschedule(loop.time() + STANDSTILL))
    guarantees.judge(recording)
    agree(recording, walkers)
    tasks_end_once(recording)
    await nothing_is_left(server)


async def walked(server: GreenroomServer, goes_on: Callable[[], None]) -> tuple[Recording, list[Walker]]:
    """Give all commands and bring every session to rest; return what was seen of it, and who gave them."""
    recording = Recording(streams=[Stream(name) for name in (*WORKSPACES, WORKSPACES[0], WORKSPACES[0])])
    restless, steady, second, sleeper = (Watcher(stream) for stream in recording.streams)
    walkers = [Walker(server, recording, random.Random(f"{SEED}/{n}"), n, goes_on) for n in range(WALKERS)]
    head: list[int] = []
    awake = asyncio.Event()

    def complete(revision: int) -> bool:
        return bool(head) and revision >= head[0]

    began = time.monotonic()
    async with asyncio.TaskGroup() as watching:
        watching.create_task(sleeper.run(server, complete, sleeping=awake))
        for watcher in (restless, steady, second):
            watching.create_task(watcher.run(server, complete))
        async with asyncio.TaskGroup() as walking:
            tasks = [walking.create_task(each.walk(COMMANDS // WALKERS)) for each in walkers]
            walking.create_task(disconnecting(restless, tasks))
        took = time.monotonic() - began
        for walker in walkers:
            await walker.come_to_rest()
        await recording.take_final_state(server)
        head.append(max(session.revision for session in recording.sessions.values()))
        awake.set()

    counts: dict[str, int] = {}
    for walker in walkers:
        for name, count in walker.counts.items():
            counts[name] = counts.get(name, 0) + count
    starts = sum(event.HasField("process_spawned") for event in steady.stream.events)
    print(f"{starts} processes in workspace {WORKSPACES[1]}")
    print(f"{sum(counts.values())} commands in {took:.1f} s: {counts}")
    return recording, walkers


async def disconnecting(watcher: Watcher, until_done: list[asyncio.Task[None]]) -> None:
    """Break a watcher's call off again and again, as long as there are commands."""
    while not all(task.done() for task in until_done):
        await asyncio.wait(until_done, timeout=0.1)
        watcher.disconnect()


def agree(recording: Recording, walkers: list[Walker]) -> None:
    """The model and the server tell of the same sessions, states and turns."""
    models = {model.session_id: model for walker in walkers for model in walker.models}
    assert recording.sessions.keys() == models.keys() - recording.deleted
    for session_id, session in recording.sessions.items():
        model = models[session_id]
        names = {session_pb2.SessionState.Value(f"SESSION_STATE_{state.name}") for state in model.states}
        assert session.state in names, f"{session_id}: {session.state} is none of {model.states}"
        assert session.display_name == model.display_name
        turns = [turn for turn in recording.turns.values() if turn.session_id == session_id]
        assert [turn.turn_id for turn in turns if turn.kind == TURN_KIND_PROMPT] == model.accepted_turns


def tasks_end_once(recording: Recording) -> None:
    """Every background task that was told has ended once, and a turn of the CLI's own names the one that caused it."""
    began, woke = 0, 0
    for session_id, events in recording.histories.items():
        started = Counter(
            event.task_started.task.task_id for event in events if event.HasField("task_started")
        )
        ended = Counter(event.task_ended.task.task_id for event in events if event.HasField("task_ended"))
        assert started == ended, session_id
        assert set(started.values()) <= {1}, session_id
        assert recording.sessions[session_id].background_task_count == 0
        own = [turn for turn in recording.turns.values() if turn.session_id == session_id]
        own = [turn for turn in own if turn.kind == TURN_KIND_UNPROMPTED]
        # Of a turn whose cause is another the contract promises no task; the rest name one of the session's.
        caused = [turn for turn in own if turn.cause.kind != TURN_CAUSE_KIND_OTHER]
        strange = [turn for turn in caused if turn.cause.task_id not in started]
        assert not strange, strange
        began, woke = began + len(started), woke + len(own)
    print(f"{began} background tasks, and {woke} turns without a prompt")
    assert began
    assert woke


async def nothing_is_left(server: GreenroomServer) -> None:
    """Every session is closed by now: no process lives, no slot is taken, nobody waits."""
    status = (await server.nodes.GetPoolStatus(GetPoolStatusRequest())).pool_status
    assert (status.slots, status.busy, status.waiting) == (SLOTS, 0, 0)
    _, alive = psutil.wait_procs(server.children(), timeout=30)
    assert alive == []
