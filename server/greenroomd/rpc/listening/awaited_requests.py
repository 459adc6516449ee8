"""Bounds how many calls may wait for their request message without end.

A call begins with its headers. gRPC then waits for the message for as long as the connection lasts, and gives nobody
the means to end the call. Reading the message ourselves, with a limit, costs a quarter more per call. So that is done
only while many calls wait: the first 100 may wait as long as they like, all others 10 s.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any

import grpc
import grpc.aio

from greenroomd.rpc.rpc_context import Context

MAY_WAIT = 100
"""Calls that may wait for their message without a limit."""

REQUEST_TIMEOUT = timedelta(seconds=10)
"""How long each further call may wait for its message."""


class AwaitedRequests:
    """The calls of a server that have no message yet."""

    def __init__(self, *, may_wait: int = MAY_WAIT, timeout: timedelta = REQUEST_TIMEOUT) -> None:
        self._may_wait = may_wait
        self._timeout = timeout.total_seconds()
        self._waiting: set[asyncio.Task[Any]] = set()

    @property
    def waiting(self) -> int:
        """How many calls wait without a limit, or have ended while they did."""
        return len(self._waiting)

    def begin(self) -> bool:
        """Note that the current call waits for its message; return whether it may do so without a limit."""
        if len(self._waiting) >= self._may_wait:
            self._waiting = {task for task in self._waiting if not task.done()}
            if len(self._waiting) >= self._may_wait:
                return False
        task = asyncio.current_task()
        assert task is not None
        self._waiting.add(task)
        return True

    def came(self) -> None:
        """Note that the message of the current call has come."""
        task = asyncio.current_task()
        if task is not None:
            self._waiting.discard(task)

    async def read(self, context: Any, parse: Callable[[bytes], Any] | None) -> Any:
        """Return the message of a call, or abort the call if it does not come in time."""
        message: Any = None
        try:
            async with asyncio.timeout(self._timeout):
                message = await context.read()
        except TimeoutError:
            text = f"no request message came within {self._timeout:g} s"
            await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, text)
        if not isinstance(message, bytes):
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the call has no request message")
        return message if parse is None else parse(message)


class _Bounded(grpc.GenericRpcHandler):
    """Handlers in two forms each: for calls that may wait, and for those that may not."""

    def __init__(self, inner: grpc.GenericRpcHandler, awaited: AwaitedRequests) -> None:
        self._inner = inner
        self._awaited = awaited
        self._forms: dict[str, tuple[Any, Any]] = {}

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """Return the handler of a call, None for an unknown one."""
        method: Any = handler_call_details.method
        forms = self._forms.get(method)
        if forms is None:
            found: Any = self._inner.service(handler_call_details)
            if found is None or found.request_streaming:
                return found
            forms = self._forms[method] = _forms_of(found, self._awaited)
        return forms[0] if self._awaited.begin() else forms[1]


def _forms_of(found: Any, awaited: AwaitedRequests) -> tuple[Any, Any]:
    """Return a handler that notes when its message comes, and one that reads it itself."""
    parse, serialize = found.request_deserializer, found.response_serializer
    answer: Any = found.unary_stream or found.unary_unary
    arrived: Any
    read: Any
    if inspect.isasyncgenfunction(answer):

        async def arrived(message: Any, context: Context) -> AsyncIterator[Any]:
            awaited.came()
            async for frame in answer(message, context):
                yield frame

        async def read(_: Any, context: Context) -> AsyncIterator[Any]:
            async for frame in answer(await awaited.read(context, parse), context):
                yield frame

    else:

        async def arrived(message: Any, context: Context) -> Any:
            awaited.came()
            return await answer(message, context)

        async def read(_: Any, context: Context) -> Any:
            return await answer(await awaited.read(context, parse), context)

    if found.response_streaming:
        return (
            grpc.unary_stream_rpc_method_handler(arrived, parse, serialize),
            grpc.stream_stream_rpc_method_handler(read, None, serialize),
        )
    return (
        grpc.unary_unary_rpc_method_handler(arrived, parse, serialize),
        grpc.stream_unary_rpc_method_handler(read, None, serialize),
    )


class BoundingServer:
    """Takes handlers, as generated code hands them over, to a server with their requests bounded."""

    def __init__(self, server: grpc.aio.Server, awaited: AwaitedRequests) -> None:
        self._server = server
        self._awaited = awaited

    def add_generic_rpc_handlers(self, handlers: Iterable[grpc.GenericRpcHandler]) -> None:
        """Add handlers."""
        self._server.add_generic_rpc_handlers([_Bounded(each, self._awaited) for each in handlers])

    def add_registered_method_handlers(self, _name: str, _handlers: Mapping[str, Any]) -> None:
        """Add nothing: these are the same handlers again, and would take precedence."""
