"""Every call of the asyncio client: token, request_id, typed error; and streams that outlive a connection."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Any, TypeVar

import grpc
import grpc.aio

from greenroom.connection import Connection
from greenroom.errors import closed, error_of
from greenroom.repeatable import repeatable
from greenroom.resumption import Progress
from greenroom.v1.event_pb2 import Event

Frame = TypeVar("Frame")


class Closing:
    """Whether a client is closed; its streams end then, which not every release of grpc sees to."""

    def __init__(self) -> None:
        self._closed = asyncio.Event()
        self._streams: set[grpc.aio.Call] = set()

    def begin(self) -> None:
        """Cancel the streams, and end every `wait`."""
        self._closed.set()
        for stream in self._streams:
            stream.cancel()

    @property
    def begun(self) -> bool:
        """Whether the client is closed."""
        return self._closed.is_set()

    async def wait(self, seconds: float) -> None:
        """Wait for some time, or until the client is closed."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closed.wait()

    @contextlib.contextmanager
    def reading(self, stream: grpc.aio.Call) -> Iterator[None]:
        """Cancel a stream when its block ends, or the client is closed."""
        self._streams.add(stream)
        try:
            yield
        finally:
            self._streams.discard(stream)
            stream.cancel()


async def followed(
    progress: Progress[Frame], call: Callable[[], Any], closing: Closing
) -> AsyncGenerator[Event, None]:
    """Yield the events of a stream, calling again where it breaks; the call is cancelled when the iteration ends.

    Raises `greenroom.Error` once `closing` has begun.
    """
    while not closing.begun:
        stream = call()
        try:
            with closing.reading(stream):
                async for frame in stream:
                    for event in progress.take(frame):
                        yield event
            wait = progress.wait_after_end()
        except grpc.RpcError as failure:
            wait = progress.wait_after(error_of(failure))
        except asyncio.CancelledError:
            if closing.begun and _cancels() == 0:
                raise closed() from None
            raise
        if wait is None:
            return
        await closing.wait(wait)
    raise closed()


class UnaryCalls(grpc.aio.UnaryUnaryClientInterceptor):
    """Calls with one answer."""

    def __init__(self, connection: Connection, closing: Closing) -> None:
        self._connection = connection
        self._closing = closing

    async def intercept_unary_unary(
        self, continuation: Any, client_call_details: grpc.aio.ClientCallDetails, request: Any
    ) -> Any:
        """Make the call and wait for its end; raises `greenroom.Error`."""
        if self._closing.begun:
            raise closed()
        call = await continuation(_with(client_call_details, self._connection), repeatable(request))
        try:
            await call
        except grpc.RpcError as failure:
            raise error_of(failure) from failure
        except asyncio.CancelledError:
            # This is a task of grpc's, which it cancels for the channel and for the caller, each once.
            if self._closing.begun and _cancels() <= 1:
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
