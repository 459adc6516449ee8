"""The port to storage: what the application needs from the database, in its own terms.

Adapters live in `greenroomd.store`. The store has one counter of revisions: they rise in commit order, and every
durable event has its own. Each part of the port has a file of its own beside this one.
"""

from __future__ import annotations

from typing import Protocol

from greenroomd.app.ports.committer import Committer, Request, RequestReplayed, Unit
from greenroomd.app.ports.due_index import Due, DueIndex
from greenroomd.app.ports.event_log import (
    BEGINNING,
    Announce,
    EncodedEvent,
    EventCodec,
    EventLog,
    Selection,
    StoredEvent,
)
from greenroomd.app.ports.session_reader import OrderBy, Page, Position, SessionQuery, SessionReader

__all__ = [
    "BEGINNING",
    "Announce",
    "Committer",
    "Due",
    "DueIndex",
    "EncodedEvent",
    "EventCodec",
    "EventLog",
    "OrderBy",
    "Page",
    "Position",
    "Request",
    "RequestReplayed",
    "Selection",
    "SessionQuery",
    "SessionReader",
    "Store",
    "StoredEvent",
    "Unit",
]


class Store(Committer, SessionReader, EventLog, DueIndex, Protocol):
    """All durable state, for those who need several parts of it. Every method may raise StoreUnavailable."""

    @property
    def store_id(self) -> str:
        """The id given to the database when it was created; part of every cursor."""
        ...
