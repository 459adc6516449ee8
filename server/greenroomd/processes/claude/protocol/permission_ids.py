"""Gives the CLI's permission requests our own ids: the CLI's are unique in one process at most, ours everywhere."""

from __future__ import annotations

from dataclasses import replace

from greenroomd.app.ids import new_id
from greenroomd.domain.frames.tool_frames import PermissionAsked, PermissionWithdrawn


class PermissionIds:
    """Replaces the ids of one process's permission requests, and tracks which of them can still be answered."""

    def __init__(self) -> None:
        self._theirs: dict[str, str] = {}
        self._ours: dict[str, str] = {}

    def renamed(self, frame: PermissionAsked | PermissionWithdrawn) -> PermissionAsked | PermissionWithdrawn:
        """Return a frame of the CLI with our id of the request: a new UUID when the CLI asks."""
        theirs = frame.request_id
        if isinstance(frame, PermissionAsked):
            ours = new_id()
            self._theirs[ours], self._ours[theirs] = theirs, ours
            return replace(frame, request_id=ours)
        ours = self._ours.pop(theirs, theirs)
        self._theirs.pop(ours, None)
        return replace(frame, request_id=ours)

    def close(self, ours: str) -> str | None:
        """Return the CLI's id of a request that is about to be answered; None if it was withdrawn or answered."""
        theirs = self._theirs.pop(ours, None)
        if theirs is not None and self._ours.get(theirs) == ours:
            del self._ours[theirs]
        return theirs
