"""The CLI's open questions under names of our own: its names are unique to one process at most, ours everywhere."""

from __future__ import annotations

from dataclasses import replace

from greenroomd.app.ids import new_id
from greenroomd.domain.frames import PermissionAsked, PermissionWithdrawn


class Questions:
    """Renames the questions of one process, and knows which may still be answered."""

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
