"""Processes full of streams: what each has seen, and what they cost the server."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil
from google.protobuf.message import Message

from benchmarks.load import LoadFailed

Mode = Literal["burst", "paced", "whole", "stalled"]
LONGEST = 300.0  # seconds that a run may take before it has failed


@dataclass(frozen=True, slots=True)
class Seen:
    """What all streams of a process have seen: the time from the first event to the end, and the events' ages.

    `size` is in bytes, and of a whole stream only.
    """

    seconds: float
    frames: int
    size: int
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Streams:
    """A process whose streams are on."""

    process: asyncio.subprocess.Process

    async def seen(self) -> Seen:
        """Wait for the streams to end; raises LoadFailed if they do not."""
        try:
            printed, _ = await asyncio.wait_for(self.process.communicate(), LONGEST)
        except TimeoutError:
            raise LoadFailed("the streams did not come to their end") from None
        if self.process.returncode:
            raise LoadFailed("the streams were broken")
        return Seen(**json.loads(printed))


@asynccontextmanager
async def streams(
    address: str, method: str, count: int, mode: Mode, request: Message | None = None
) -> AsyncIterator[Streams]:
    """Open so many streams of one method in a new process; the block begins once all are on."""
    program = str(Path(__file__).with_name("watchers.py"))
    process = await asyncio.create_subprocess_exec(
        sys.executable, program, address, method, str(count), mode,
        env={**os.environ, "GRPC_VERBOSITY": "NONE"},
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 24,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        body = b"" if request is None else request.SerializeToString()
        process.stdin.write(b"%d\n%b" % (len(body), body))
        await process.stdin.drain()
        if await asyncio.wait_for(process.stdout.readline(), LONGEST) != b"ready\n":
            raise LoadFailed(f"{method}: the streams were refused")
        yield Streams(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


class Cost:
    """What a process has used since this was made."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._cpu, self._memory = self._now()

    def cpu_seconds(self) -> float:
        """Return the processor time, the kernel's for it included, without its children's."""
        return self._now()[0] - self._cpu

    def memory_mib(self) -> float:
        """Return by how much its memory has grown."""
        return (self._now()[1] - self._memory) / 2**20

    def _now(self) -> tuple[float, int]:
        times = self._process.cpu_times()
        return times.user + times.system, self._process.memory_info().rss
