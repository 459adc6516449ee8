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
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import grpc.aio
import uvloop

CHANNELS = 8
_STAMP = re.compile(rb"t=(\d+);")
_END = b"THE END"


@dataclass
class Seen:
    """What all streams together have seen; times in nanoseconds of the monotonic clock."""

    first: int = sys.maxsize
    last: int = 0
    frames: int = 0
    ages: list[int] = field(default_factory=list)


async def burst(call: AsyncIterator[bytes], seen: Seen) -> None:
    """Read up to the end of a burst."""
    first = True
    async for frame in call:
        seen.frames += 1
        if first and (stamp := _STAMP.search(frame)):
            seen.first, first = min(seen.first, int(stamp[1])), False
        if _END in frame:
            break
    seen.last = max(seen.last, time.monotonic_ns())


async def paced(call: AsyncIterator[bytes], seen: Seen) -> None:
    """Read up to the end, and note how old each event is."""
    async for frame in call:
        now = time.monotonic_ns()
        seen.frames += 1
        stamps = {int(stamp) for stamp in _STAMP.findall(frame)}
        seen.first = min(seen.first, *stamps) if stamps else seen.first
        seen.ages += [now - stamp for stamp in stamps]
        if _END in frame:
            break
    seen.last = max(seen.last, time.monotonic_ns())


async def whole(call: AsyncIterator[bytes], seen: Seen) -> None:
    """Read to the end of the stream."""
    seen.first = min(seen.first, time.monotonic_ns())
    async for _ in call:
        seen.frames += 1
    seen.last = max(seen.last, time.monotonic_ns())


async def stalled(_call: AsyncIterator[bytes], _seen: Seen) -> None:
    """Read nothing."""
    await asyncio.to_thread(sys.stdin.buffer.read)


MODES = {"burst": burst, "paced": paced, "whole": whole, "stalled": stalled}


async def main(address: str, method: str, count: int, mode: str) -> None:
    """Open the streams and print what they have seen."""
    size = int(sys.stdin.buffer.readline())
    request = sys.stdin.buffer.read(size)
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1)]
    channels = [grpc.aio.insecure_channel(address, options=options) for _ in range(min(CHANNELS, count))]
    methods: list[grpc.aio.UnaryStreamMultiCallable[bytes, bytes]] = [
        channel.unary_stream(method) for channel in channels
    ]
    calls = [methods[number % len(methods)](request) for number in range(count)]
    await asyncio.gather(*(call.initial_metadata() for call in calls))
    print("ready", flush=True)
    seen = Seen()
    if mode == "stalled":
        await stalled(aiter(calls[0]), seen)
    else:
        await asyncio.gather(*(MODES[mode](aiter(call), seen) for call in calls))
    ages = sorted(seen.ages) or [0]
    print(
        json.dumps(
            {
                "seconds": (seen.last - seen.first) / 1e9,
                "frames": seen.frames,
                "p50_ms": ages[len(ages) // 2] / 1e6,
                "p99_ms": ages[len(ages) * 99 // 100] / 1e6,
            }
        )
    )


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]))
