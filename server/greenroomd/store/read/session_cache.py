"""The sessions that were written or read last, in memory: reading one of them touches no database.

Write-through: a commit puts its sessions here before anybody hears of it, so what is read is never older than what was
acknowledged. Used on the event loop only. What another node has changed is made to be `outdated` here, as soon as this
node hears of it.
"""

from __future__ import annotations

from collections import OrderedDict

from greenroomd.domain.session import Session


class SessionCache:
    """At most `limit` sessions, the least recently used given up first; those beyond cost no memory."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._outdated: OrderedDict[str, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._sessions)

    def get(self, session_id: str) -> Session | None:
        """Return a session if it is here."""
        session = self._sessions.get(session_id)
        if session is not None:
            self._sessions.move_to_end(session_id)
        return session

    def put_committed(self, session: Session) -> None:
        """Keep a session as it was just committed."""
        self._sessions[session.session_id] = session
        self._sessions.move_to_end(session.session_id)
        if len(self._sessions) > self._limit:
            self._sessions.popitem(last=False)

    def put_read(self, session: Session) -> Session:
        """Keep a session that was read, and return it; what a commit put here meanwhile is newer and stays."""
        present = self._sessions.get(session.session_id)
        if present is not None and present.revision >= session.revision:
            return present
        if session.revision >= self._outdated.get(session.session_id, 0):
            self.put_committed(session)
        return session

    def forget(self, session_id: str) -> None:
        """Drop a session, so that it is read anew."""
        self._sessions.pop(session_id, None)

    def outdated(self, session_id: str, revision: int) -> None:
        """Drop a session that another node has changed, or somebody deleted, in a commit with this revision.

        A read that is under way does not bring the old one back.
        """
        self.forget(session_id)
        self._outdated[session_id] = revision
        self._outdated.move_to_end(session_id)
        if len(self._outdated) > self._limit:
            self._outdated.popitem(last=False)

    def clear(self) -> None:
        """Drop everything."""
        self._sessions.clear()
