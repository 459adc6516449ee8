"""Many streams in a process of their own, which decodes nothing. Run: `python watchers.py ADDRESS METHOD COUNT MODE`.

The request comes by standard input. Says `ready` once every stream is on, and at the end one line of JSON. MODE is
`burst` (each stream until `THE END`: when the first event was made, when the last stream had the last),
`paced` (the same, and how old events were on arrival), `whole` (each stream until the server ends it), or `stalled`
(nothing is ever read; it ends with its standard input).
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.http2 import Streams

CONNECTIONS = 8
_STAMP = re.compile(rb"t=(\d+);")
_END = b"THE END"


@dataclass
class Seen:
    """What all streams together have seen; times in nanoseconds of the monotonic clock."""

    left: int
    first: int = sys.maxsize
    last: int = 0
    frames: int = 0
    size: int = 0
    ages: list[int] = field(default_factory=list)
    end: asyncio.Event = field(default_factory=asyncio.Event)

    def burst(self, message: bytes) -> None:
        """Look for the first event and the last."""
        self.frames += 1
        if stamp := _STAMP.search(message):
            self.first = min(self.first, int(stamp[1]))
        self._look_for_the_end(message)

    def paced(self, message: bytes) -> None:
        """Note how old each event is."""
        now = time.monotonic_ns()
        self.frames += 1
        for stamp in map(int, _STAMP.findall(message)):
            self.first = min(self.first, stamp)
            self.ages.append(now - stamp)
        self._look_for_the_end(message)

    def whole(self, message: bytes) -> None:
        """Note the time."""
        self.frames += 1
        self.size += len(message)
        self.last = time.monotonic_ns()
        self.first = min(self.first, self.last)

    def stalled(self, message: bytes) -> None:
        """Do nothing."""

    def _look_for_the_end(self, message: bytes) -> None:
        if _END in message:
            self.last = time.monotonic_ns()
            self.left -= 1
            if not self.left:
                self.end.set()


async def main(address: str, method: str, count: int, mode: str) -> None:
    """Open the streams and print what they have seen."""
    size = int(sys.stdin.buffer.readline())
    request = sys.stdin.buffer.read(size)
    seen = Seen(count)
    connections = []
    for number in range(min(CONNECTIONS, count)):
        share = len(range(number, count, CONNECTIONS))
        streams = Streams(address, method, request, share, getattr(seen, mode), reading=mode != "stalled")
        await _connect(streams, address)
        connections.append(streams)
    await asyncio.gather(*(streams.on for streams in connections))
    print("ready", flush=True)
    over = asyncio.gather(*(streams.over for streams in connections))
    if mode == "whole":
        await over
    else:
        waiting = asyncio.to_thread(sys.stdin.buffer.read) if mode == "stalled" else seen.end.wait()
        end = asyncio.ensure_future(waiting)
        await asyncio.wait((end, over), return_when=asyncio.FIRST_COMPLETED)
        if not end.done():
            raise ConnectionResetError("the server has ended the streams")
    _report(seen)


async def _connect(streams: Streams, address: str) -> None:
    host, _, port = address.rpartition(":")
    await asyncio.get_running_loop().create_connection(lambda: streams, host, int(port))


def _report(seen: Seen) -> None:
    ages = sorted(seen.ages) or [0]
    print(
        json.dumps(
            {
                "seconds": (seen.last - seen.first) / 1e9,
                "frames": seen.frames,
                "size": seen.size,
                "p50_ms": ages[len(ages) // 2] / 1e6,
                "p99_ms": ages[len(ages) * 99 // 100] / 1e6,
            }
        )
    )


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]))
