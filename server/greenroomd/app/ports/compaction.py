"""What retention needs from the store, and the parts of the log that have a retention time of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from greenroomd.domain.events import EPHEMERAL, EventType

MESSAGES: Final = frozenset(kind for kind in EventType if kind.startswith("message.")) - EPHEMERAL
LIFECYCLE: Final = frozenset(EventType) - EPHEMERAL - MESSAGES


class Part(StrEnum):
    """A part of the log with a retention time of its own."""

    MESSAGES = "messages"
    LIFECYCLE = "lifecycle"


@dataclass(frozen=True, slots=True)
class SessionLog:
    """A session whose log may be too long; `number` orders sessions."""

    number: int
    session_id: str
    workspace_id: str
    last_sequence: int


class Compactor(Protocol):
    """What retention needs from the store. Every method may raise StoreUnavailable.

    A cut deletes events and raises the floors above them in one commit. A cut of LIFECYCLE deletes messages too.
    """

    async def cut_old(self, part: Part, *, before: datetime, up_to: int) -> int:
        """Cut the oldest events of all sessions; returns how many were examined, 0 if none was old enough.

        Examines at most `app.pacing.PIECE` events, none above revision `up_to`, and stops at the first that is not
        older than `before`.
        """
        ...

    async def long_logs(self, *, longer_than: int, after: int, limit: int) -> Sequence[SessionLog]:
        """Return sessions that have had more than `longer_than` events, by number, beginning above `after`."""
        ...

    async def cut_long(self, session: SessionLog, part: Part, *, keep: int, up_to: int) -> int:
        """Cut a session's oldest events, all but its last `keep`; returns how many were examined, as `cut_old` does."""
        ...
