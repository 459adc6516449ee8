"""One of each error with which a call can fail."""

from __future__ import annotations

from collections.abc import Callable

from greenroomd.domain import errors, retryable_errors
from greenroomd.domain.errors import GreenroomError, InvalidRequest, Violation

MAKERS: dict[type[GreenroomError], Callable[[str], GreenroomError]] = {
    errors.InvalidRequest: lambda text: InvalidRequest([Violation(text, text)] * 128),
    errors.InvalidUpdateMask: lambda text: errors.InvalidUpdateMask([Violation(text, text)] * 128),
    errors.InvalidPageToken: lambda _text: errors.InvalidPageToken(),
    errors.IllegalTransition: lambda text: errors.IllegalTransition(text, text, [text]),
    errors.PermissionDenied: lambda text: errors.PermissionDenied(text, permission=text),
    errors.CliTooOld: lambda text: errors.CliTooOld(text, version=text, minimum=text),
    errors.OwnershipLost: lambda text: errors.OwnershipLost(text, text),
    errors.ProfileInUse: lambda text: errors.ProfileInUse(text, 3),
    retryable_errors.QuotaExceeded: lambda text: retryable_errors.QuotaExceeded(text, 100),
    retryable_errors.WatcherCapReached: lambda text: retryable_errors.WatcherCapReached(text, 1_000),
    retryable_errors.QueueFull: lambda _text: retryable_errors.QueueFull(16),
    errors.CursorBelowFloor: lambda _text: errors.CursorBelowFloor(oldest=12, head=98),
    retryable_errors.DatabaseTakenOver: lambda _text: retryable_errors.DatabaseTakenOver(),
}


def make(kind: type[GreenroomError], text: str = "x") -> GreenroomError:
    """Return an error of this kind, with the text wherever it takes one."""
    return MAKERS[kind](text) if kind in MAKERS else kind(text)
