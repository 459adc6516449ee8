"""What listeners need from the store: their offsets."""

from __future__ import annotations

from typing import Protocol


class ListenerOffsets(Protocol):
    """Stores the offset of each listener. Every method may raise StoreUnavailable."""

    async def listener_position(self, name: str) -> int | None:
        """Return the revision up to which a listener has heard everything; None for a new listener."""
        ...

    async def save_offset(self, name: str, revision: int) -> None:
        """Store durably that a listener has heard everything up to a revision."""
        ...
