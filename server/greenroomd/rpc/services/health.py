"""grpc.health.v1: the readiness of this server, by request or as a watch.

Built on the generated base class: the library's asyncio servicer lacks List, and it writes to watchers under a lock, so
that one watcher that does not read could hold up a shutdown. Here each watcher only reads a shared table.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import timedelta
from typing import Any

import grpc
from grpc_health.v1 import health_pb2 as pb
from grpc_health.v1.health_pb2_grpc import HealthServicer

from greenroomd.domain.retryable_errors import Draining
from greenroomd.rpc.rpc_context import Context
from greenroomd.rpc.stream.draining import Drain

READINESS = "readiness"
LIVENESS = "liveness"

REPEAT = timedelta(seconds=15)
"""How long a watcher gets nothing before it gets the same status again: proxies end a stream that says nothing."""

_SERVING: Any = pb.HealthCheckResponse.SERVING
_NOT_SERVING: Any = pb.HealthCheckResponse.NOT_SERVING
_UNKNOWN = pb.HealthCheckResponse.SERVICE_UNKNOWN

# The library's stubs do not know List.
_ListResponse: Any = vars(pb)["HealthListResponse"]


class Health(HealthServicer):
    """Reports all services as SERVING or none of them; `liveness` is always SERVING."""

    def __init__(self, services: Iterable[str], drain: Drain, *, repeat: timedelta = REPEAT) -> None:
        self._status = dict.fromkeys(("", READINESS, *services), _NOT_SERVING) | {LIVENESS: _SERVING}
        self._changed: set[asyncio.Event] = set()
        self._drain = drain
        self._repeat = repeat.total_seconds()

    def set_ready(self, ready: bool) -> None:
        """Report every service as ready or not ready; at first they are not ready."""
        status = _SERVING if ready else _NOT_SERVING
        for service in self._status:
            if service != LIVENESS:
                self._status[service] = status
        for changed in self._changed:
            changed.set()

    async def Check(self, request: pb.HealthCheckRequest, context: Context) -> pb.HealthCheckResponse:
        """Return the status of one service; NOT_FOUND for an unknown one."""
        status = self._status.get(request.service)
        if status is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"service {request.service!r} does not exist")
        return pb.HealthCheckResponse(status=status)

    async def List(self, _request: Any, _context: Context) -> Any:
        """Return the status of every service."""
        statuses = {name: pb.HealthCheckResponse(status=status) for name, status in self._status.items()}
        return _ListResponse(statuses=statuses)

    async def Watch(
        self, request: pb.HealthCheckRequest, _context: Context
    ) -> AsyncIterator[pb.HealthCheckResponse]:
        """Yield the status of one service until the server shuts down: now, whenever it changes, and after each quiet
        time.
        """
        changed = asyncio.Event()
        self._changed.add(changed)
        told = None
        try:
            while True:
                changed.clear()
                status = self._status.get(request.service, _UNKNOWN)
                if status != told:
                    told = status
                    yield pb.HealthCheckResponse(status=status)
                elif self._drain.begun:
                    return
                else:
                    try:
                        async with asyncio.timeout(self._repeat):
                            await self._drain.interruptible(changed.wait())
                    except TimeoutError:
                        told = None
        except Draining:
            status = self._status.get(request.service, _UNKNOWN)
            if status != told:
                yield pb.HealthCheckResponse(status=status)
        finally:
            self._changed.discard(changed)
