"""A real server for tests: `greenroomd serve` in a process of its own, with verbs to start, stop, kill and call it.

The process belongs to no event loop, so that one server can serve the tests of a module, each with a loop of its own;
the channel belongs to the loop in which it is opened.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import grpc
import grpc.aio
import psutil

from greenroom.v1.event_service_pb2_grpc import EventServiceStub
from greenroom.v1.node_service_pb2_grpc import NodeServiceStub
from greenroom.v1.profile_service_pb2_grpc import ProfileServiceStub
from greenroom.v1.session_service_pb2_grpc import SessionServiceStub
from greenroom.v1.turn_service_pb2_grpc import TurnServiceStub
from real_cli import cli_setting

if TYPE_CHECKING:  # the typed asynchronous stubs exist for type checkers only
    from greenroom.v1.event_service_pb2_grpc import EventServiceAsyncStub
    from greenroom.v1.node_service_pb2_grpc import NodeServiceAsyncStub
    from greenroom.v1.profile_service_pb2_grpc import ProfileServiceAsyncStub
    from greenroom.v1.session_service_pb2_grpc import SessionServiceAsyncStub
    from greenroom.v1.turn_service_pb2_grpc import TurnServiceAsyncStub

PATIENCE = 60.0  # seconds; only ever reached by a failing test


class GreenroomServer:
    """One state directory, and the server on it as often as it is started; the port stays the same."""

    def __init__(self, directory: Path, cli_environment: Mapping[str, str], **settings: str) -> None:
        self.work = directory / "work"
        """Where sessions work."""
        self.changed = False
        """Whether the server has, or its next start gives it, other settings than those it was made with."""
        self.state = directory / "state"
        self.log = directory / "server.log"
        self.work.mkdir(parents=True)
        self._root = self.work
        self.address = f"127.0.0.1:{_free_port()}"
        self._settings = {
            "GREENROOM_LISTEN": self.address,
            "GREENROOM_STATE_DIR": str(self.state),
            "GREENROOM_ALLOWED_ROOTS": str(self.work),
            "GREENROOM_CLI_ENVIRONMENT": json.dumps(dict(cli_environment)),
            **cli_setting(),
            "GREENROOM_DRAIN_TIMEOUT": "20s",  # enough to end in order, but nothing left to wait for turns
            **{f"GREENROOM_{name.upper()}": value for name, value in settings.items()},
        }
        self.open_files: int | None = None
        """How many descriptors the server may have at most from the next start on; None: as many as the tests."""
        self.credentials: grpc.ChannelCredentials | None = None
        """With what its clients connect; None: without TLS."""
        self.server_name = ""
        """The name in its certificate, if that is not its address."""
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: grpc.aio.Channel | None = None

    @property
    def settings(self) -> Mapping[str, str]:
        """The variables that it is started with."""
        return self._settings

    def change(self, **settings: str) -> None:
        """Use these settings from the next start on; an empty one counts as absent."""
        self.changed = True
        self._settings |= {f"GREENROOM_{name.upper()}": value for name, value in settings.items()}

    def listen_at(self, address: str) -> None:
        """Listen here from the next start on: `host:port` or `unix:/path`."""
        self.address = address
        self.change(listen=address)

    def work_in(self, name: str) -> None:
        """Have sessions work in a new directory of this name, beside those that were there before."""
        self.work = self._root / name
        self.work.mkdir()

    async def start(self) -> None:
        """Start the server and wait until it says that it is ready."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: ASYNC220 -- it is to belong to no loop, and is no wait
                [*self._limited(), sys.executable, "-m", "greenroomd", "serve"],
                env={**inherited_environment(), **self._settings}, stdout=log, stderr=log,
            )  # fmt: skip
        await self.connect()

    async def connect(self) -> None:
        """Open a channel in this event loop, in place of an earlier one, and wait until the server is ready."""
        await self.disconnect()
        options: list[tuple[str, str | int]] = [
            # a reconnect after a restart must not wait for the channel's backoff
            ("grpc.initial_reconnect_backoff_ms", 50),
            ("grpc.max_reconnect_backoff_ms", 200),
            # not that of an earlier channel, which may not have noticed yet that its server was killed
            ("grpc.use_local_subchannel_pool", 1),
        ]
        if self.server_name:
            options.append(("grpc.ssl_target_name_override", self.server_name))
        if self.credentials is None:
            self._channel = grpc.aio.insecure_channel(self.address, options=options)
        else:
            self._channel = grpc.aio.secure_channel(self.address, self.credentials, options=options)
        async with asyncio.timeout(2 * PATIENCE):
            while not await _within(0.2, self._channel.channel_ready()):
                assert self.is_running, f"the server ended: {self.log.read_text()}"

    async def disconnect(self) -> None:
        """Close the channel, if one is open."""
        if self._channel is not None:
            await self._channel.close()
            self._channel = None

    @property
    def is_running(self) -> bool:
        """Whether the server's process has been started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def _limited(self) -> list[str]:
        if self.open_files is None:
            return []
        return ["/bin/sh", "-c", f'ulimit -n {self.open_files} && exec "$@"', "sh"]

    async def stop(self) -> int:
        """Stop it as an operator does; return its exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return await self._ended()

    async def kill(self) -> None:
        """End it as a power cut does."""
        assert self._process is not None
        self._process.kill()
        await self._ended()

    async def _ended(self) -> int:
        assert self._process is not None
        return await asyncio.to_thread(self._process.wait, PATIENCE)

    async def ended(self) -> int:
        """Wait until it ends by itself; return its exit code."""
        return await self._ended()

    @property
    def pid(self) -> int:
        """The server's process."""
        assert self._process is not None
        return self._process.pid

    def children(self) -> list[psutil.Process]:
        """Return everything that runs below the server now."""
        return psutil.Process(self.pid).children(recursive=True)

    @property
    def channel(self) -> grpc.aio.Channel:
        """A channel to the server."""
        assert self._channel is not None
        return self._channel

    @property
    def sessions(self) -> SessionServiceAsyncStub:
        """Calls of SessionService."""
        return SessionServiceStub(self.channel)

    @property
    def turns(self) -> TurnServiceAsyncStub:
        """Calls of TurnService."""
        return TurnServiceStub(self.channel)

    @property
    def events(self) -> EventServiceAsyncStub:
        """Calls of EventService."""
        return EventServiceStub(self.channel)

    @property
    def profiles(self) -> ProfileServiceAsyncStub:
        """Calls of ProfileService."""
        return ProfileServiceStub(self.channel)

    @property
    def nodes(self) -> NodeServiceAsyncStub:
        """Calls of NodeService."""
        return NodeServiceStub(self.channel)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.disconnect()
        if self.is_running:
            await self.stop()


def inherited_environment() -> dict[str, str]:
    """Return the environment without what only whoever runs this wants.

    That is settings of Greenroom, which name a database and more; and PYTHONDONTWRITEBYTECODE, which container images
    like to set: with it each start compiles every module anew, which takes longer than all the rest of the start.
    """
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GREENROOM_") and name != "PYTHONDONTWRITEBYTECODE"
    }


async def _within(seconds: float, work: Awaitable[None]) -> bool:
    try:
        await asyncio.wait_for(work, seconds)
    except TimeoutError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
