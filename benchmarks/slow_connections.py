"""Measure what 100 good clients notice of 1,000 slow or half-open connections: `python -m benchmarks.slow_connections`.

The server speaks TLS. Of the bad connections, half begin a TLS handshake and leave it open, and are opened again
whenever the server closes them; a quarter complete it and then say nothing; a quarter make a call that never sends a
message. Rounds with and without them alternate, so that both see the same machine.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import grpc
import grpc.aio

from certificates import Authority
from fake_cli.installed import install
from greenroom.v1.node_service_pb2 import GetServerInfoRequest
from greenroom.v1.node_service_pb2_grpc import NodeServiceStub
from greenroom_server import GreenroomServer

GOOD = 100
HALF_OPEN, SILENT, CALLS = 500, 250, 250
PAUSE = 0.2  # seconds between the calls of one good client
ROUND = 5.0  # seconds
ROUNDS = 3
CLIENT_HELLO = bytes.fromhex("16030102000100")  # the beginning of one
METHOD = "/greenroom.v1.NodeService/GetServerInfo"


async def good_client(address: str, trusted: grpc.ChannelCredentials, end: float) -> list[float]:
    """Call until `end` on a connection of its own; return how long each call took, in seconds."""
    took: list[float] = []
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.secure_channel(address, trusted, options) as channel:
        stub: Any = NodeServiceStub(channel)
        await stub.GetServerInfo(GetServerInfoRequest(), wait_for_ready=True)
        while time.perf_counter() < end:
            began = time.perf_counter()
            await stub.GetServerInfo(GetServerInfoRequest(), timeout=30)
            took.append(time.perf_counter() - began)
            await asyncio.sleep(PAUSE)
    return took


async def p99(address: str, trusted: grpc.ChannelCredentials) -> float:
    """Return the 99th percentile of all calls of a round, in milliseconds."""
    end = time.perf_counter() + ROUND
    clients = await asyncio.gather(*(good_client(address, trusted, end) for _ in range(GOOD)))
    return quantiles([each for took in clients for each in took], n=100)[98] * 1000


async def half_open(host: str, port: int) -> None:
    """Keep one connection in the middle of its TLS handshake."""
    while True:
        with suppress(OSError):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(CLIENT_HELLO)
                await reader.read()
            finally:
                writer.transport.abort()
        await asyncio.sleep(0.1)


async def silent(host: str, port: int, context: ssl.SSLContext) -> None:
    """Keep one connection that says nothing after its TLS handshake."""
    while True:
        with suppress(OSError):
            reader, writer = await asyncio.open_connection(host, port, ssl=context)
            try:
                await reader.read()
            finally:
                writer.transport.abort()
        await asyncio.sleep(0.1)


async def call_without_message(channel: grpc.aio.Channel) -> None:
    """Keep one call that sends no message."""
    method: Any = channel.stream_stream(METHOD)
    while True:
        call = method()
        with suppress(grpc.aio.AioRpcError):
            await call.code()
        await asyncio.sleep(0.1)


@asynccontextmanager
async def bad_clients(
    address: str, trusted: grpc.ChannelCredentials, context: ssl.SSLContext
) -> AsyncIterator[None]:
    """Keep all bad connections while the block runs."""
    host, _, port = address.rpartition(":")
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        channels = [
            await stack.enter_async_context(
                grpc.aio.secure_channel(address, trusted, [("grpc.use_local_subchannel_pool", 1)])
            )
            for _ in range(CALLS)
        ]
        tasks = [group.create_task(half_open(host, int(port))) for _ in range(HALF_OPEN)]
        tasks += [group.create_task(silent(host, int(port), context)) for _ in range(SILENT)]
        tasks += [group.create_task(call_without_message(channel)) for channel in channels]
        await asyncio.sleep(2)  # until all of them are open
        yield
        for task in tasks:
            task.cancel()


async def measure(directory: Path) -> None:
    """Print the 99th percentiles with and without bad connections, and their ratio."""
    authority = Authority()
    own = authority.issue("127.0.0.1")
    (directory / "crt").write_bytes(own.certificate)
    (directory / "key").write_bytes(own.key)
    files = {"tls_cert_file": str(directory / "crt"), "tls_key_file": str(directory / "key")}
    server = GreenroomServer(directory, {}, claude_path=str(install(directory)), **files)
    trusted = server.credentials = grpc.ssl_channel_credentials(authority.pem)
    context = ssl.create_default_context(cadata=authority.pem.decode())
    context.set_alpn_protocols(["h2"])
    quiet, busy = [], []
    async with server:
        for _ in range(ROUNDS):
            quiet.append(await p99(server.address, trusted))
            async with bad_clients(server.address, trusted, context):
                busy.append(await p99(server.address, trusted))
    alone, beside = median(quiet), median(busy)
    print(f"p99 of {GOOD} good clients: {alone:.1f} ms alone, {beside:.1f} ms beside 1,000 bad connections")
    print(f"ratio {beside / alone:.2f}; rounds {quiet} {busy}", file=sys.stderr)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        asyncio.run(measure(Path(made)))
