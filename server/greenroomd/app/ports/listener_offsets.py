"""What the listeners ask of the store: how far each has come."""

from __future__ import annotations

from typing import Protocol


class ListenerOffsets(Protocol):
    """Stores how far each listener has come. Every method may raise StoreUnavailable."""

    async def listener_position(self, name: str) -> int | None:
        """Return the revision up to which a listener has heard everything; None if it is new."""
        ...

    async def save_offset(self, name: str, revision: int) -> None:
        """Make durable that a listener has heard everything up to a revision."""
        ...
