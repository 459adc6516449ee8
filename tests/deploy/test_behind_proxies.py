"""What clients see of a server behind each proxy of docs/deploy is what they see without one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from pathlib import Path

import grpc
import grpc.aio
import pytest

from deploy.proxies import PROXIES, Proxy, running_proxy
from fake_cli.installed import turn as script
from greenroom import Client, InvalidRequest
from greenroom.v1.config_pb2 import SessionConfig
from greenroom.v1.event_pb2 import EVENT_TYPE_TURN_COMPLETED, EVENT_TYPE_TURN_QUEUED, Event
from greenroom.v1.event_service_pb2 import GetEventRequest, WatchEventsRequest
from greenroom.v1.event_service_pb2_grpc import EventServiceStub
from greenroom.v1.session_pb2 import Session
from greenroom.v1.session_service_pb2 import CloseSessionRequest, CreateSessionRequest
from greenroom.v1.turn_pb2 import TURN_STATE_COMPLETED
from greenroom.v1.turn_service_pb2 import GetTurnRequest
from greenroom_server import GreenroomServer
from shared_servers import SharedServers
from story import TURN_ENDS

SILENCE = 6.0  # seconds; a busy machine may be silent for some of them
QUICK = "400ms"  # a bookmark interval that fits it, as 15 s fit the proxies' 60 s
SLOW = "1h"
REFUSALS = 500


@pytest.fixture(params=PROXIES)
def proxy(request: pytest.FixtureRequest) -> Proxy:
    return PROXIES[request.param]


@pytest.fixture
async def server(servers: SharedServers) -> AsyncIterator[GreenroomServer]:
    async with servers.fake(bookmark_interval=QUICK) as running:
        yield running


async def create(client: Client, server: GreenroomServer) -> Session:
    request = CreateSessionRequest(config=SessionConfig(working_dir=str(server.work)))
    return (await client.sessions.CreateSession(request)).session


async def until_turn_ends(watch: AsyncGenerator[Event, None]) -> list[Event]:
    """Return the events of a watch up to the end of the next turn."""
    seen: list[Event] = []
    async with asyncio.timeout(60):
        async for event in watch:
            seen.append(event)
            if event.type in TURN_ENDS:
                return seen
    raise AssertionError(f"the watch ended after {seen}")


async def test_a_refusal_comes_with_all_its_details(
    proxy: Proxy, server: GreenroomServer, tmp_path: Path
) -> None:
    config = SessionConfig(working_dir=str(server.work), allowed_tools=["ü" * 500] * 128)
    async with running_proxy(proxy, server, tmp_path) as address, Client(address) as client:
        with pytest.raises(InvalidRequest) as refused:
            await client.sessions.CreateSession(CreateSessionRequest(config=config))
    assert refused.value.reason == "INVALID_FIELD"
    *shown, rest = refused.value.violations
    assert [each.field for each in shown] == [f"config.allowed_tools[{n}]" for n in range(len(shown))]
    assert rest.description == f"{128 - len(shown)} more violations are not shown"


async def test_every_one_of_many_refusals_comes_with_its_details(
    proxy: Proxy, server: GreenroomServer, tmp_path: Path
) -> None:
    """A refusal is only headers; where a proxy makes more of it now and then, its status is lost."""
    async with running_proxy(proxy, server, tmp_path) as address, Client(address) as client:
        calls = [client.sessions.CreateSession(CreateSessionRequest()) for _ in range(REFUSALS)]
        refusals = await asyncio.gather(*calls, return_exceptions=True)
    assert {str(refusal) for refusal in refusals} == {str(refusals[0])}
    assert isinstance(refusals[0], InvalidRequest)


async def test_the_largest_prompt_runs_and_can_be_had_whole(
    proxy: Proxy, server: GreenroomServer, tmp_path: Path
) -> None:
    prompt = script(text="done").ljust(4 * 1024 * 1024, "x")
    async with running_proxy(proxy, server, tmp_path) as address, Client(address) as client:
        session = await create(client, server)
        turn = client.run_turn(session.session_id, prompt)
        events = [event async for event in turn]
        ended = await turn.result()
        assert (ended.state, ended.result_text) == (TURN_STATE_COMPLETED, "done")
        got = (await client.turns.GetTurn(GetTurnRequest(turn_id=ended.turn_id))).turn
        assert got.prompt_truncated
        (queued,) = (event for event in events if event.type == EVENT_TYPE_TURN_QUEUED)
        frames = [frame async for frame in client.events.GetEvent(GetEventRequest(event_id=queued.event_id))]
    whole = Event.FromString(b"".join(frame.data for frame in frames))
    assert whole.turn_queued.turn.prompt == prompt


async def test_streams_of_which_nothing_is_heard_live_on(server: GreenroomServer, tmp_path: Path) -> None:
    """A watch without events and a turn whose model thinks, each for longer than the proxy allows silence."""
    async with asyncio.TaskGroup() as proxies:  # all at once, for they mostly wait
        for name, proxy in PROXIES.items():
            (tmp_path / name).mkdir()
            proxies.create_task(silent_streams_live_on(proxy, server, tmp_path / name), name=name)


async def silent_streams_live_on(proxy: Proxy, server: GreenroomServer, tmp_path: Path) -> None:
    async with (
        running_proxy(proxy, server, tmp_path, silence=f"{SILENCE:g}s") as address,
        grpc.aio.insecure_channel(address) as channel,  # a client that does not call again
        Client(address) as client,
    ):
        session = await create(client, server)
        watch = EventServiceStub(channel).WatchEvents(WatchEventsRequest(session_ids=[session.session_id]))
        began = time.monotonic()
        thinking = script(wait=1.5 * SILENCE, text="done")
        await client.run_turn(session.session_id, thinking).result()
        assert time.monotonic() - began > 1.5 * SILENCE
        seen = []
        async for frame in watch:
            seen += [event.type for event in frame.events]
            if EVENT_TYPE_TURN_COMPLETED in seen:
                break
        watch.cancel()


@pytest.mark.parametrize("name", ["nginx", "haproxy", "envoy"])
async def test_a_silent_stream_is_ended_by_the_proxy(
    name: str, servers: SharedServers, tmp_path: Path
) -> None:
    """This is what the bookmarks are for; Caddy ends no stream."""
    async with (
        servers.fake(bookmark_interval=SLOW, retention_interval="3h") as server,
        running_proxy(PROXIES[name], server, tmp_path, silence="1s") as address,
        grpc.aio.insecure_channel(address) as channel,
        asyncio.timeout(60),
    ):
        with pytest.raises(grpc.aio.AioRpcError):
            async for _ in EventServiceStub(channel).WatchEvents(WatchEventsRequest()):
                pass


@pytest.mark.timeout(180)
async def test_a_watch_goes_on_with_the_next_event_after_a_kill_of_the_server(
    proxy: Proxy, servers: SharedServers, tmp_path: Path
) -> None:
    async with (
        servers.fake(bookmark_interval=QUICK) as server,
        running_proxy(proxy, server, tmp_path) as address,
        Client(address) as client,
    ):
        session = await create(client, server)
        async with aclosing(client.watch(session.session_id, until_closed=True)) as watch:
            async with asyncio.TaskGroup() as group:
                reading = group.create_task(until_turn_ends(watch))
                group.create_task(client.run_turn(session.session_id, script(text="before")).result())
            seen = reading.result()
            await server.kill()
            await server.start()
            await client.run_turn(session.session_id, script(text="after")).result()
            seen += await until_turn_ends(watch)
            await client.sessions.CloseSession(CloseSessionRequest(session_id=session.session_id))
            async with asyncio.timeout(60):
                seen += [event async for event in watch]
        durable = [event.sequence for event in seen if event.sequence]
        assert durable == list(range(durable[0], durable[0] + len(durable)))
