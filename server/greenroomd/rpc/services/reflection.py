"""Server reflection, so that `grpcurl` needs no files: v1 and v1alpha, which differ only in name."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_reflection.v1alpha import reflection_pb2 as pb
from grpc_reflection.v1alpha._async import ReflectionServicer

from greenroomd.domain.errors import GreenroomError
from greenroomd.rpc.access.guard import Guard
from greenroomd.rpc.status import DETAILS, status_of

_ALPHA = "grpc.reflection.v1alpha"
_STABLE = "grpc.reflection.v1"
SERVICE_NAMES = (f"{_STABLE}.ServerReflection", f"{_ALPHA}.ServerReflection")


def reflection_handlers(services: Iterable[str], guard: Guard | None) -> list[grpc.GenericRpcHandler]:
    """Return the handlers of both versions; they list `services` and themselves.

    With a `guard`, they answer only callers whose identity is known.
    """
    _know_stable_version()
    servicer = _Reflection([*services, *SERVICE_NAMES])

    async def behind_guard(
        requests: AsyncIterator[pb.ServerReflectionRequest], context: Any
    ) -> AsyncIterator[Any]:
        assert guard is not None
        try:
            await guard.principal(context)
        except GreenroomError as refusal:
            code, status = status_of(refusal)
            await context.abort(code, status.message, ((DETAILS, status.SerializeToString()),))
        answers: Any = servicer.ServerReflectionInfo(
            requests, context
        )  # its stub calls the generator a coroutine
        async for answer in answers:
            yield answer

    handler = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo if guard is None else behind_guard,
        request_deserializer=pb.ServerReflectionRequest.FromString,
        response_serializer=pb.ServerReflectionResponse.SerializeToString,
    )
    return [
        grpc.method_handlers_generic_handler(name, {"ServerReflectionInfo": handler})
        for name in SERVICE_NAMES
    ]


class _Reflection(ReflectionServicer):
    """Also finds methods (`describe package.Service.Method`), which Python's descriptor pool does not index."""

    def _file_containing_symbol(self, request: pb.ServerReflectionRequest, name: str) -> Any:
        service, _, method = name.rpartition(".")
        try:
            known = descriptor_pool.Default().FindServiceByName(service).methods_by_name
        except KeyError:
            known = {}
        symbol = service if method in known else name
        return super()._file_containing_symbol(request, symbol)  # type: ignore[misc]  # the base is untyped


def _know_stable_version() -> None:
    """Register the descriptor of v1, which no package ships: v1alpha's file under another name."""
    pool = descriptor_pool.Default()
    path = f"{_STABLE.replace('.', '/')}/reflection.proto"
    try:
        pool.FindFileByName(path)
        return
    except KeyError:
        pass
    file = FileDescriptorProto()
    pb.DESCRIPTOR.CopyToProto(file)
    file.name, file.package = path, _STABLE
    for message in file.message_type:
        for field in (each for each in message.field if each.type_name):
            field.type_name = field.type_name.replace(f".{_ALPHA}.", f".{_STABLE}.")
    for service in file.service:
        for method in service.method:
            method.input_type = method.input_type.replace(f".{_ALPHA}.", f".{_STABLE}.")
            method.output_type = method.output_type.replace(f".{_ALPHA}.", f".{_STABLE}.")
    pool.AddSerializedFile(file.SerializeToString())
