"""Gives the CLI's permission questions ids of our own: its ids are unique in one process at most, ours everywhere."""

from __future__ import annotations

from dataclasses import replace

from greenroomd.app.ids import new_id
from greenroomd.domain.frames import PermissionAsked, PermissionWithdrawn


class PermissionIds:
    """Replaces the ids of one process's questions, and knows which questions may still be answered."""

    def __init__(self) -> None:
        self._theirs: dict[str, str] = {}
        self._ours: dict[str, str] = {}

    def renamed(self, frame: PermissionAsked | PermissionWithdrawn) -> PermissionAsked | PermissionWithdrawn:
        """Return a frame of the CLI with our name for the question: a new UUID when it is asked."""
        theirs = frame.request_id
        if isinstance(frame, PermissionAsked):
            ours = new_id()
            self._theirs[ours], self._ours[theirs] = theirs, ours
            return replace(frame, request_id=ours)
        ours = self._ours.pop(theirs, theirs)
        self._theirs.pop(ours, None)
        return replace(frame, request_id=ours)

    def close(self, ours: str) -> str | None:
        """Return the CLI's name of a question that is about to be answered; None if it was withdrawn or answered."""
        theirs = self._theirs.pop(ours, None)
        if theirs is not None and self._ours.get(theirs) == ours:
            del self._ours[theirs]
        return theirs
