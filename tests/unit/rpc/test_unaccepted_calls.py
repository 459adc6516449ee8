"""Calls that a busy server has not taken up yet: they wait, and gRPC drops none of them in the meantime."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from datetime import timedelta

import grpc
import grpc.aio

from greenroomd.rpc.server import ServerTimeouts, _options

BUSY = 0.4  # seconds, for each call
CALLS = 5
SECOND = timedelta(seconds=1)


async def answered_by_a_busy_server(timeouts: ServerTimeouts) -> Counter[str]:
    """Return what becomes of calls that come at once to a server which does nothing else while it answers one."""

    async def answer(request: bytes, context: object) -> bytes:
        time.sleep(BUSY)  # noqa: ASYNC251 -- the loop is busy, and that is the point
        return request

    handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
        "Call": grpc.unary_unary_rpc_method_handler(answer)
    }
    server = grpc.aio.server(options=_options(timeouts, connections_per_address=10))
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("test.Busy", handlers)])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        return await asyncio.to_thread(_calls, f"127.0.0.1:{port}")
    finally:
        await server.stop(0)


def _calls(address: str) -> Counter[str]:
    with grpc.insecure_channel(address) as channel:
        call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary("/test.Busy/Call")
        futures = [call.future(b"", wait_for_ready=True) for _ in range(CALLS)]
        return Counter(future.code().name for future in futures)


async def test_a_call_that_waits_longer_than_it_may_is_cancelled() -> None:
    for _ in range(
        10
    ):  # gRPC looks at its queue now and then: it may miss calls that have waited hardly too long
        if (await answered_by_a_busy_server(ServerTimeouts(unaccepted=SECOND)))["CANCELLED"]:
            return
    raise AssertionError("no call was cancelled")


async def test_by_default_a_call_waits_longer_than_a_client_does() -> None:
    assert await answered_by_a_busy_server(ServerTimeouts()) == {"OK": CALLS}
    assert ServerTimeouts().unaccepted == 3600 * SECOND
