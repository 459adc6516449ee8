"""The yardstick: a bare grpc.aio server with the same messages and no work. Run: `python bare_server.py PORT`."""

from __future__ import annotations

import asyncio
import sys

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


async def serve(port: int, session: bytes) -> None:
    """Serve until killed; `session` is the serialized session that every answer holds."""
    server = grpc.aio.server()
    get = sessions.GetSessionResponse.FromString(session)
    create = sessions.CreateSessionResponse(session=get.session)
    ready = ReadySessions(get, create)  # type: ignore[abstract]  # the rest answers UNIMPLEMENTED by itself
    add_SessionServiceServicer_to_server(ready, server)
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(int(sys.argv[1]), sys.stdin.buffer.read()))
