"""Every error has a status, and the status says everything that a client needs to go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2 as details

from greenroom.v1.error_reason_pb2 import ErrorReason
from greenroomd.domain import errors
from greenroomd.domain.errors import GreenroomError, InvalidRequest, Violation
from greenroomd.rpc.status import STATUS, Unimplemented, internal_status, status_of
from greenroomd.rpc.stream.cursor_codec import InvalidCursor

C = grpc.StatusCode
GATHERING = {
    errors.NotFound,
    errors.AlreadyExists,
    errors.FailedPrecondition,
    errors.Aborted,
    errors.ResourceExhausted,
    errors.Unavailable,
}
"""Families: they have subclasses, and are not raised themselves."""

MAKERS: dict[type[GreenroomError], Callable[[], GreenroomError]] = {
    errors.InvalidRequest: lambda: InvalidRequest([Violation("config.max_turns", "must be positive")]),
    errors.InvalidUpdateMask: lambda: errors.InvalidUpdateMask([Violation("update_mask", "is empty")]),
    errors.InvalidPageToken: errors.InvalidPageToken,
    errors.RequestIdReused: lambda: errors.RequestIdReused("StartTurn"),
    InvalidCursor: lambda: InvalidCursor("is not a cursor"),
    errors.IllegalTransition: lambda: errors.IllegalTransition("closed", "start", []),
    errors.EtagMismatch: lambda: errors.EtagMismatch("v7"),
    errors.ProfileInUse: lambda: errors.ProfileInUse("reviewer", 3),
    errors.QuotaExceeded: lambda: errors.QuotaExceeded("profile:reviewer", 100),
    errors.WatcherCapReached: lambda: errors.WatcherCapReached("node", 1_000),
    errors.QueueFull: lambda: errors.QueueFull(16),
    errors.CursorBelowFloor: lambda: errors.CursorBelowFloor(oldest=12, head=98),
}


def make(kind: type[GreenroomError]) -> GreenroomError:
    return MAKERS[kind]() if kind in MAKERS else kind("thing-1")


def raised(kind: type[GreenroomError] = GreenroomError) -> Iterator[type[GreenroomError]]:
    for child in kind.__subclasses__():
        if child not in GATHERING:
            yield child
        yield from raised(child)


def detail(error: GreenroomError, kind: type[Any], subject: str = "") -> Any:
    found = kind()
    _, status = status_of(error, subject=subject)
    assert any(packed.Unpack(found) for packed in status.details), f"no {kind.__name__}"
    return found


@pytest.mark.parametrize("kind", sorted(set(raised()), key=str))
def test_every_error_has_a_status_with_a_reason_of_the_contract(kind: type[GreenroomError]) -> None:
    assert kind in STATUS
    error = make(kind)
    code, status = status_of(error)
    assert status.code == code.value[0]
    assert status.message == str(error)
    info = detail(error, details.ErrorInfo)
    assert info.domain == "greenroom.v1"
    assert f"ERROR_REASON_{info.reason}" in ErrorReason.keys()  # noqa: SIM118 - an enum wrapper is no mapping


def test_families_are_families() -> None:
    assert all(kind.__subclasses__() for kind in GATHERING)
    assert not GATHERING & STATUS.keys()


FAMILIES: list[tuple[type[GreenroomError], grpc.StatusCode, list[type[Message]]]] = [
    (errors.InvalidRequest, C.INVALID_ARGUMENT, [details.BadRequest]),
    (errors.Unauthenticated, C.UNAUTHENTICATED, []),
    (errors.PermissionDenied, C.PERMISSION_DENIED, []),
    (errors.NotFound, C.NOT_FOUND, [details.ResourceInfo]),
    (errors.AlreadyExists, C.ALREADY_EXISTS, [details.ResourceInfo]),
    (errors.FailedPrecondition, C.FAILED_PRECONDITION, [details.PreconditionFailure]),
    (errors.Aborted, C.ABORTED, []),
    (errors.ResourceExhausted, C.RESOURCE_EXHAUSTED, [details.QuotaFailure, details.RetryInfo]),
    (errors.CursorBelowFloor, C.OUT_OF_RANGE, []),
    (errors.Unavailable, C.UNAVAILABLE, [details.RetryInfo]),
    (Unimplemented, C.UNIMPLEMENTED, []),
]


@pytest.mark.parametrize("kind", STATUS)
def test_code_and_details_follow_the_family(kind: type[GreenroomError]) -> None:
    family, code, parts = next(row for row in FAMILIES if issubclass(kind, row[0]))
    told, status = status_of(make(kind))
    assert told is code, family
    assert [packed.TypeName() for packed in status.details[1:]] == [
        part.DESCRIPTOR.full_name for part in parts
    ]


def test_a_bad_request_lists_every_violation() -> None:
    violations = [Violation(f"config.field_{n}", f"is wrong {n}") for n in range(10)]
    found = detail(InvalidRequest(violations), details.BadRequest).field_violations
    assert [(v.field, v.description) for v in found] == [(v.field, v.description) for v in violations]


def test_an_illegal_move_says_from_where_to_where_and_what_is_allowed() -> None:
    error = errors.IllegalTransition("suspended", "restart", ["start", "close", "fail"])
    info = detail(error, details.ErrorInfo)
    assert dict(info.metadata) == {
        "from": "SUSPENDED",
        "to": "INITIALIZING",
        "allowed": "CLOSING,ERROR,INITIALIZING",
    }
    (violation,) = detail(error, details.PreconditionFailure, subject="s-1").violations
    assert (violation.type, violation.subject) == ("STATE", "s-1")


def test_a_turn_that_a_state_refuses_would_have_led_to_active() -> None:
    info = detail(errors.IllegalTransition("closed", "turn", []), details.ErrorInfo)
    assert dict(info.metadata) == {"from": "CLOSED", "to": "ACTIVE", "allowed": ""}


def test_metadata_lets_a_client_go_on() -> None:
    assert detail(errors.EtagMismatch("v7"), details.ErrorInfo).metadata["etag"] == "v7"
    assert detail(errors.TurnRunning("t-1"), details.ErrorInfo).metadata["turn_id"] == "t-1"
    below = detail(errors.CursorBelowFloor(oldest=12, head=98), details.ErrorInfo)
    assert dict(below.metadata) == {"oldest_revision": "12", "head_revision": "98"}
    resource = detail(errors.SessionNotFound("s-1"), details.ResourceInfo)
    assert (resource.resource_type, resource.resource_name) == ("greenroom.v1.Session", "s-1")
    retry = detail(errors.NoSlot("all are busy", retry_after=timedelta(seconds=5)), details.RetryInfo)
    assert retry.retry_delay.seconds == 5


@pytest.mark.parametrize(
    "error",
    [
        InvalidRequest([Violation(f"config.allowed_tools[{n}]", "ü" * 200) for n in range(128)]),
        InvalidRequest([Violation("x" * 100_000, "y" * 100_000)]),
        errors.SessionNotFound("ä" * 100_000),
        errors.WorkingDirOutsideRoots("/" + "ö" * 4_000),
        errors.NoTurnRunning("z" * 100_000),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_status_fits_the_trailers_of_http(error: GreenroomError) -> None:
    _, status = status_of(error, subject="s" * 100_000)
    in_base64 = len(status.SerializeToString()) * 4 / 3
    percent_encoded = sum(1 if byte < 128 else 3 for byte in status.message.encode())
    assert in_base64 + percent_encoded < 8_000


def test_violations_that_do_not_fit_are_counted() -> None:
    violations = [Violation("field", "x" * 300) for _ in range(128)]
    found = detail(InvalidRequest(violations), details.BadRequest).field_violations
    assert found[-1].description == f"{128 - (len(found) - 1)} more violations are not shown"


def test_a_bug_tells_the_client_only_where_to_look() -> None:
    code, status = internal_status("abc123")
    assert code is C.INTERNAL
    info = details.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert (info.reason, dict(info.metadata)) == ("INTERNAL", {"correlation_id": "abc123"})
    assert "abc123" in status.message
