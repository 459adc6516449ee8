"""What the server refuses, as exceptions: the status and its `google.rpc` details, read once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

DOMAIN = "greenroom.v1"
DETAILS = "grpc-status-details-bin"


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One field of a request that breaks its rules."""

    field: str
    """Path as in the proto, such as `config.temperature`."""
    description: str


class Error(Exception):
    """A call failed.

    `reason` is a name of `error_reason.proto` without its prefix, such as `ETAG_MISMATCH`; it is empty when the
    failure did not come from a Greenroom server, as that of a connection. `metadata` is what the reason tells.
    `violations` has every field at fault. `retry_delay` is how long the server asks to wait; None if it does not.
    """

    def __init__(
        self,
        code: grpc.StatusCode,
        message: str,
        *,
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
        violations: Iterable[FieldViolation] = (),
        retry_delay: timedelta | None = None,
    ) -> None:
        super().__init__(f"{reason or code.name}: {message}")
        self.code = code
        self.message = message
        self.reason = reason
        self.metadata = dict(metadata or {})
        self.violations = tuple(violations)
        self.retry_delay = retry_delay


class InvalidRequest(Error):
    """INVALID_ARGUMENT: `violations` names every field at fault."""


class NotFound(Error):
    """NOT_FOUND: what the request names does not exist, or may not be seen."""


class EtagMismatch(Error):
    """ABORTED, ETAG_MISMATCH: the resource has changed since its etag was read."""

    @property
    def etag(self) -> str:
        """The etag that the resource has now."""
        return self.metadata.get("etag", "")


class CursorBelowFloor(Error):
    """OUT_OF_RANGE, CURSOR_BELOW_FLOOR: events behind the cursor are gone. Read the state, then watch anew."""

    @property
    def oldest_revision(self) -> int:
        """Revision of the oldest event that is kept."""
        return int(self.metadata.get("oldest_revision", "0"))

    @property
    def head_revision(self) -> int:
        """Revision of the newest event."""
        return int(self.metadata.get("head_revision", "0"))


class Unavailable(Error):
    """UNAVAILABLE: the server cannot be reached, or is going away; the same call may succeed later."""


_BY_REASON: Mapping[str, type[Error]] = {
    "ETAG_MISMATCH": EtagMismatch,
    "CURSOR_BELOW_FLOOR": CursorBelowFloor,
}
_BY_CODE: Mapping[grpc.StatusCode, type[Error]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidRequest,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
}
_CODES: Mapping[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}


def closed() -> Error:
    """Return what ends the calls of a client that was closed."""
    return Error(grpc.StatusCode.CANCELLED, "the client is closed")


def error_of(failure: grpc.RpcError) -> Error:
    """Return the typed form of what a stub raised; details that cannot be read are left out."""
    call = cast(grpc.Call, failure)  # every error of a call is one, though grpc.aio's does not say so
    return _typed(call.code(), call.details() or "", _details(call))


def error_in(status: status_pb2.Status) -> Error:
    """Return the typed form of the `error` of a turn or a session; `retry_delay` counts from its end."""
    return _typed(_CODES.get(status.code, grpc.StatusCode.UNKNOWN), status.message, status.details)


def _typed(code: grpc.StatusCode, message: str, details: Iterable[Any]) -> Error:
    info, violations, retry_delay = error_details_pb2.ErrorInfo(), [], None
    for packed in details:
        bad, retry, told = (
            error_details_pb2.BadRequest(),
            error_details_pb2.RetryInfo(),
            error_details_pb2.ErrorInfo(),
        )
        if packed.Unpack(told) and told.domain == DOMAIN:
            info = told
        elif packed.Unpack(bad):
            violations += [FieldViolation(each.field, each.description) for each in bad.field_violations]
        elif packed.Unpack(retry):
            retry_delay = retry.retry_delay.ToTimedelta()
    kind = _BY_REASON.get(info.reason) or _BY_CODE.get(code, Error)
    return kind(
        code,
        message,
        reason=info.reason,
        metadata=info.metadata,
        violations=violations,
        retry_delay=retry_delay,
    )


def _details(call: grpc.Call) -> Iterable[Any]:
    for key, value in call.trailing_metadata() or ():
        if key == DETAILS and isinstance(value, bytes):
            try:
                return status_pb2.Status.FromString(value).details
            except DecodeError:
                return ()
    return ()
