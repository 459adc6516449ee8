"""WatchEvents against a naive fan-out, the way of a line to its watcher, and long logs."""

from __future__ import annotations

import asyncio
import json
import shlex
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import grpc.aio

from benchmarks import load, servers, stored
from benchmarks.clients import Cost, Mode, Seen, streams
from benchmarks.sessions import creation, require_created
from greenroom.v1 import event_pb2
from greenroom.v1.event_service_pb2 import WATCH_START_BEGINNING, ListEventsRequest, WatchEventsRequest
from greenroom.v1.event_service_pb2_grpc import EventServiceStub
from greenroom.v1.session_pb2 import SESSION_STATE_READY
from greenroom.v1.session_service_pb2 import (
    CloseSessionRequest,
    CreateSessionRequest,
    WaitSessionRequest,
)
from greenroom.v1.turn_service_pb2 import RunTurnRequest
from greenroom.v1.turn_service_pb2_grpc import TurnServiceStub

if TYPE_CHECKING:  # the typed asynchronous stubs exist for type checkers only
    from greenroom.v1.event_service_pb2_grpc import EventServiceAsyncStub
    from greenroom.v1.turn_service_pb2_grpc import TurnServiceAsyncStub

WATCH = "/greenroom.v1.EventService/WatchEvents"
CREATE = "greenroom.v1.SessionService/CreateSession"
PER_SECOND = 10
ROUNDS = 3
EVENT_BYTES = 300  # of a replayed event


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much of everything."""

    watchers: int = 1_000
    burst: int = 500
    paced_seconds: int = 10
    stalled: int = 100
    durable: int = 30_000
    replayed: int = 1_000_000
    stored: int = 10_000_000


QUICK = Sizes(watchers=200, paced_seconds=4, stalled=20, durable=5_000, replayed=100_000, stored=500_000)


async def figures(sizes: Sizes) -> dict[str, float]:
    """Measure; keys as in the goals, where the sizes are those that they name."""
    with tempfile.TemporaryDirectory() as place:
        measured = await _live(Path(place) / "live", sizes)
        measured["replay_events_per_s"] = await _replay(Path(place) / "replay", sizes.replayed)
        few = await _append(Path(place) / "few", 1_000)
        many = await _append(Path(place) / "many", sizes.stored)
    return {**measured, f"append_{_short(sizes.stored)}_vs_1k": few / many}


@dataclass(frozen=True, slots=True)
class Talk:
    """One session whose CLI prints what it is told, and the server with it."""

    server: servers.Running
    session_id: str
    turns: TurnServiceAsyncStub
    events: EventServiceAsyncStub

    def watch(self) -> WatchEventsRequest:
        """Return the request of a live watch."""
        return WatchEventsRequest(session_ids=[self.session_id])

    async def say(self, count: int, every: float = 0.0, padding: int = 0) -> None:
        """Have the CLI print stamped lines."""
        plan = {"stamped": {"count": count, "every": every, "padding": padding}}
        request = RunTurnRequest(session_id=self.session_id, prompt=f"[[fake {json.dumps(plan)}]]")
        async for _ in self.turns.RunTurn(request):
            pass

    async def seen(self, watchers: int, mode: Mode, count: int, every: float = 0.0, padding: int = 0) -> Seen:
        """Return what so many watchers have seen of so many events."""
        async with streams(self.server.address, WATCH, watchers, mode, self.watch()) as watching:
            await self.say(count, every, padding)
            return await watching.seen()

    async def event_bytes(self) -> int:
        """Return the size of one stamped event in a frame."""
        await self.say(2)
        message = event_pb2.EVENT_TYPE_MESSAGE_ASSISTANT
        page = await self.events.ListEvents(ListEventsRequest(session_id=self.session_id, types=[message]))
        return len(page.events[0].SerializeToString()) + 3


@asynccontextmanager
async def _talking(state: Path) -> AsyncIterator[Talk]:
    cli = await asyncio.to_thread(_install_cli, state)
    settings = {"claude_path": str(cli), "watchers_per_session": "5000", "max_processes": "2"}
    async with servers.greenroom(state, **settings) as server, servers.sessions_of(server) as sessions:
        request = CreateSessionRequest(config=creation(state).config)
        session_id = (await sessions.CreateSession(request)).session.session_id
        ready = WaitSessionRequest(session_id=session_id, states=[SESSION_STATE_READY])
        ready.timeout.FromSeconds(20)
        if not (await sessions.WaitSession(ready)).matched:
            raise load.LoadFailed("the fake CLI did not start")
        async with grpc.aio.insecure_channel(server.address) as channel:
            yield Talk(server, session_id, TurnServiceStub(channel), EventServiceStub(channel))


def _install_cli(state: Path) -> Path:
    state.mkdir(parents=True)
    cli = state / "claude"
    program = shlex.quote(str(Path(__file__).with_name("stamping_cli.py")))
    cli.write_text(
        f'#!/bin/sh\nFAKE_CLI_VERSION=2.1.330 exec {shlex.quote(sys.executable)} -S {program} "$@"\n'
    )
    cli.chmod(0o755)
    return cli


async def _live(state: Path, sizes: Sizes) -> dict[str, float]:
    """Compare fan-outs in turns, so that a drift of the machine meets both; report medians."""
    count, every = sizes.paced_seconds * PER_SECOND, 1 / PER_SECOND
    async with _talking(state) as talk, servers.bare(b"") as bare:
        size = await talk.event_bytes()
        bursts, costs, ages = [], [], []
        for _ in range(ROUNDS):
            ours = await talk.seen(sizes.watchers, "burst", sizes.burst)
            theirs = await _bare(bare, sizes.watchers, "burst", sizes.burst, size)
            bursts.append((ours.seconds, theirs.seconds))
        for _ in range(ROUNDS):
            spent = Cost(talk.server.pid)
            ages.append((await talk.seen(sizes.watchers, "paced", count, every)).p99_ms)
            ours_cpu, spent = spent.cpu_seconds(), Cost(bare.pid)
            await _bare(bare, sizes.watchers, "paced", count, size, every)
            costs.append((ours_cpu, spent.cpu_seconds()))
        single = await talk.seen(1, "burst", sizes.durable)
        calm = await talk.seen(1, "paced", 20 * PER_SECOND, every / 2)
        stalled = await _stalled(talk, sizes, count, every)
    deliveries = sizes.watchers * sizes.burst
    return {
        f"fanout_{sizes.watchers}_vs_bare": median(theirs / ours for ours, theirs in bursts),
        "fanout_deliveries_per_s": deliveries / median(ours for ours, _ in bursts),
        "bare_deliveries_per_s": deliveries / median(theirs for _, theirs in bursts),
        "fanout_p99_ms": median(ages),
        "fanout_cpu_vs_bare": median(ours / theirs for ours, theirs in costs),
        "durable_events_per_s": sizes.durable / single.seconds,
        "line_to_watcher_ms_p50": calm.p50_ms,
        **stalled,
    }


async def _bare(
    bare: servers.Running, watchers: int, mode: Mode, count: int, size: int, every: float = 0.0
) -> Seen:
    async with (
        streams(bare.address, "/bare.Bare/Watch", watchers, mode) as watching,
        grpc.aio.insecure_channel(bare.address) as channel,
    ):
        plan = json.dumps({"count": count, "every": every, "size": size})
        go: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary("/bare.Bare/Go")
        await go(plan.encode())
        return await watching.seen()


async def _stalled(talk: Talk, sizes: Sizes, count: int, every: float) -> dict[str, float]:
    """Compare readers alone with readers beside streams that nobody reads."""
    reading, ratios, growth = sizes.watchers - sizes.stalled, [], []
    for _ in range(ROUNDS):
        alone = await talk.seen(reading, "paced", count, every, padding=2_000)
        grown = Cost(talk.server.pid)
        async with streams(talk.server.address, WATCH, sizes.stalled, "stalled", talk.watch()):
            beside = await talk.seen(reading, "paced", count, every, padding=2_000)
            growth.append(grown.memory_mib())
        ratios.append(beside.p99_ms / alone.p99_ms)
    return {"stalled_p99_ratio": median(ratios), "stalled_memory_mib": max(growth)}


async def _replay(state: Path, count: int) -> float:
    """Return the events a second of one watch from the beginning."""
    async with servers.greenroom(state) as server, servers.sessions_of(server) as sessions:
        session = (await sessions.CreateSession(creation(state))).session
    stored.multiply_events(state / "greenroom.db", count, size=EVENT_BYTES)
    async with servers.greenroom(state) as server, servers.sessions_of(server) as sessions:
        await sessions.CloseSession(CloseSessionRequest(session_id=session.session_id))
        whole = WatchEventsRequest(
            session_ids=[session.session_id], start=WATCH_START_BEGINNING, until_closed=True
        )
        runs = []
        for _ in range(ROUNDS):
            async with streams(server.address, WATCH, 1, "whole", whole) as watching:
                seen = await watching.seen()
            if seen.size < 0.8 * count * EVENT_BYTES:  # the events are of about this size
                raise load.LoadFailed("the watch ended before its end")
            runs.append(seen.seconds)
    return count / median(runs)


async def _append(state: Path, count: int) -> float:
    """Return the creations of sessions a second, each an event, beside so many stored events."""
    async with servers.greenroom(state) as server, servers.sessions_of(server) as sessions:
        await sessions.CreateSession(creation(state))
    stored.multiply_events(state / "greenroom.db", count, size=100)
    async with servers.greenroom(state) as server, servers.sessions_of(server) as sessions:
        rates = [
            await load.unary(server.address, CREATE, creation(state), requests=3_000) for _ in range(ROUNDS)
        ]
        await require_created(sessions, 1 + ROUNDS * 3_000)
    return median(rates)


def _short(count: int) -> str:
    return f"{count // 1_000_000}m" if count >= 1_000_000 else f"{count // 1_000}k"
