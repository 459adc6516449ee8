"""Listeners: code that an operator adds to the server, called with every event that it asks for.

A listener is a watcher with a callback: its own task reads the log from a cursor. So a listener that raises, hangs or
is slow delays only itself, needs bounded memory, and loses nothing. The offset of a named listener is stored in the
database: after a restart it continues there. It hears every event at least once, and some of them again after a crash.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, TypeVar, runtime_checkable

from greenroomd.domain.events import EventType

E_contra = TypeVar("E_contra", contravariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """Which events a listener hears, and how failed calls are repeated."""

    name: str = ""
    """The name under which its offset is stored. "": it only hears events committed while the server runs."""
    types: frozenset[EventType] = frozenset()
    """The events that it hears; empty: all durable ones."""
    timeout: timedelta = timedelta(seconds=30)
    """How long one call may take; a longer one is cancelled and counts as failed."""
    first_wait: timedelta = timedelta(seconds=1)
    """The longest random wait before a failed call is repeated for the first time; doubled after each failure."""
    longest_wait: timedelta = timedelta(minutes=1)
    """The limit to which that wait grows."""
    attempts: int | None = None
    """After how many failed calls an event is passed over; None: never."""


class PassOver(Exception):
    """A listener raises this for an event that it will never take; the text says why."""


class CancelledWithin(Exception):
    """A listener raised CancelledError without having been cancelled; it will get the event again."""


@runtime_checkable
class Listener(Protocol[E_contra]):
    """Hears events one after the other, in the order in which they were committed.

    It runs on the server's event loop: put blocking work (files, blocking clients) into `asyncio.to_thread`. A listener
    that is also an asynchronous context manager is entered before its first event and exited when the server stops.
    """

    @property
    def subscription(self) -> Subscription:
        """Which events it hears; read once."""
        ...

    async def hear(self, event: E_contra) -> None:
        """Take one event. If it raises anything but PassOver, it gets the same event again."""
        ...
