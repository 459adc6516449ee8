"""The port to what the CLI's own tools are."""

from __future__ import annotations

from typing import Protocol

from greenroomd.domain.config import JsonObject


class OwnTools(Protocol):
    """Tells the CLI's own tools without a session's process."""

    async def own_tools(
        self, workspace_id: str, hidden: frozenset[str], settings: JsonObject
    ) -> tuple[str, ...]:
        """Return the tools of a session with these settings, in which those of `hidden` are forbidden.

        Empty if that cannot be learned now. The first call with the same values may start a process, if a slot is free
        that nobody waits for.
        """
        ...
