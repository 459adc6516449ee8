"""Makes the gRPC handlers of a service: the one place for errors, replayed requests, metrics and missing methods.

A service is an object with a method `async def X(request, call)` for each RPC. It returns the response as a message or
serialized; for a stream, it writes serialized frames through the call. If the object lacks a method of the contract,
the RPC answers UNIMPLEMENTED. A request with a field `request_id` is a mutation: a replay of it gets the recorded
answer. The service's `on_replay`, a mapping by method name, may build a fresh answer from the recorded one.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter
from typing import Any, Protocol

import grpc
import structlog
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc.status_pb2 import Status

from greenroomd.app.ports.storage import Request, RequestReplayed
from greenroomd.domain.errors import GreenroomError, InvalidRequest, NotFound, RequestIdReused, Violation
from greenroomd.domain.retryable_errors import Unavailable
from greenroomd.domain.rules.naming_rules import name_violations
from greenroomd.rpc.access.access_table import rule_of
from greenroomd.rpc.access.guard import Guard
from greenroomd.rpc.fingerprint import fingerprint
from greenroomd.rpc.rpc_context import Call, Context
from greenroomd.rpc.status import DETAILS, STATUS, internal_status, status_of
from greenroomd.rpc.unimplemented import Unimplemented

log = structlog.get_logger(__name__)

Answered = Callable[[Request], Awaitable[bytes | None]]


class Observer(Protocol):
    """Is notified of every RPC that has ended."""

    def rpc_handled(self, service: str, method: str, code: str, seconds: float) -> None:
        """An RPC ended with the status `code` (`OK`, `NOT_FOUND`) after `seconds`."""
        ...


def generic_handler(
    descriptor: ServiceDescriptor, service: object, *, guard: Guard, answered: Answered, observer: Observer
) -> grpc.GenericRpcHandler:
    """Return the handler of a whole service of the contract; `answered` finds the recorded answer of a mutation."""
    handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {}
    for method in descriptor.methods:
        route = _Route(method, service, guard, answered, observer)
        make = (
            grpc.unary_stream_rpc_method_handler
            if method.server_streaming
            else grpc.unary_unary_rpc_method_handler
        )
        handlers[method.name] = make(route.handle)
    return grpc.method_handlers_generic_handler(descriptor.full_name, handlers)


class _Route:
    """Handles the calls of one method: bytes in, bytes out."""

    def __init__(
        self,
        method: MethodDescriptor,
        service: object,
        guard: Guard,
        answered: Answered,
        observer: Observer,
    ) -> None:
        self._service = method.containing_service.name
        self._method = method.name
        self._guard = guard
        self._rule = rule_of(self._service, self._method)
        self._parse: Callable[[bytes], Any] = GetMessageClass(method.input_type).FromString
        self._mutates = "request_id" in method.input_type.fields_by_name
        self._perform: Callable[[Any, Call], Any] | None = getattr(service, method.name, None)
        on_replay: Mapping[str, Callable[[Any, bytes, Call], Any]] = getattr(service, "on_replay", {})
        self._again = on_replay.get(method.name)
        self._answered = answered
        self._observer = observer

    async def handle(self, raw: bytes, context: Context) -> bytes | None:
        began, code, request = perf_counter(), "CANCELLED", None
        try:
            call = Call(context, await self._guard.principal(context))
            request = self._read(raw)
            answer = await self._admitted(request, call)
            code = "OK"
            return answer if answer is None or isinstance(answer, bytes) else answer.SerializeToString()
        except Exception as error:
            told, status = self._told(error, request)
            code = told.name
            await context.abort(told, status.message, ((DETAILS, status.SerializeToString()),))
        finally:
            self._observer.rpc_handled(self._service, self._method, code, perf_counter() - began)

    def _read(self, raw: bytes) -> Any:
        try:
            return self._parse(raw)
        except DecodeError:
            raise InvalidRequest([Violation("", "is not a message of the request's type")]) from None

    async def _admitted(self, request: Any, call: Call) -> Any:
        """Answer a call whose caller is known, if it may have what it asks for."""
        absent = await self._guard.check(self._rule, request, call)
        if self._perform is None:
            raise Unimplemented(self._method)
        work = self._once if self._mutates else self._at_once
        if not self._rule.lasting:
            return await work(request, call, absent)
        async with self._guard.attending(self._rule, request, call):
            return await work(request, call, absent)

    async def _at_once(self, request: Any, call: Call, absent: NotFound | None) -> Any:
        """Answer a call that changes nothing."""
        assert self._perform is not None
        if absent is not None:
            raise absent
        return await self._perform(request, call)

    async def _once(self, request: Any, call: Call, absent: NotFound | None) -> Any:
        """Answer a mutation; a replay gets the answer of the first call, also if what it names is `absent` now.

        The commit detects replays. A request can also be refused before its commit, because the first call already
        changed the state that it needs. So a refused request is looked up too, and a replay is answered as before
        whatever has happened since.
        """
        assert self._perform is not None
        self._identify(request, call)
        try:
            if absent is not None:
                raise absent
            return await self._perform(request, call)
        except RequestReplayed:
            recorded = await self._recorded(call)
            assert recorded is not None
        except (RequestIdReused, Unavailable):
            raise  # the first is final; the second means that the database cannot be asked
        except GreenroomError:
            if call.answering or (recorded := await self._recorded(call)) is None:
                raise
        return recorded if self._again is None else await self._again(request, recorded, call)

    def _identify(self, request: Any, call: Call) -> None:
        """Set the identity of a mutation that has a request_id; an invalid request_id becomes a problem of the call."""
        if not request.request_id:
            return
        problems = name_violations(request_id=request.request_id)
        if problems:
            call.problems += problems
            return
        call.request = Request(
            principal=call.principal.name,
            method=self._method,
            request_id=request.request_id.lower(),
            fingerprint=fingerprint(request, "request_id"),
        )

    async def _recorded(self, call: Call) -> bytes | None:
        """Return the recorded answer of a mutation. It exists even while the first call waits for the effect."""
        return None if call.request is None else await self._answered(call.request)

    def _told(self, error: Exception, request: Message | None) -> tuple[grpc.StatusCode, Status]:
        """Return the status for an error. Anything but a domain error is a bug: its text goes only to the log."""
        if isinstance(error, GreenroomError) and type(error) in STATUS:
            return status_of(error, subject=_subject(request))
        correlation_id = secrets.token_hex(8)
        log.error(
            "rpc_failed",
            service=self._service,
            method=self._method,
            correlation_id=correlation_id,
            exc_info=error,
        )
        return internal_status(correlation_id)


def _subject(request: Message | None) -> str:
    """Return the id of the resource that a request names, for the error's details; "" if it names none."""
    for message in (request, getattr(request, "session", None), getattr(request, "profile", None)):
        for name in ("approval_id", "task_id", "session_id", "profile_id"):
            if subject := getattr(message, name, ""):
                return str(subject)
    return ""
