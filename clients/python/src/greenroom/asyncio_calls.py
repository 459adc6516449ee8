"""Every call of the asyncio client: token, request_id, typed error; and streams that outlive a connection."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from typing import Any, TypeVar

import grpc
import grpc.aio

from greenroom.connection import Connection
from greenroom.errors import closed, error_of
from greenroom.repeatable import repeatable
from greenroom.resumption import Progress
from greenroom.v1.event_pb2 import Event

Frame = TypeVar("Frame")


async def followed(
    progress: Progress[Frame], call: Callable[[], Any], closing: asyncio.Event
) -> AsyncGenerator[Event, None]:
    """Yield the events of a stream, calling again where it breaks; the call is cancelled when the iteration ends.

    Raises `greenroom.Error` once `closing` is set.
    """
    while not closing.is_set():
        stream = call()
        try:
            async for frame in stream:
                for event in progress.take(frame):
                    yield event
            wait = progress.wait_after_end()
        except grpc.RpcError as failure:
            wait = progress.wait_after(error_of(failure))
        except asyncio.CancelledError:
            if closing.is_set() and _cancels() == 0:
                raise closed() from None
            raise
        finally:
            stream.cancel()
        if wait is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await closing.wait()
    raise closed()


class UnaryCalls(grpc.aio.UnaryUnaryClientInterceptor):
    """Calls with one answer."""

    def __init__(self, connection: Connection, closing: asyncio.Event) -> None:
        self._connection = connection
        self._closing = closing

    async def intercept_unary_unary(
        self, continuation: Any, client_call_details: grpc.aio.ClientCallDetails, request: Any
    ) -> Any:
        """Make the call and wait for its end; raises `greenroom.Error`."""
        if self._closing.is_set():
            raise closed()
        call = await continuation(_with(client_call_details, self._connection), repeatable(request))
        try:
            await call
        except grpc.RpcError as failure:
            raise error_of(failure) from failure
        except asyncio.CancelledError:
            # This is a task of grpc's, which it cancels for the channel and for the caller, each once.
            if self._closing.is_set() and _cancels() <= 1:
                raise closed() from None
            raise
        return call


class StreamCalls(grpc.aio.UnaryStreamClientInterceptor):
    """Calls with a stream of answers; their errors stay those of grpc, for `greenroom.error_of`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def intercept_unary_stream(
        self, continuation: Any, client_call_details: grpc.aio.ClientCallDetails, request: Any
    ) -> Any:
        """Start the call."""
        return await continuation(_with(client_call_details, self._connection), repeatable(request))


def _cancels() -> int:
    task = asyncio.current_task()
    return task.cancelling() if task else 0


def _with(details: grpc.aio.ClientCallDetails, connection: Connection) -> grpc.aio.ClientCallDetails:
    metadata = grpc.aio.Metadata(*(details.metadata or ()), *connection.metadata())
    return grpc.aio.ClientCallDetails(
        details.method, details.timeout, metadata, details.credentials, details.wait_for_ready
    )
