"""The timer of the sessions without an owner: one task for all of them, which sleeps until the next one is due.

A session with an owner keeps its own deadlines (domain/lifecycle/deadlines.py). One without an owner is only a row. An
index in the store finds the next one that is due, so a hundred thousand of them need no task and no memory here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from functools import partial

import structlog

from greenroomd.app.background import background_tasks, restarting
from greenroomd.app.commands import Change
from greenroomd.app.ports.due_index import DueIndex
from greenroomd.app.ports.storage import Due, StoredEvent
from greenroomd.app.supervision.registry import Supervisors
from greenroomd.domain.errors import GreenroomError, SessionNotFound
from greenroomd.domain.events import EventType
from greenroomd.domain.lifecycle import deadlines

log = structlog.get_logger(__name__)

PAGE = 64
"""Sessions that are handled concurrently: few enough that the store stays responsive to callers."""
AT_MOST_EVERY = timedelta(milliseconds=250)
"""The shortest pause between two queries, even while many sessions are being created."""
SESSION_AGAIN_AFTER = timedelta(seconds=5)
"""How long to wait before retrying a session that could not be handled."""
AT_LEAST_EVERY = timedelta(minutes=1)
"""The longest pause. Covers changes that set no wakeup: commits of other nodes, and clock adjustments."""

_BRINGS_A_DEADLINE = frozenset(
    {
        EventType.SESSION_CREATED,
        EventType.SESSION_UPDATED,
        EventType.SESSION_SUSPENDED,  # its owner, which kept its deadlines, is gone
        EventType.SESSION_ERROR,
    }
)


class DueWakeup:
    """Wakes the timer when a commit may have set a deadline earlier than all others."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def announce(self, events: Sequence[StoredEvent], head: int) -> None:
        """Look at committed events; an `Announce`."""
        if not self._rung.is_set() and any(event.type in _BRINGS_A_DEADLINE for event in events):
            self._rung.set()

    async def wait(self, at_most: timedelta) -> None:
        """Return when woken since the last wait, or after `at_most`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(at_most.total_seconds()):
                await self._rung.wait()
        self._rung.clear()


@asynccontextmanager
async def expiring(
    store: DueIndex, supervisors: Supervisors, wakeup: DueWakeup, now: Callable[[], datetime]
) -> AsyncIterator[None]:
    """Handle the deadlines of sessions without an owner while the block runs, those that are overdue included."""
    async with background_tasks(restarting("expiry", partial(_keep_time, store, supervisors, wakeup, now))):
        yield


async def _keep_time(
    store: DueIndex, supervisors: Supervisors, wakeup: DueWakeup, now: Callable[[], datetime]
) -> None:
    while True:
        try:
            wait = await _sweep(store, supervisors, now) - now()
        except GreenroomError as error:  # the database is unavailable; whatever is due stays due
            log.warning("expiry_delayed", error=str(error))
            wait = SESSION_AGAIN_AFTER
        await asyncio.sleep(AT_MOST_EVERY.total_seconds())
        await wakeup.wait(min(wait - AT_MOST_EVERY, AT_LEAST_EVERY))


async def _sweep(store: DueIndex, supervisors: Supervisors, now: Callable[[], datetime]) -> datetime:
    """Handle every session that is due, earliest first; return when to look again."""
    after: Due | None = None
    handled: list[bool] = []
    while True:
        page = await store.due(after=after, limit=PAGE)
        at = now()
        ripe = [due for due in page if due.time <= at]
        handled += await asyncio.gather(*(_tick(supervisors, due) for due in ripe))
        if len(ripe) < PAGE:
            break
        after = page[-1]
    if any(handled):
        return at  # a session just announced as expiring now has an end time, perhaps the earliest
    upcoming = page[len(ripe)].time if len(ripe) < len(page) else at + AT_LEAST_EVERY
    return upcoming if all(handled) else min(upcoming, at + SESSION_AGAIN_AFTER)


async def _tick(supervisors: Supervisors, due: Due) -> bool:
    """Let the session's owner act on its deadlines; returns whether that worked."""
    try:
        await supervisors.order(Change(session_id=due.session_id), deadlines.tick)
    except SessionNotFound:  # deleted meanwhile
        return True
    except GreenroomError as error:
        log.warning("session_not_expired", session_id=due.session_id, error=str(error))
        return False
    except Exception:
        log.exception("session_not_expired", session_id=due.session_id)
        return False
    return True
