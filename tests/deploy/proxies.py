"""The proxies of docs/deploy, run with the files there; only addresses and the length of a silence differ."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import grpc.aio

from deploy.programs import program
from greenroom_server import PATIENCE, GreenroomServer

DOCS = Path(__file__).parents[2] / "docs/deploy"
SILENCE = "60s"
"""The longest silence of a stream in the files of docs/deploy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """How a proxy is run."""

    file: str
    """Its file in docs/deploy."""
    program: str
    """The name of the program."""
    package: str
    """What to install for it."""
    arguments: Sequence[str]
    """Its command line; `{file}` and `{directory}` stand for the file and for a directory of its own."""

    def command(self, file: Path) -> list[str]:
        """Return the command that runs the proxy in the foreground."""
        words = [word.format(file=file, directory=file.parent) for word in self.arguments]
        return [program(self.program, self.package), *words]


_NGINX = ("-p", "{directory}", "-c", "{file}", "-e", "stderr", "-g", "daemon off; pid {directory}/pid;")
_ENVOY = ("-c", "{file}", "--concurrency", "1", "--use-dynamic-base-id", "-l", "warning")
_DEV = "group dev of pyproject.toml"

PROXIES: Mapping[str, Proxy] = {
    "nginx": Proxy(file="nginx.conf", program="nginx", package="package nginx-light", arguments=_NGINX),
    "haproxy": Proxy(
        file="haproxy.cfg", program="haproxy", package="package haproxy", arguments=("-db", "-f", "{file}")
    ),
    "envoy": Proxy(file="envoy.yaml", program="envoy", package=_DEV, arguments=_ENVOY),
    "caddy": Proxy(
        file="Caddyfile",
        program="caddy",
        package=_DEV,
        arguments=("run", "--config", "{file}", "--adapter", "caddyfile"),
    ),
}


@asynccontextmanager
async def running_proxy(
    proxy: Proxy, server: GreenroomServer, directory: Path, *, silence: str = SILENCE
) -> AsyncIterator[str]:
    """Run a proxy in front of a server while the block runs; gives its address.

    `silence` is how long a stream may be silent, in the place of what the file says.
    """
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    file = directory / proxy.file
    file.write_text(_settings(proxy, str(port), server.address.rpartition(":")[2], silence))
    with (directory / "proxy.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *proxy.command(file), stdout=log, stderr=log, env={"HOME": str(directory)}
        )
    try:
        await _ready(f"127.0.0.1:{port}", process, directory / "proxy.log")
        yield f"127.0.0.1:{port}"
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def _settings(proxy: Proxy, port: str, server_port: str, silence: str) -> str:
    text = (DOCS / proxy.file).read_text()
    for old, new in (("8080", port), ("50051", server_port)):
        assert old in text
        text = text.replace(old, new)
    return text.replace(SILENCE, silence)


async def _ready(address: str, process: asyncio.subprocess.Process, log: Path) -> None:
    async with grpc.aio.insecure_channel(address) as channel, asyncio.timeout(PATIENCE):
        while channel.get_state(try_to_connect=True) is not grpc.ChannelConnectivity.READY:
            assert process.returncode is None, log.read_text()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.2):
                    await channel.wait_for_state_change(grpc.ChannelConnectivity.CONNECTING)
