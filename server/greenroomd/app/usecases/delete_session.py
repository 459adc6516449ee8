"""Deletes sessions: only the last event of a deleted one is left, `session.deleted`."""

from __future__ import annotations

from dataclasses import replace

from greenroomd.app.commands import Close, Delete
from greenroomd.app.ports.transcripts import Transcripts
from greenroomd.app.supervision.registry import Supervisors
from greenroomd.app.usecases.sessions import Sessions
from greenroomd.domain.lifecycle import orders
from greenroomd.domain.session import Session


class Deletion:
    """Deletes sessions."""

    def __init__(self, supervisors: Supervisors, sessions: Sessions, transcripts: Transcripts) -> None:
        self._supervisors = supervisors
        self._sessions = sessions
        self._transcripts = transcripts

    async def delete(self, change: Delete) -> None:
        """Delete a closed session with its history, secrets and transcript; with `force`, close it first.

        Raises IllegalTransition if it is not closed, EtagMismatch, SessionNotFound.
        """
        session = await self._closed(change)
        # Before the row: if the server dies in between, the call can be repeated, and no file is left behind.
        await self._transcripts.remove(session.workspace_id, session.cli_session_id)
        await self._supervisors.order(
            replace(change, etag=""), lambda step: orders.delete(step, actor=change.actor)
        )

    async def _closed(self, change: Delete) -> Session:
        """Return the session, which is CLOSED and so stays CLOSED. Has compared the caller's etag."""
        if change.force:
            session = await self._sessions.close(
                Close(session_id=change.session_id, etag=change.etag, actor=change.actor, force=True)
            )
        else:
            look = replace(change, request=None)
            session, _ = await self._supervisors.order(look, lambda step: None)
        orders.require_closed(session)
        return session
