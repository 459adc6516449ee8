"""Work that waits for the writer's thread, and the futures of its callers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from greenroomd.domain.session import Session
from greenroomd.store.outages import is_outage, unavailable
from greenroomd.store.write.batch.prepared_unit import Prepared


@dataclass(frozen=True, slots=True)
class PendingCommit:
    """A unit to commit together with others."""

    prepared: Prepared
    """The unit, encoded."""

    done: asyncio.Future[Session]
    """Its result is the session as committed."""


@dataclass(frozen=True, slots=True)
class ExclusiveWork:
    """Work in a transaction of its own."""

    work: Callable[[Connection, datetime], Any]
    """Called on the thread with the connection and the time."""

    done: asyncio.Future[Any]
    """Its result is that of the work, once it is durable."""


@dataclass(frozen=True, slots=True)
class CatchUp:
    """A request to catch up with other nodes."""

    up_to: int
    """The revision that the log is said to have reached."""

    done: asyncio.Future[None]
    """Done when everything up to `up_to` is published."""


Pending = list[PendingCommit] | ExclusiveWork | CatchUp | None
"""An item of the thread's queue; None ends the thread."""


def succeed(pending: ExclusiveWork | CatchUp, outcome: Any) -> None:
    """Wake the caller, unless it was cancelled. Runs on the event loop."""
    if not pending.done.done():
        pending.done.set_result(outcome)


def fail(batch: Sequence[PendingCommit | ExclusiveWork | CatchUp], error: Exception) -> None:
    """Raise an error in all callers that still wait; an outage becomes StoreUnavailable. Runs on the event loop."""
    for pending in batch:
        if not pending.done.done():
            pending.done.set_exception(unavailable(error) if is_outage(error) else error)
