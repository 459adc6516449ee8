"""A pipe's end is closed once, under asyncio and under uvloop."""

import asyncio
import os
from collections.abc import Callable

import pytest
import uvloop

from greenroomd.processes.host.pipe_end import PipeEnd


def test_closing_again_leaves_what_has_the_number_now_alone() -> None:
    reading, writing = os.pipe()
    end = PipeEnd(reading)
    os.close(end.fileno())  # as uvloop does
    other = os.open(os.devnull, os.O_RDONLY)
    os.dup2(other, end.fileno())
    end.close()
    os.fstat(end.fileno())  # still open
    for descriptor in {other, end.fileno(), writing}:
        os.close(descriptor)


@pytest.mark.parametrize("new_loop", [asyncio.SelectorEventLoop, uvloop.new_event_loop])
def test_both_loops_close_it(new_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def connect_and_close() -> list[int]:
        loop = asyncio.get_running_loop()
        ends = [PipeEnd(descriptor) for descriptor in os.pipe()]
        reader, _ = await loop.connect_read_pipe(asyncio.Protocol, ends[0])
        writer, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, ends[1])
        reader.close()
        writer.abort()
        for _ in range(3):
            await asyncio.sleep(0)
        return [end.fileno() for end in ends]

    with asyncio.Runner(loop_factory=new_loop) as runner:
        descriptors = runner.run(connect_and_close())
    for descriptor in descriptors:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)
