"""The yardstick: a bare grpc.aio server with the same messages and no work. Run: `python bare_server.py PORT`.

For watches it is a naive fan-out: a queue for each stream, and one ready message for each event.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator

import grpc
import grpc.aio
import uvloop

from greenroom.v1 import session_service_pb2 as sessions
from greenroom.v1.session_service_pb2_grpc import (
    SessionServiceServicer,
    add_SessionServiceServicer_to_server,
)


class ReadySessions(SessionServiceServicer):
    """Answers two calls with the message it was given once."""

    def __init__(self, get: sessions.GetSessionResponse, create: sessions.CreateSessionResponse) -> None:
        self._get = get
        self._create = create

    async def GetSession(self, request, context):  # type: ignore[no-untyped-def]  # noqa: N802
        """Return the ready message."""
        return self._get

    async def CreateSession(self, request, context):  # type: ignore[no-untyped-def]  # noqa: N802
        """Return the ready message."""
        return self._create


class FanOut:
    """`/bare.Bare/Watch` streams what each `/bare.Bare/Go` sends: stamped messages of one size, at a pace."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[bytes]] = set()

    def handler(self) -> grpc.GenericRpcHandler:
        """Return the two methods."""
        methods: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
            "Watch": grpc.unary_stream_rpc_method_handler(self.watch),
            "Go": grpc.unary_unary_rpc_method_handler(self.go),
        }
        return grpc.method_handlers_generic_handler("bare.Bare", methods)

    async def watch(
        self, _request: bytes, context: grpc.aio.ServicerContext[bytes, bytes]
    ) -> AsyncIterator[bytes]:
        """Stream for ever."""
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        self._queues.add(queue)
        try:
            await context.send_initial_metadata(())
            while True:
                yield await queue.get()
        finally:
            self._queues.discard(queue)

    async def go(self, request: bytes, _context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        """Send `count` messages of `size` bytes, `every` so many seconds."""
        plan = json.loads(request)
        for number in range(plan["count"]):
            if plan["every"]:
                await asyncio.sleep(plan["every"])
            end = b"THE END" if number == plan["count"] - 1 else b""
            message = (b"t=%d;" % time.monotonic_ns() + end).ljust(plan["size"], b"x")
            for queue in self._queues:
                queue.put_nowait(message)
        return b""


async def serve(port: int, session: bytes) -> None:
    """Serve until killed; `session` is the serialized session that every answer holds."""
    server = grpc.aio.server()
    get = sessions.GetSessionResponse.FromString(session)
    create = sessions.CreateSessionResponse(session=get.session)
    ready = ReadySessions(get, create)  # type: ignore[abstract]  # the rest answers UNIMPLEMENTED by itself
    add_SessionServiceServicer_to_server(ready, server)
    server.add_generic_rpc_handlers((FanOut().handler(),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(int(sys.argv[1]), sys.stdin.buffer.read()))
