"""An error as a client sees it."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import TypeVar

import grpc.aio
import pytest
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from google.rpc.status_pb2 import Status

M = TypeVar("M", bound=Message)


class Refusal:
    """Code, reason and details of a failed call."""

    def __init__(self, error: grpc.aio.AioRpcError) -> None:
        self.code = error.code()
        trailers = dict(error.trailing_metadata() or ())
        self.status = Status.FromString(trailers["grpc-status-details-bin"])
        assert (self.status.code, self.status.message) == (self.code.value[0], error.details())
        info = self.detail(ErrorInfo)
        assert info.domain == "greenroom.v1"
        self.reason = info.reason
        self.metadata: Mapping[str, str] = info.metadata

    @property
    def violations(self) -> Sequence[BadRequest.FieldViolation]:
        """What is wrong with the request."""
        return self.detail(BadRequest).field_violations

    def detail(self, kind: type[M]) -> M:
        """Return the detail of a kind; fails if there is none."""
        found = kind()
        assert any(packed.Unpack(found) for packed in self.status.details), f"no {kind.__name__}"
        return found


async def refused(call: Awaitable[object]) -> Refusal:
    """Return how a call is refused; fails if it is not."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    return Refusal(raised.value)
