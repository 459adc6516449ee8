"""Drives one agent process through its port, as a supervisor would, for the tests of the process layer."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from greenroomd.app.ports.processes import AgentProcess, Handshake, Launch, Processes, ShutdownTimeouts
from greenroomd.domain.config import Secret, SessionConfig
from greenroomd.domain.frames.frame import Frame
from greenroomd.domain.frames.message_frames import AssistantSpoke, UserEchoed
from greenroomd.domain.frames.turn_frames import Activity, ActivityChanged, TurnResult

F = TypeVar("F", bound=Frame)

HANDSHAKE = timedelta(seconds=30)
IMPATIENT = ShutdownTimeouts(
    after_eof=timedelta(milliseconds=500),
    after_term=timedelta(milliseconds=500),
    after_kill=timedelta(seconds=10),
)


def a_launch(
    working_dir: Path, *, resume: str = "", workspace: str = "w", token: str = "", **config: Any
) -> Launch:
    """Return the launch of a new conversation, or of the one to *resume*."""
    return Launch(
        session_id=str(uuid.uuid4()),
        workspace_id=workspace,
        cli_session_id=resume or str(uuid.uuid4()),
        resume=bool(resume),
        config=SessionConfig(working_dir=str(working_dir), **config),
        oauth_token=Secret(token) if token else None,
    )


class Driver:
    """One process after its handshake, and what it has said."""

    def __init__(self, process: AgentProcess, batches: AsyncIterator[Sequence[Frame]]) -> None:
        self.process = process
        self.handshake = Handshake(cli_version="", model="", permission_mode="")
        self._batches = batches
        self._waiting: list[Frame] = []

    @property
    def pid(self) -> int:
        """The pid of the process."""
        return self.process.identity.pid

    async def said(self) -> list[Frame]:
        """Return all that it says until it closes its output."""
        frames, self._waiting = self._waiting, []
        return frames + [frame async for batch in self._batches for frame in batch]

    async def until(self, wanted: Callable[[Frame], bool]) -> list[Frame]:
        """Return all frames up to and with the first that is wanted; fails if the output ends before it."""
        seen: list[Frame] = []
        while True:
            while self._waiting:
                seen.append(self._waiting.pop(0))
                if wanted(seen[-1]):
                    return seen
            try:
                self._waiting += await anext(self._batches)
            except StopAsyncIteration:
                raise AssertionError(f"the output ended after {seen}") from None

    async def until_a(self, kind: type[F]) -> F:
        """Return the next frame of a kind."""
        frame = (await self.until(lambda frame: isinstance(frame, kind)))[-1]
        assert isinstance(frame, kind)
        return frame

    async def say(self, prompt: str, *content: Any) -> str:
        """Send a message and return its uuid."""
        message_uuid = str(uuid.uuid4())
        await self.process.say(message_uuid, prompt, content)
        return message_uuid

    async def turn(self, prompt: str, *content: Any) -> list[Frame]:
        """Send a message and return all frames until the process is idle."""
        await self.say(prompt, *content)
        return await self.until_idle()

    async def until_idle(self) -> list[Frame]:
        """Return all frames until the process is idle."""
        return await self.until(lambda f: isinstance(f, ActivityChanged) and f.activity is Activity.IDLE)


@asynccontextmanager
async def driven(processes: Processes, launch: Launch) -> AsyncIterator[Driver]:
    """Start a process and shake hands with it."""
    async with processes.running(launch) as process, aclosing(process.frames()) as batches:  # type: ignore[type-var]
        driver = Driver(process, batches)
        driver.handshake = await process.handshake(HANDSHAKE)
        yield driver


def result_of(frames: Sequence[Frame]) -> TurnResult:
    """Return the one result among the frames."""
    (result,) = (frame for frame in frames if isinstance(frame, TurnResult))
    return result


def spoken(frames: Sequence[Frame]) -> str:
    """Return the assistant's texts."""
    blocks = [block for frame in frames if isinstance(frame, AssistantSpoke) for block in frame.blocks]
    return "\n".join(block["text"] for block in blocks if block["type"] == "text")


def tool_output(frames: Sequence[Frame]) -> str:
    """Return the texts of the tool results."""
    blocks = [block for frame in frames if isinstance(frame, UserEchoed) for block in frame.blocks]
    return "\n".join(str(block["content"]) for block in blocks if block["type"] == "tool_result")


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until something outside this process is so; the test's own timeout is the limit."""
    while not condition():  # noqa: ASYNC110 -- a file or another process tells nobody
        await asyncio.sleep(0.01)
