"""The servers that are measured, each in a process of its own on a free port."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import grpc.aio

from greenroom.v1.session_service_pb2_grpc import SessionServiceStub
from greenroom_server import inherited_environment

if TYPE_CHECKING:  # the typed asynchronous stub exists for type checkers only
    from greenroom.v1.session_service_pb2_grpc import SessionServiceAsyncStub

HERE = Path(__file__).parent
READY_WITHIN = 120.0  # seconds


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers; `start_seconds` passed from its start to its first answer."""

    address: str
    pid: int
    start_seconds: float


@asynccontextmanager
async def greenroom(state_dir: Path, **settings: str) -> AsyncIterator[Running]:
    """Run Greenroom on a state directory; working directories lie in its `work`."""
    address = f"127.0.0.1:{free_port()}"
    environment = {
        "GREENROOM_LISTEN": address,
        "GREENROOM_STATE_DIR": str(state_dir),
        "GREENROOM_LOG_LEVEL": "error",
        **{f"GREENROOM_{name.upper()}": value for name, value in settings.items()},
    }
    first = "/greenroom.v1.NodeService/GetServerInfo"
    async with _running(address, first, "-m", "greenroomd", "serve", environment=environment) as server:
        yield server


@asynccontextmanager
async def bare(session: bytes) -> AsyncIterator[Running]:
    """Run the yardstick; `session` is a serialized GetSessionResponse that it answers with."""
    port = free_port()
    first = "/greenroom.v1.SessionService/GetSession"
    async with _running(
        f"127.0.0.1:{port}", first, str(HERE / "bare_server.py"), str(port), given=session
    ) as server:
        yield server


@asynccontextmanager
async def _running(
    address: str, first: str, *arguments: str, environment: dict[str, str] | None = None, given: bytes = b""
) -> AsyncIterator[Running]:
    """Run a server; it answers once it has answered its `first` method, called with an empty message."""
    began = perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, env={**inherited_environment(), **(environment or {})},
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(given)
    process.stdin.close()
    try:
        async with grpc.aio.insecure_channel(address, options=_EAGER) as channel:
            call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(first)
            await call(b"", wait_for_ready=True, timeout=READY_WITHIN)
        yield Running(address, process.pid, perf_counter() - began)
    finally:
        process.terminate()
        await process.wait()


_EAGER = [("grpc.initial_reconnect_backoff_ms", 10), ("grpc.max_reconnect_backoff_ms", 20)]


@asynccontextmanager
async def sessions_of(server: Running) -> AsyncIterator[SessionServiceAsyncStub]:
    """Give calls of the server's SessionService."""
    async with grpc.aio.insecure_channel(server.address) as channel:
        yield SessionServiceStub(channel)


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
