"""Calls over a real socket: what goes in, what comes out, and how errors are told."""

from __future__ import annotations

from collections.abc import Mapping

import grpc
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from unit.rpc.conftest import Edge

NOBODY = "5c6f0f4e-7a52-4d9e-9d0b-0c8a3f1e2d4b"


class Refusal:
    """An error as a client sees it: code, reason and details by type."""

    def __init__(self, error: grpc.aio.AioRpcError) -> None:
        self.code = error.code()
        trailers = {key: value for key, value in error.trailing_metadata() or ()}
        self.status = Status.FromString(trailers["grpc-status-details-bin"])  # type: ignore[arg-type]
        assert (self.status.code, self.status.message) == (self.code.value[0], error.details())
        info = self.detail(ErrorInfo)
        assert info.domain == "greenroom.v1"
        self.reason = info.reason
        self.metadata: Mapping[str, str] = info.metadata


async def test_placeholder(edge: Edge) -> None:
    session = await edge.create()
    assert session.config.working_dir == edge.config.working_dir
