"""The deadlines of sessions without an owner, in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Due:
    """When the passing of time changes a session next; `number` orders sessions with the same time."""

    time: datetime
    number: int
    session_id: str


class DueIndex(Protocol):
    """Finds the next deadlines. Every method may raise StoreUnavailable."""

    async def due(self, *, after: Due | None = None, limit: int) -> Sequence[Due]:
        """Return the sessions without an owner that have a deadline, earliest first, including overdue ones."""
        ...
