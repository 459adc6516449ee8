"""Every error has a status, and the status says everything that a client needs to go on."""

from __future__ import annotations

import base64
import string
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2 as details

from greenroom.v1.error_reason_pb2 import ErrorReason
from greenroomd.domain import errors, retryable_errors
from greenroomd.domain.errors import GreenroomError, InvalidRequest, Violation
from greenroomd.rpc.status import STATUS, internal_status, status_of
from greenroomd.rpc.unimplemented import Unimplemented
from unit.rpc.errors_of_calls import make

C = grpc.StatusCode
GATHERING = {
    errors.NotFound,
    errors.AlreadyExists,
    errors.FailedPrecondition,
    errors.Aborted,
    retryable_errors.ResourceExhausted,
    retryable_errors.Unavailable,
}
"""Families: they have subclasses, and are not raised themselves."""


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
    assert str(error).startswith(status.message.removesuffix(" …"))
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
    (retryable_errors.ResourceExhausted, C.RESOURCE_EXHAUSTED, [details.QuotaFailure, details.RetryInfo]),
    (errors.CursorBelowFloor, C.OUT_OF_RANGE, []),
    (retryable_errors.Unavailable, C.UNAVAILABLE, [details.RetryInfo]),
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
    retry = detail(
        retryable_errors.NoSlot("all are busy", retry_after=timedelta(seconds=5)), details.RetryInfo
    )
    assert retry.retry_delay.seconds == 5


@pytest.mark.parametrize(
    "text", ["x" * 100_000, "ü" * 100_000, "%" * 100_000, "\ud800" * 100_000, "\n" * 250]
)
@pytest.mark.parametrize("kind", STATUS)
def test_no_error_is_too_long_for_a_proxy(kind: type[GreenroomError], text: str) -> None:
    _, status = status_of(make(kind, text), subject=text)
    details_bytes = len(base64.b64encode(status.SerializeToString()))
    message_bytes = len(quote(status.message, safe=string.punctuation.replace("%", " ")))
    assert details_bytes + message_bytes <= 3_600  # in 4 KiB, with the names and the other trailers


def test_a_text_is_cut_only_where_it_must_be() -> None:
    violations = [Violation("config.allowed_tools[0]", "ü" * 130)]
    _, status = status_of(InvalidRequest(violations))
    assert status.message == f"config.allowed_tools[0]: {'ü' * 130}"[: len(status.message) - 2] + " …"
    (found,) = detail(InvalidRequest(violations), details.BadRequest).field_violations
    assert found.description == "ü" * 130
    exact = "x" * 400
    assert status_of(errors.NoTurnRunning(exact))[1].message == exact


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
