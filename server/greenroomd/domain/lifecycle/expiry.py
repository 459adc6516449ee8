"""When a session's time is up, with or without a process, and when that is announced. Pure.

`limits.max_duration` counts from the session's creation, whatever state it is in. One minute before the end, or a tenth
of the limit if that is less, `session.expiring` tells of it, once for each time that the end is moved.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from greenroomd.domain.session import Session
from greenroomd.domain.states import State

NOTICE = timedelta(minutes=1)
NOTICE_SHARE = 10  # of the limit, where a minute would be long


def end_time(session: Session) -> datetime | None:
    """Return when the session is closed by its limit; None if it has none, or is being closed already."""
    return None if session.state in (State.CLOSING, State.CLOSED) else session.expire_time


def notice_time(session: Session) -> datetime | None:
    """Return when the end is to be announced; None if there is none, or it was announced."""
    limit, end = session.config.limits.max_duration, end_time(session)
    if limit is None or end is None or session.expiry_told == end:
        return None
    return end - min(NOTICE, limit / NOTICE_SHARE)


def due_time(session: Session) -> datetime | None:
    """Return when a session that rests changes though nobody touches it; None if its owner keeps its time."""
    return None if session.live else notice_time(session) or end_time(session)
