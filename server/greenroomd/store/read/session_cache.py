"""Caches the sessions written or read last, so that reading them needs no database access.

Write-through: a commit updates the cache before it is announced, so the cache is never older than an acknowledged
commit. Used on the event loop only. A session that another node has changed is dropped as soon as this node learns of
the change.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from greenroomd.domain.session import Session


@dataclass(slots=True, eq=False)
class _Reads:
    """The reads of one session that are in progress and began after its last change."""

    count: int = 0
    outdated: bool = False


class SessionCache:
    """Holds at most `limit` sessions; evicts the least recently used first."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._under_way: dict[str, _Reads] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def get(self, session_id: str) -> Session | None:
        """Return a session if it is cached."""
        session = self._sessions.get(session_id)
        if session is not None:
            self._sessions.move_to_end(session_id)
        return session

    @contextmanager
    def reading(self, session_id: str) -> Iterator[Callable[[Session], Session]]:
        """Announce a read of a session before it begins; the block passes the result to the yielded function.

        That function caches the session and returns it. If the session has changed since the block began, it caches
        nothing and returns the newest known session.
        """
        reads = self._under_way.setdefault(session_id, _Reads())

        def keep(session: Session) -> Session:
            present = self._sessions.get(session_id)
            if present is not None and present.revision >= session.revision:
                return present
            if not reads.outdated:
                self._put(session)
            return session

        reads.count += 1
        try:
            yield keep
        finally:
            reads.count -= 1
            if reads.count == 0 and self._under_way.get(session_id) is reads:
                del self._under_way[session_id]

    def put_committed(self, session: Session) -> None:
        """Cache a session as it was just committed."""
        self._outdate_reads(session.session_id)
        self._put(session)

    def forget(self, session_id: str) -> None:
        """Drop a session that was deleted, or changed by another node. Reads in progress do not bring it back."""
        self._outdate_reads(session_id)
        self._sessions.pop(session_id, None)

    def clear(self) -> None:
        """Drop every session. Reads in progress do not bring them back."""
        for session_id in list(self._under_way):
            self._outdate_reads(session_id)
        self._sessions.clear()

    def _put(self, session: Session) -> None:
        self._sessions[session.session_id] = session
        self._sessions.move_to_end(session.session_id)
        if len(self._sessions) > self._limit:
            self._sessions.popitem(last=False)

    def _outdate_reads(self, session_id: str) -> None:
        reads = self._under_way.pop(session_id, None)
        if reads is not None:
            reads.outdated = True
