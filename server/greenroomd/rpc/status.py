"""The one table from an error to what the client gets: code, reason and details of google.rpc.Status."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any as Anything

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message
from google.rpc import error_details_pb2 as details
from google.rpc.status_pb2 import Status

from greenroomd.domain import errors, retryable_errors
from greenroomd.domain.errors import GreenroomError
from greenroomd.rpc.convert.problems import DOMAIN
from greenroomd.rpc.convert.times import duration
from greenroomd.rpc.error_metadata import metadata_of
from greenroomd.rpc.status_size import MAX_STATUS_BYTES, short_message, short_text
from greenroomd.rpc.stream.cursor_codec import InvalidCursor
from greenroomd.rpc.unimplemented import Unimplemented

DETAILS = "grpc-status-details-bin"
"""The trailer in which a full status travels."""

_C = grpc.StatusCode


STATUS: Mapping[type[GreenroomError], tuple[grpc.StatusCode, str]] = {
    errors.InvalidRequest: (_C.INVALID_ARGUMENT, "INVALID_FIELD"),
    errors.InvalidPageToken: (_C.INVALID_ARGUMENT, "INVALID_PAGE_TOKEN"),
    InvalidCursor: (_C.INVALID_ARGUMENT, "INVALID_CURSOR"),
    errors.InvalidUpdateMask: (_C.INVALID_ARGUMENT, "INVALID_UPDATE_MASK"),
    errors.RequestIdReused: (_C.INVALID_ARGUMENT, "REQUEST_ID_REUSED"),
    errors.Unauthenticated: (_C.UNAUTHENTICATED, "UNAUTHENTICATED"),
    errors.PermissionDenied: (_C.PERMISSION_DENIED, "PERMISSION_DENIED"),
    errors.WorkingDirOutsideRoots: (_C.PERMISSION_DENIED, "WORKING_DIR_OUTSIDE_ROOTS"),
    errors.SessionNotFound: (_C.NOT_FOUND, "SESSION_NOT_FOUND"),
    errors.TurnNotFound: (_C.NOT_FOUND, "TURN_NOT_FOUND"),
    errors.EventNotFound: (_C.NOT_FOUND, "EVENT_NOT_FOUND"),
    errors.ProfileNotFound: (_C.NOT_FOUND, "PROFILE_NOT_FOUND"),
    errors.ApprovalNotFound: (_C.NOT_FOUND, "APPROVAL_NOT_FOUND"),
    errors.TaskNotFound: (_C.NOT_FOUND, "TASK_NOT_FOUND"),
    errors.NodeNotFound: (_C.NOT_FOUND, "NODE_NOT_FOUND"),
    errors.McpServerNotFound: (_C.NOT_FOUND, "MCP_SERVER_NOT_FOUND"),
    errors.SessionExists: (_C.ALREADY_EXISTS, "SESSION_EXISTS"),
    errors.ProfileExists: (_C.ALREADY_EXISTS, "PROFILE_EXISTS"),
    errors.IllegalTransition: (_C.FAILED_PRECONDITION, "ILLEGAL_TRANSITION"),
    errors.TurnRunning: (_C.FAILED_PRECONDITION, "TURN_RUNNING"),
    errors.NoTurnRunning: (_C.FAILED_PRECONDITION, "NO_TURN_RUNNING"),
    errors.NoProcess: (_C.FAILED_PRECONDITION, "NO_PROCESS"),
    errors.ConversationLost: (_C.FAILED_PRECONDITION, "CONVERSATION_LOST"),
    errors.ApprovalDecided: (_C.FAILED_PRECONDITION, "APPROVAL_DECIDED"),
    errors.TaskEnded: (_C.FAILED_PRECONDITION, "TASK_ENDED"),
    errors.TaskNotStoppable: (_C.FAILED_PRECONDITION, "TASK_NOT_STOPPABLE"),
    errors.ProfileInUse: (_C.FAILED_PRECONDITION, "PROFILE_IN_USE"),
    errors.CliMissing: (_C.FAILED_PRECONDITION, "CLI_MISSING"),
    errors.CliTooOld: (_C.FAILED_PRECONDITION, "CLI_TOO_OLD"),
    errors.EtagMismatch: (_C.ABORTED, "ETAG_MISMATCH"),
    errors.OwnershipLost: (_C.ABORTED, "OWNERSHIP_LOST"),
    retryable_errors.NoSlot: (_C.RESOURCE_EXHAUSTED, "NO_SLOT"),
    retryable_errors.QuotaExceeded: (_C.RESOURCE_EXHAUSTED, "QUOTA_EXCEEDED"),
    retryable_errors.WatcherCapReached: (_C.RESOURCE_EXHAUSTED, "WATCHER_CAP"),
    retryable_errors.QueueFull: (_C.RESOURCE_EXHAUSTED, "QUEUE_FULL"),
    errors.CursorBelowFloor: (_C.OUT_OF_RANGE, "CURSOR_BELOW_FLOOR"),
    retryable_errors.StoreUnavailable: (_C.UNAVAILABLE, "STORE_UNAVAILABLE"),
    retryable_errors.CommitUnknown: (_C.UNAVAILABLE, "COMMIT_UNKNOWN"),
    retryable_errors.DatabaseTakenOver: (_C.UNAVAILABLE, "STORE_UNAVAILABLE"),
    retryable_errors.Draining: (_C.UNAVAILABLE, "DRAINING"),
    retryable_errors.OwnerUnreachable: (_C.UNAVAILABLE, "OWNER_UNREACHABLE"),
    Unimplemented: (_C.UNIMPLEMENTED, "UNIMPLEMENTED"),
}
"""Every error that is raised; base classes of errors are never raised themselves."""

_PRECONDITIONS: Mapping[type[GreenroomError], str] = {
    errors.IllegalTransition: "STATE",
    errors.TurnRunning: "TURN",
    errors.NoTurnRunning: "TURN",
    errors.NoProcess: "PROCESS",
    errors.ConversationLost: "CONVERSATION",
    errors.ApprovalDecided: "APPROVAL",
    errors.TaskEnded: "TASK",
    errors.TaskNotStoppable: "TASK",
    errors.ProfileInUse: "PROFILE",
    errors.CliMissing: "CLI",
    errors.CliTooOld: "CLI",
}
"""The `type` in the PreconditionFailure of each error: the kind of precondition that does not hold."""

_RECORD_BYTES = 4
"""What a violation's tag and length take."""
_ANY_BYTES = 64
"""What the type's name takes around a BadRequest, with all tags and lengths."""
_REST_BYTES = 64
"""Kept for the entry that counts what is not shown."""


def status_of(error: GreenroomError, *, subject: str = "") -> tuple[grpc.StatusCode, Status]:
    """Return the code and the full status of an error; `subject` is the id of the resource that the request names."""
    code, reason = STATUS[type(error)]
    metadata = {key: short_text(value) for key, value in metadata_of(error).items()}
    info = details.ErrorInfo(reason=reason, domain=DOMAIN, metadata=metadata)
    status = _status(code, str(error), [info, *_details_of(error, short_text(subject))])
    if isinstance(error, errors.InvalidRequest):
        _append(status, _bad_request(error, MAX_STATUS_BYTES - status.ByteSize()))
    return code, status


def internal_status(correlation_id: str) -> tuple[grpc.StatusCode, Status]:
    """Return the status for a bug: only the id under which the log has the details."""
    info = details.ErrorInfo(reason="INTERNAL", domain=DOMAIN, metadata={"correlation_id": correlation_id})
    text = f"internal error; the server's log has the cause under {correlation_id}"
    return _C.INTERNAL, _status(_C.INTERNAL, text, [info])


def _status(code: grpc.StatusCode, text: str, parts: Iterable[Message]) -> Status:
    number: int = code.value[0]
    status = Status(code=number, message=short_message(text))
    for part in parts:
        _append(status, part)
    return status


def _append(status: Status, part: Message) -> None:
    packed = Any()
    packed.Pack(part)
    status.details.append(packed)


def detail_kinds(kind: type[GreenroomError]) -> Sequence[type[Message]]:
    """Return the kinds of details that the status of an error has beside its ErrorInfo."""
    if issubclass(kind, errors.InvalidRequest):
        return [details.BadRequest]
    return list(_builders(kind))


def _builders(kind: type[GreenroomError]) -> Mapping[type[Message], Callable[[Anything, str], Message]]:
    return next((parts for family, parts in _DETAILS.items() if issubclass(kind, family)), {})


def _details_of(error: GreenroomError, subject: str) -> list[Message]:
    return [build(error, subject) for build in _builders(type(error)).values()]


def _bad_request(error: errors.InvalidRequest, room: int) -> details.BadRequest:
    """Return the violations that fit into `room` bytes, and the number of the others."""
    found, size = details.BadRequest(), _ANY_BYTES + _REST_BYTES
    for index, violation in enumerate(error.violations):
        shown = details.BadRequest.FieldViolation(
            field=short_text(violation.field), description=short_text(violation.description)
        )
        size += shown.ByteSize() + _RECORD_BYTES
        if size > room:
            rest = len(error.violations) - index
            found.field_violations.add(field="", description=f"{rest} more violations are not shown")
            break
        found.field_violations.append(shown)
    return found


def _resource(error: errors.NotFound | errors.AlreadyExists, _subject: str) -> Message:
    return details.ResourceInfo(
        resource_type=f"greenroom.v1.{error.kind.title().replace(' ', '')}",
        resource_name=short_text(error.resource_id),
        description=short_text(str(error)),
    )


def _precondition(error: errors.FailedPrecondition, subject: str) -> Message:
    kind = _PRECONDITIONS[type(error)]
    violation = details.PreconditionFailure.Violation(
        type=kind, subject="claude" if kind == "CLI" else subject, description=short_text(str(error))
    )
    return details.PreconditionFailure(violations=[violation])


def _quota(error: retryable_errors.ResourceExhausted, _subject: str) -> Message:
    violation = details.QuotaFailure.Violation(
        subject=short_text(error.subject), description=short_text(str(error))
    )
    return details.QuotaFailure(violations=[violation])


def _retry(
    error: retryable_errors.ResourceExhausted | retryable_errors.Unavailable, _subject: str
) -> Message:
    return details.RetryInfo(retry_delay=duration(error.retry_after))


_DETAILS: Mapping[type[GreenroomError], Mapping[type[Message], Callable[[Anything, str], Message]]] = {
    errors.NotFound: {details.ResourceInfo: _resource},
    errors.AlreadyExists: {details.ResourceInfo: _resource},
    errors.FailedPrecondition: {details.PreconditionFailure: _precondition},
    retryable_errors.ResourceExhausted: {details.QuotaFailure: _quota, details.RetryInfo: _retry},
    retryable_errors.Unavailable: {details.RetryInfo: _retry},
}
"""By family of errors, what each kind of detail is made by."""
