"""Calls that send no message: a few may wait, the others are ended, and good calls go on beside them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

import grpc
import grpc.aio
import pytest

from greenroomd.rpc.listening.awaited_requests import AwaitedRequests, BoundingServer

ECHO, COUNT, GENERATE = (f"/test.Service/{name}" for name in ("Echo", "Count", "Generate"))
MAY_WAIT = 3
SOON = timedelta(milliseconds=200)


async def echo(message: bytes, _: Any) -> bytes:
    return message


async def count(message: bytes, context: Any) -> None:
    await context.write(message)


async def generate(message: bytes, _: Any) -> AsyncIterator[bytes]:
    yield message


@asynccontextmanager
async def serving(awaited: AwaitedRequests) -> AsyncIterator[grpc.aio.Channel]:
    """A server whose requests are bounded, and a channel to it."""
    streaming: Any = grpc.unary_stream_rpc_method_handler
    unary: Any = grpc.unary_unary_rpc_method_handler
    handlers = {"Echo": unary(echo), "Count": streaming(count), "Generate": streaming(generate)}
    server = grpc.aio.server()
    BoundingServer(server, awaited).add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler("test.Service", handlers)]
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield channel
    finally:
        await server.stop(0)


def silent(channel: Any, method: str, calls: AsyncExitStack) -> Any:
    """Begin a call that sends no message."""
    call = channel.stream_stream(method)(timeout=60)
    calls.callback(call.cancel)
    return call


async def answers(channel: Any) -> list[bytes]:
    """Return what good calls of each kind get."""
    echoed = await channel.unary_unary(ECHO)(b"a", timeout=60)
    streamed = [
        frame
        for method in (COUNT, GENERATE)
        async for frame in channel.unary_stream(method)(b"b", timeout=60)
    ]
    return [echoed, *streamed]


async def test_calls_without_a_message_are_ended_and_good_ones_answered() -> None:
    awaited = AwaitedRequests(may_wait=MAY_WAIT, timeout=SOON)
    async with serving(awaited) as channel, AsyncExitStack() as calls:
        assert await answers(channel) == [b"a", b"b", b"b"]
        begun = [silent(channel, ECHO, calls) for _ in range(MAY_WAIT)]
        await waiting(awaited, MAY_WAIT)
        more = [silent(channel, method, calls) for _ in range(5) for method in (ECHO, COUNT, GENERATE)]
        assert {await call.code() for call in more} == {grpc.StatusCode.DEADLINE_EXCEEDED}
        assert await answers(channel) == [b"a", b"b", b"b"]
        assert not any(call.done() for call in begun)


async def test_those_that_may_wait_make_room_when_they_end() -> None:
    awaited = AwaitedRequests(may_wait=MAY_WAIT, timeout=SOON)
    async with serving(awaited) as channel:
        for _ in range(3):
            async with AsyncExitStack() as calls:
                for _ in range(MAY_WAIT):
                    silent(channel, ECHO, calls)
                await waiting(awaited, MAY_WAIT)
            while not awaited.begin():  # noqa: ASYNC110 -- until the server has heard that they have ended
                await asyncio.sleep(0)
            awaited.came()
            assert await answers(channel) == [b"a", b"b", b"b"]


@pytest.mark.parametrize("method", [ECHO, COUNT, GENERATE])
async def test_a_call_that_ends_without_a_message_is_refused(method: str) -> None:
    async with serving(AwaitedRequests(may_wait=0)) as channel:
        call: Any = channel.stream_stream(method)(timeout=60)
        await call.done_writing()
        assert await call.code() == grpc.StatusCode.INVALID_ARGUMENT


async def waiting(awaited: AwaitedRequests, count: int) -> None:
    """Wait until so many calls wait."""
    async with asyncio.timeout(30):
        while awaited.waiting < count:  # noqa: ASYNC110 -- nothing tells of it
            await asyncio.sleep(0)
