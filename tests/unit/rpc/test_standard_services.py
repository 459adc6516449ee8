"""What every gRPC tool expects: health and reflection."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest, ServerReflectionResponse

from unit.rpc.conftest import Edge, running_edge

SERVICES = {f"greenroom.v1.{name}Service" for name in ("Session", "Turn", "Event", "Profile", "Node")}
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVICE_UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
VERSIONS = ["v1", "v1alpha"]


@pytest.fixture
def health(edge: Edge) -> Any:
    return HealthStub(edge.channel)


async def test_everything_serves(health: Any) -> None:
    for service in ("", "readiness", "liveness", *SERVICES):
        answer = await health.Check(health_pb2.HealthCheckRequest(service=service))
        assert answer.status == SERVING, service


async def test_an_unknown_service_is_not_found(health: Any) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await health.Check(health_pb2.HealthCheckRequest(service="nonsense"))
    assert raised.value.code() is grpc.StatusCode.NOT_FOUND


async def test_all_services_are_listed(health: Any) -> None:
    answer = await health.List(vars(health_pb2)["HealthListRequest"]())
    assert set(answer.statuses) == {"", "readiness", "liveness", *SERVICES}


async def test_health_watchers_are_told_of_the_end(tmp_path: Path) -> None:
    async with grpc.aio.insecure_channel(f"unix:{tmp_path}/socket") as channel:
        health: Any = HealthStub(channel)
        async with running_edge(tmp_path):
            readiness = health.Watch(health_pb2.HealthCheckRequest(service="readiness"), timeout=60)
            liveness = health.Watch(health_pb2.HealthCheckRequest(service="liveness"), timeout=60)
            assert [(await watch.read()).status for watch in (readiness, liveness)] == [SERVING, SERVING]
        assert (await readiness.read()).status == NOT_SERVING
        assert await readiness.read() is grpc.aio.EOF
        assert await liveness.read() is grpc.aio.EOF


async def test_an_unknown_service_may_be_watched(health: Any) -> None:
    watching = health.Watch(health_pb2.HealthCheckRequest(service="nonsense"), timeout=60)
    assert (await watching.read()).status == SERVICE_UNKNOWN
    watching.cancel()


async def reflect(
    edge: Edge, version: str, *requests: ServerReflectionRequest
) -> list[ServerReflectionResponse]:
    call = edge.channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        request_serializer=ServerReflectionRequest.SerializeToString,
        response_deserializer=ServerReflectionResponse.FromString,
    )

    async def asked() -> AsyncIterator[ServerReflectionRequest]:
        for request in requests:
            yield request

    return [answer async for answer in call(asked(), timeout=60)]


@pytest.mark.parametrize("version", VERSIONS)
async def test_reflection_lists_every_service(edge: Edge, version: str) -> None:
    (answer,) = await reflect(edge, version, ServerReflectionRequest(list_services="*"))
    listed = {service.name for service in answer.list_services_response.service}
    reflection = {f"grpc.reflection.{name}.ServerReflection" for name in VERSIONS}
    assert listed == SERVICES | reflection | {"grpc.health.v1.Health"}


@pytest.mark.parametrize("version", VERSIONS)
async def test_everything_that_is_listed_can_be_described(edge: Edge, version: str) -> None:
    (answer,) = await reflect(edge, version, ServerReflectionRequest(list_services="*"))
    names = [service.name for service in answer.list_services_response.service]
    requests = [ServerReflectionRequest(file_containing_symbol=name) for name in names]
    for name, described in zip(names, await reflect(edge, version, *requests), strict=True):
        files = described.file_descriptor_response.file_descriptor_proto
        parsed = [FileDescriptorProto.FromString(file) for file in files]
        assert any(name == f"{file.package}.{service.name}" for file in parsed for service in file.service), (
            name
        )
