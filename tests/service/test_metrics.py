"""What Prometheus reads from a running server."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import pytest

from fake_cli.installed import install, turn
from greenroom.v1 import session_pb2
from greenroom.v1.config_pb2 import SessionLimits
from greenroom.v1.event_service_pb2 import WatchEventsRequest, WatchStart
from greenroom.v1.session_service_pb2 import START_MODE_MANUAL, CloseSessionRequest
from greenroom_server import GreenroomServer
from standin.model_api import ModelApi
from story import create, get, history, run_turn, scripted, start_turn, until, working


@dataclass(frozen=True)
class Scraped:
    """A server, and where its metrics are read."""

    server: GreenroomServer
    url: str

    async def metrics(self) -> dict[str, float]:
        """Read every value, by its name and labels."""
        lines = (await asyncio.to_thread(self._read)).splitlines()
        values = (line.rpartition(" ") for line in lines if not line.startswith("#"))
        return {name: float(value) for name, _, value in values}

    def _read(self) -> str:
        with urlopen(self.url) as answer:
            return str(answer.read(), "utf-8")


@pytest.fixture
async def scraped(tmp_path: Path) -> AsyncIterator[Scraped]:
    """A server whose CLI is the fake and whose metrics can be read."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    claude = str(install(tmp_path))
    async with GreenroomServer(tmp_path / "server", {}, claude_path=claude, metrics_listen=address) as server:
        yield Scraped(server, f"http://{address}/metrics")


async def close(server: GreenroomServer, session: session_pb2.Session) -> None:
    await server.sessions.CloseSession(CloseSessionRequest(session_id=session.session_id))


async def test_sessions_are_counted_in_their_states_also_after_a_restart(scraped: Scraped) -> None:
    server = scraped.server
    closed, *_ = [await create(server, start_mode=START_MODE_MANUAL) for _ in range(3)]
    await close(server, closed)
    for _ in range(2):
        read = await scraped.metrics()
        assert read['greenroom_sessions{state="created"}'] == 2
        assert read['greenroom_sessions{state="closed"}'] == 1
        assert sum(value for name, value in read.items() if name.startswith("greenroom_sessions{")) == 3
        await server.stop()
        await server.start()


async def test_processes_are_counted_by_why_they_ended(scraped: Scraped) -> None:
    server = scraped.server
    closed, crashed = await create(server), await create(server)
    await run_turn(server, closed.session_id, "hello")
    await close(server, closed)
    await start_turn(server, crashed.session_id, turn(kill=9))
    await until(server, crashed.session_id, session_pb2.SESSION_STATE_ERROR)
    greedy = await create(server, working(server, limits=SessionLimits(memory_bytes=256 * 2**20)))
    await start_turn(server, greedy.session_id, turn(memory=300 * 2**20, wait=20))
    await until(server, greedy.session_id, session_pb2.SESSION_STATE_ERROR)
    read = await scraped.metrics()
    assert read['greenroom_processes_started_total{origin="cold"}'] == 3
    assert read['greenroom_processes_ended_total{cause="close"}'] == 1
    assert read['greenroom_processes_ended_total{cause="crash"}'] == 1
    assert read['greenroom_processes_ended_total{cause="memory_limit"}'] == 1


async def test_open_streams_and_stored_events_are_counted(scraped: Scraped) -> None:
    server = scraped.server
    assert (await scraped.metrics())["greenroom_watchers"] == 0
    request = WatchEventsRequest(workspace_id="default", start=WatchStart.WATCH_START_NOW)
    watch = server.events.WatchEvents(request)
    await watch.initial_metadata()
    session = await create(server, start_mode=START_MODE_MANUAL)
    async for _ in watch:  # the first frame: from then on it is surely open
        break
    read = await scraped.metrics()
    assert read["greenroom_watchers"] == 1
    assert read["greenroom_events_committed_total"] == len(await history(server, session.session_id))
    watch.cancel()
    async with asyncio.timeout(60):
        while (await scraped.metrics())["greenroom_watchers"]:  # noqa: ASYNC110 -- metrics tell nobody
            await asyncio.sleep(0.02)


async def test_tokens_and_cost_are_those_of_the_sessions(tmp_path: Path, model_api: ModelApi) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    environment = model_api.cli_environment
    async with GreenroomServer(tmp_path / "server", environment, metrics_listen=address) as server:
        scraped = Scraped(server, f"http://{address}/metrics")
        session = await create(server)
        for _ in range(2):
            await run_turn(server, session.session_id, scripted("go", {"text": "done"}))
        await start_turn(server, session.session_id, scripted("go", {"text": "one two", "stall": True}))
        await until(server, session.session_id, session_pb2.SESSION_STATE_ACTIVE)
        await close(server, session)
        session = await get(server, session.session_id)
        used, model, read = session.usage, session.current_model, await scraped.metrics()
        assert model
        assert used.input_tokens
        kinds = ("input", "output", "cache_creation", "cache_read")
        tokens = [f'greenroom_tokens_total{{kind="{kind}",model="{model}"}}' for kind in kinds]
        assert [read[name] for name in tokens] == [getattr(used, f"{kind}_tokens") for kind in kinds]
        assert read[f'greenroom_model_requests_total{{model="{model}"}}'] == used.requests
        assert read[f'greenroom_cost_usd_total{{model="{model}"}}'] == pytest.approx(used.cost_usd)


async def test_calls_are_counted_and_no_label_holds_an_id(scraped: Scraped) -> None:
    server = scraped.server
    session = await create(server)
    await run_turn(server, session.session_id, "hello")
    await close(server, session)
    read = await scraped.metrics()
    assert read['greenroom_rpcs_total{code="OK",method="CreateSession",service="SessionService"}'] == 1
    assert not [name for name in read if re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-", name)]
