"""Reading sessions with their turns, approvals and background tasks, one by one or in pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from greenroomd.domain.approval import Approval
from greenroomd.domain.config import Secret
from greenroomd.domain.session import Session
from greenroomd.domain.states import State
from greenroomd.domain.task import Task
from greenroomd.domain.turn import Turn

T = TypeVar("T")


class OrderBy(StrEnum):
    """The sort key of a list of sessions."""

    CREATE_TIME = "create_time"
    LAST_ACTIVE_TIME = "last_active_time"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionQuery:
    """Which sessions to list, in which order. Time ranges are half open: from ≤ t < to."""

    workspace_id: str | None
    """The workspace; None: all of them."""
    within: frozenset[str] | None = None
    """The workspaces that the reader may see: no session of another one; None: all of them."""
    states: frozenset[State] = frozenset()
    """The states; empty: all."""
    user_id: str | None = None
    """The end user; None: any."""
    profile_id: str | None = None
    """The profile; None: any."""
    labels: tuple[tuple[str, str], ...] = ()
    """The labels (key, value) that a session must have, all of them."""
    live_only: bool = False
    """Whether to list only sessions that may have a process."""
    created_from: datetime | None = None
    """The earliest creation time."""
    created_to: datetime | None = None
    """The first creation time that is too late."""
    active_from: datetime | None = None
    """The earliest time of the last activity."""
    active_to: datetime | None = None
    """The first time of the last activity that is too late."""
    order_by: OrderBy = OrderBy.CREATE_TIME
    """The sort key; sessions with the same key come in the order of their creation."""
    descending: bool = False
    """Whether the newest come first."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page ended: the sort key (microseconds since the epoch, or a number) and the id of its last item."""

    key: int
    id: str


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list; `next` is None at the end. A watch from `revision` misses no later change."""

    items: Sequence[T]
    next: Position | None
    revision: int


class SessionReader(Protocol):
    """Reads what is stored of sessions. Every method may raise StoreUnavailable."""

    async def session(self, session_id: str) -> Session:
        """Return a session as last committed; raises SessionNotFound."""
        ...

    async def sessions(self, query: SessionQuery, *, after: Position | None, limit: int) -> Page[Session]:
        """Return one page of sessions."""
        ...

    async def unsettled(self) -> Sequence[Session]:
        """Return the sessions that need care after a start.

        These are the live ones, those in CREATED with start mode AUTO, and failed ones with a planned restart.
        """
        ...

    async def counted(self) -> Mapping[State, int]:
        """Return how many sessions are in each state. Reads all sessions."""
        ...

    async def oauth_token(self, session_id: str) -> Secret | None:
        """Return the session's token, if it has one."""
        ...

    async def turn(self, turn_id: str) -> Turn:
        """Return a turn; raises TurnNotFound."""
        ...

    async def turns(self, session_id: str, *, after: Position | None, limit: int) -> Page[Turn]:
        """Return one page of a session's turns by number, oldest first."""
        ...

    async def open_turns(self, session_id: str) -> Sequence[Turn]:
        """Return the queued and running turns of a session, by number."""
        ...

    async def approval(self, approval_id: str) -> Approval:
        """Return an approval; raises ApprovalNotFound."""
        ...

    async def approvals(self, session_id: str, *, after: Position | None, limit: int) -> Page[Approval]:
        """Return one page of a session's approvals, oldest first."""
        ...

    async def task(self, session_id: str, task_id: str) -> Task:
        """Return a background task of a session; raises TaskNotFound."""
        ...

    async def tasks(self, session_id: str, *, after: Position | None, limit: int) -> Page[Task]:
        """Return one page of a session's background tasks, oldest first."""
        ...

    async def open_tasks(self, session_id: str) -> Sequence[Task]:
        """Return the background tasks of a session that have not ended, oldest first."""
        ...
