"""Connections: they grow old and streams go on; a flood of them, or of calls, ends nothing."""

import asyncio
import re
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import grpc
import grpc.aio
import pytest

from fake_cli.installed import install, turn
from greenroom.v1 import session_pb2, turn_pb2
from greenroom.v1.config_pb2 import SessionLimits
from greenroom.v1.event_service_pb2 import WatchEventsRequest
from greenroom.v1.node_service_pb2 import GetServerInfoRequest
from greenroom.v1.node_service_pb2_grpc import NodeServiceStub
from greenroom.v1.session_service_pb2 import START_MODE_MANUAL, CloseSessionRequest
from greenroom_server import GreenroomServer
from story import create, names, run_turn, until, working

FLOOD = 1_100  # connections, more than four times as many as the server may have descriptors


async def test_a_watch_outlives_its_connection_s_age(tmp_path: Path) -> None:
    cli = str(install(tmp_path))
    async with GreenroomServer(tmp_path, {}, claude_path=cli, connection_age="1s") as server:
        session = await create(server, start_mode=START_MODE_MANUAL)
        call = server.events.WatchEvents(WatchEventsRequest(session_ids=[session.session_id]))
        await call.initial_metadata()
        async with asyncio.timeout(60):  # until the server has asked to call elsewhere from now on
            await server.channel.wait_for_state_change(grpc.ChannelConnectivity.READY)
        await server.sessions.CloseSession(CloseSessionRequest(session_id=session.session_id))
        async with asyncio.timeout(60):
            async for frame in call:
                if "session_closed" in names(list(frame.events)):
                    return
    raise AssertionError("the watch ended")


async def test_thousands_of_calls_at_once_are_all_answered(tmp_path: Path) -> None:
    async with GreenroomServer(tmp_path, {}, claude_path=str(install(tmp_path))) as server:

        async def call() -> None:
            await server.nodes.GetServerInfo(GetServerInfoRequest())

        await asyncio.gather(*(call() for _ in range(5_000)))


@pytest.fixture
def many_sockets() -> Iterator[None]:
    """Let this process open the sockets of a flood."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_sockets")
async def test_a_flood_of_idle_connections_ends_nothing(tmp_path: Path) -> None:
    server = GreenroomServer(tmp_path, {}, claude_path=str(install(tmp_path)))
    server.open_files = 256
    async with server, asyncio.TaskGroup() as tasks:
        # its memory is measured, which opens files all the time
        limited = working(server, limits=SessionLimits(memory_bytes=2**30))
        session = await create(server, limited)
        await until(server, session.session_id, session_pb2.SESSION_STATE_READY)
        running = tasks.create_task(run_turn(server, session.session_id, turn(wait=5)))
        with ExitStack() as flood:
            await asyncio.to_thread(_flood, server.address, flood)
            await server.nodes.GetServerInfo(GetServerInfoRequest())
            other = await create(server, limited)
            await until(server, other.session_id, session_pb2.SESSION_STATE_READY)
            done, _ = await run_turn(server, other.session_id, "go")
            assert done.state == turn_pb2.TURN_STATE_COMPLETED
            done, _ = await running
            assert done.state == turn_pb2.TURN_STATE_COMPLETED
        async with grpc.aio.insecure_channel(server.address) as channel:
            request = GetServerInfoRequest()
            await NodeServiceStub(channel).GetServerInfo(request, wait_for_ready=True, timeout=60)
    log = server.log.read_text()
    assert "Too many open files" not in log
    assert not re.search("error|exception", log, re.IGNORECASE), log


@pytest.mark.parametrize("listen", ["", "unix:"])
async def test_a_connection_too_many_is_taken_once_another_has_ended(tmp_path: Path, listen: str) -> None:
    server = GreenroomServer(tmp_path, {}, claude_path=str(install(tmp_path)), max_connections="2")
    if listen:
        server.listen_at(f"{listen}{tmp_path}/socket")
    request, unshared = GetServerInfoRequest(), [("grpc.use_local_subchannel_pool", 1)]
    async with (
        server,  # with the first connection
        grpc.aio.insecure_channel(server.address, options=unshared) as second,
        grpc.aio.insecure_channel(server.address, options=unshared) as third,
    ):
        await NodeServiceStub(second).GetServerInfo(request, wait_for_ready=True, timeout=60)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await NodeServiceStub(third).GetServerInfo(request, timeout=60)
        assert refused.value.code() == grpc.StatusCode.UNAVAILABLE
        await second.close()
        await NodeServiceStub(third).GetServerInfo(request, wait_for_ready=True, timeout=60)
        await server.nodes.GetServerInfo(request)


def _flood(address: str, flood: ExitStack) -> None:
    """Open idle connections; whether the server keeps them is its own decision."""
    host, _, port = address.rpartition(":")
    for _ in range(FLOOD):
        flood.enter_context(closing(socket.create_connection((host, int(port)), timeout=60)))
