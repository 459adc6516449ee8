"""What the retention of the log asks of the store, and the parts of the log that are kept for times of their own."""

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
    """A part of the log that is kept for a time of its own."""

    MESSAGES = "messages"
    LIFECYCLE = "lifecycle"


@dataclass(frozen=True, slots=True)
class SessionLog:
    """A session whose log may be too long; `number` orders them."""

    number: int
    session_id: str
    workspace_id: str
    last_sequence: int


class Compactor(Protocol):
    """What the retention asks of the store. Every method may raise StoreUnavailable.

    What is cut is deleted in one commit with the floors that rise above it. A cut of the lifecycle takes messages too.
    """

    async def cut_old(self, part: Part, *, before: datetime, up_to: int) -> int:
        """Cut the oldest events of all sessions; returns how many were looked at, 0 if none was old enough.

        Looks at no more than `app.pacing.PIECE` events, at none above revision `up_to`, and stops at the first that is
        not older than `before`.
        """
        ...

    async def long_logs(self, *, longer_than: int, after: int, limit: int) -> Sequence[SessionLog]:
        """Return sessions that have had more events than that, by number, from the first above `after` on."""
        ...

    async def cut_long(self, session: SessionLog, part: Part, *, keep: int, up_to: int) -> int:
        """Cut the oldest events of a session, all but its last `keep`; returns how many were looked at, as above."""
        ...
