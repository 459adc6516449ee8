"""Connections: they grow old and streams go on; thousands of calls at once are all answered."""

import asyncio
from pathlib import Path

import grpc

from fake_cli.installed import install
from greenroom.v1.event_service_pb2 import WatchEventsRequest
from greenroom.v1.node_service_pb2 import GetServerInfoRequest
from greenroom.v1.session_service_pb2 import START_MODE_MANUAL, CloseSessionRequest
from greenroom_server import GreenroomServer
from story import create, names


async def test_a_watch_outlives_its_connection_s_age(tmp_path: Path) -> None:
    cli = str(install(tmp_path))
    async with GreenroomServer(tmp_path, {}, claude_path=cli, connection_age="1s") as server:
        session = await create(server, start_mode=START_MODE_MANUAL)
        call = server.events.WatchEvents(WatchEventsRequest(session_ids=[session.session_id]))
        await call.initial_metadata()
        async with asyncio.timeout(20):  # until the server has asked to call elsewhere from now on
            await server.channel.wait_for_state_change(grpc.ChannelConnectivity.READY)
        await server.sessions.CloseSession(CloseSessionRequest(session_id=session.session_id))
        async with asyncio.timeout(20):
            async for frame in call:
                if "session_closed" in names(list(frame.events)):
                    return
    raise AssertionError("the watch ended")


async def test_thousands_of_calls_at_once_are_all_answered(tmp_path: Path) -> None:
    async with GreenroomServer(tmp_path, {}, claude_path=str(install(tmp_path))) as server:

        async def call() -> None:
            await server.nodes.GetServerInfo(GetServerInfoRequest())

        await asyncio.gather(*(call() for _ in range(5_000)))
