"""Decides when a session's lifetime ends, with or without a process, and when that is announced. Pure.

`limits.max_duration` counts from the session's creation, in every state. `session.expiring` announces the end one
minute before it, or a tenth of the limit if that is less, and again each time the end is moved.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from greenroomd.domain.session import Session
from greenroomd.domain.states import State

NOTICE = timedelta(minutes=1)
NOTICE_SHARE = 10  # a tenth of the limit, if that is less than a minute


def end_time(session: Session) -> datetime | None:
    """Return when the limit closes the session; None if it has no limit, or is closing or closed."""
    return None if session.state in (State.CLOSING, State.CLOSED) else session.expire_time


def notice_time(session: Session) -> datetime | None:
    """Return when to announce the end; None if there is none, or it has been announced."""
    limit, end = session.config.limits.max_duration, end_time(session)
    if limit is None or end is None or session.expiry_told == end:
        return None
    return end - min(NOTICE, limit / NOTICE_SHARE)


def due_time(session: Session) -> datetime | None:
    """Return when a session without an owner is next due; None if it has no deadline, or is live."""
    return None if session.live else notice_time(session) or end_time(session)
