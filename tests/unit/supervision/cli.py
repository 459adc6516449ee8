"""A `claude` of the test's own behind the port to processes: it says what the test has it say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from greenroomd.app.ports.processes import (
    Handshake,
    Launch,
    ProcessExit,
    ProcessIdentity,
    ShutdownTimeouts,
)
from greenroomd.domain.config import Effort, JsonObject, Limits, PermissionMode
from greenroomd.domain.frames.frame import Frame
from greenroomd.domain.mcp import McpServer
from unit.live import says


@dataclass
class Cli:
    """One process. What it is told is in `told`, unless the host's `obstacle` raises."""

    number: int
    launch: Launch
    host: Host
    told: list[str] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    warm: bool = False
    _output: asyncio.Queue[Sequence[Frame]] = field(default_factory=asyncio.Queue)

    @property
    def identity(self) -> ProcessIdentity:
        return ProcessIdentity(
            pid=self.number, kernel_start=self.number, boot_id="boot", start_time=datetime.now(UTC)
        )

    @property
    def conversation(self) -> str:
        return self.launch.cli_session_id

    async def handshake(self, timeout: timedelta) -> Handshake:
        return Handshake(cli_version="2.1.330", model="opus", permission_mode="default")

    async def frames(self) -> AsyncIterator[Sequence[Frame]]:
        while frames := await self._output.get():
            yield frames

    def says(self, *frames: Frame) -> None:
        """Have it say something; nothing closes its output."""
        self._output.put_nowait(frames)

    def answers(self, turn_id: str) -> None:
        """Have it answer a turn and be idle again."""
        self.says(says.RUNNING, says.init(cli_session_id=self.launch.cli_session_id), says.text("well"))
        self.says(says.result(turn_id), says.IDLE)

    def _tell(self, what: str) -> None:
        self.host.obstacle(what)
        self.told.append(what)

    async def say(self, message_uuid: str, prompt: str, content: Sequence[JsonObject]) -> None:
        self._tell(f"say {message_uuid}")

    async def stop_task(self, task_id: str) -> None:
        self._tell("stop_task")

    async def interrupt(self) -> None:
        self._tell("interrupt")

    async def allow(self, request_id: str, tool_input: JsonObject) -> None:
        self._tell(f"allow {request_id}")

    async def deny(self, request_id: str, message: str) -> None:
        self._tell(f"deny {request_id}")

    async def set_model(self, model: str | None) -> str:
        self._tell(f"set_model {model}")
        return model or "opus"

    async def mcp_servers(self, within: timedelta) -> Sequence[McpServer]:
        """It has none."""
        return ()

    async def reconnect_mcp(self, name: str, within: timedelta) -> None:
        """It has none."""

    async def set_permission_mode(self, mode: PermissionMode) -> str:
        self._tell(f"set_permission_mode {mode}")
        return mode.value

    async def set_effort(self, effort: Effort | None) -> None:
        self._tell(f"set_effort {effort}")

    async def set_max_thinking_tokens(self, tokens: int | None) -> None:
        self._tell(f"set_max_thinking_tokens {tokens}")

    async def hold_to(self, limits: Limits) -> None:
        pass

    async def end(self, timeouts: ShutdownTimeouts) -> ProcessExit:
        self._tell("end")
        self.says()
        return ProcessExit(code=0, signal=None, group_gone=True, stderr_tail="")


def nothing(what: str) -> None:
    """Stand in nobody's way."""


class Host:
    """Starts processes of the test's own, and keeps them all for the test to look at."""

    def __init__(self) -> None:
        self.started: list[Cli] = []
        self.obstacle: Callable[[str], None] = nothing
        """Called whenever a process is told something; what it raises, the process raises."""

    @asynccontextmanager
    async def running(self, launch: Launch) -> AsyncIterator[Cli]:
        process = Cli(len(self.started) + 1, launch, self)
        self.started.append(process)
        try:
            yield process
        finally:
            process.ended.set()

    @property
    def last(self) -> Cli:
        """The process that was started last."""
        return self.started[-1]
