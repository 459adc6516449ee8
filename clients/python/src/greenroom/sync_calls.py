"""Every call of the blocking client: token, request_id, typed error; and streams that outlive a connection."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

import grpc

from greenroom.connection import Connection
from greenroom.errors import closed, error_of
from greenroom.repeatable import repeatable
from greenroom.resumption import Progress
from greenroom.v1.event_pb2 import Event

Frame = TypeVar("Frame")


def followed(progress: Progress[Frame], call: Callable[[], Any], closing: threading.Event) -> Iterator[Event]:
    """Yield the events of a stream, calling again where it breaks; the call is cancelled when the iteration ends.

    Raises `greenroom.Error` once `closing` is set.
    """
    while not closing.is_set():
        stream = call()
        try:
            for frame in stream:
                yield from progress.take(frame)
            wait = progress.wait_after_end()
        except grpc.RpcError as failure:
            wait = progress.wait_after(error_of(failure))
        finally:
            stream.cancel()
        if wait is None:
            return
        closing.wait(wait)
    raise closed()


class Calls(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):
    """Calls of both kinds; the errors of a stream stay those of grpc, for `greenroom.error_of`."""

    def __init__(self, connection: Connection, closing: threading.Event) -> None:
        self._connection = connection
        self._closing = closing

    def intercept_unary_unary(
        self, continuation: Any, client_call_details: grpc.ClientCallDetails, request: Any
    ) -> Any:
        """Make the call and wait for its end; raises `greenroom.Error`."""
        if self._closing.is_set():
            raise closed()
        call = continuation(_with(client_call_details, self._connection), repeatable(request))
        failure = call.exception()
        if isinstance(failure, grpc.RpcError):
            raise error_of(failure) from failure
        return call

    def intercept_unary_stream(
        self, continuation: Any, client_call_details: grpc.ClientCallDetails, request: Any
    ) -> Any:
        """Start the call."""
        return continuation(_with(client_call_details, self._connection), repeatable(request))


class _Fields(NamedTuple):
    method: str
    timeout: float | None
    metadata: Any
    credentials: grpc.CallCredentials | None
    wait_for_ready: bool | None
    compression: grpc.Compression | None


class _Details(_Fields, grpc.ClientCallDetails):
    """What grpc asks of the details of a call: it has no constructor for them."""


def _with(details: grpc.ClientCallDetails, connection: Connection) -> grpc.ClientCallDetails:
    return _Details(
        details.method,
        details.timeout,
        (*(details.metadata or ()), *connection.metadata()),
        details.credentials,
        details.wait_for_ready,
        details.compression,
    )
