"""Finds the workspace of what a caller names, to decide whether the caller may see it."""

from __future__ import annotations

from greenroomd.app.ports.storage import Store
from greenroomd.domain.errors import ApprovalNotFound, SessionNotFound, TurnNotFound


class Workspaces:
    """Looks records up for their workspace alone; every method may raise StoreUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def of_session(self, session_id: str) -> str:
        """Return a session's workspace; raises SessionNotFound."""
        return (await self._store.session(session_id)).workspace_id

    async def of_turn(self, turn_id: str) -> str:
        """Return the workspace of a turn's session; raises TurnNotFound."""
        turn = await self._store.turn(turn_id)
        try:
            return await self.of_session(turn.session_id)
        except SessionNotFound:  # deleted meanwhile
            raise TurnNotFound(turn_id) from None

    async def of_approval(self, approval_id: str) -> str:
        """Return the workspace of an approval's session; raises ApprovalNotFound."""
        approval = await self._store.approval(approval_id)
        try:
            return await self.of_session(approval.session_id)
        except SessionNotFound:  # deleted meanwhile
            raise ApprovalNotFound(approval_id) from None

    async def of_event(self, revision: int) -> str:
        """Return the workspace of the durable event with this revision; raises EventNotFound."""
        event, _ = await self._store.whole_event(revision)
        return event.workspace_id
