"""What waits for the writer's thread, with the calls that wait for its outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from greenroomd.domain.session import Session
from greenroomd.store.engine import is_outage, unavailable
from greenroomd.store.write.batch_plan import Prepared


@dataclass(frozen=True, slots=True)
class PendingCommit:
    """A unit that is committed together with others."""

    prepared: Prepared
    """The unit, encoded."""

    done: asyncio.Future[Session]
    """Gets the session as committed."""


@dataclass(frozen=True, slots=True)
class ExclusiveWork:
    """Work that has a transaction of its own."""

    work: Callable[[Connection, datetime], Any]
    """Called on the thread with the connection and the time."""

    done: asyncio.Future[Any]
    """Gets what the work returns, once it is durable."""


@dataclass(frozen=True, slots=True)
class CatchUp:
    """A look at what other nodes have committed."""

    up_to: int
    """The revision to which the log is said to have come."""

    done: asyncio.Future[None] | None = None
    """Is done when everything up to `up_to` is announced; None if nobody waits for it."""


Pending = list[PendingCommit] | ExclusiveWork | CatchUp | None
"""What the thread takes from its queue; None is the end."""


def succeed(pending: ExclusiveWork | CatchUp, outcome: Any) -> None:
    """Wake the caller, unless it was cancelled. Runs on the event loop."""
    if pending.done is not None and not pending.done.done():
        pending.done.set_result(outcome)


def fail(batch: Sequence[PendingCommit | ExclusiveWork | CatchUp], error: Exception) -> None:
    """Raise an error in all callers that still wait, an outage as StoreUnavailable. Runs on the event loop."""
    for pending in batch:
        if pending.done is not None and not pending.done.done():
            pending.done.set_exception(unavailable(error) if is_outage(error) else error)
