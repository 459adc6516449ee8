"""The port to the files in which the CLI stores conversations."""

from __future__ import annotations

from typing import Protocol


class Transcripts(Protocol):
    """The files in which the CLI stores conversations. Every method raises StoreUnavailable if it fails."""

    async def copy(self, workspace_id: str, conversation: str, copy: str) -> None:
        """Copy a conversation to the id `copy`, replacing any conversation that has this id.

        The copy is durable when this returns. Call it only while no process writes the conversation. Raises
        ConversationLost.
        """
        ...

    async def remove(self, workspace_id: str, conversation: str) -> None:
        """Delete all files of a conversation, if there are any."""
        ...
