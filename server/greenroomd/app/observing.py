"""What the application tells whoever counts: one method for each thing that happens, all of them cheap and harmless."""

from __future__ import annotations

from typing import Literal, Protocol


class SessionObserver(Protocol):
    """Hears of sessions."""

    def session_moved(self, before: str | None, after: str | None) -> None:
        """A session changed its state; it is new if `before` is None, and deleted if `after` is."""
        ...


class WatchObserver(Protocol):
    """Hears of event streams."""

    def watch_opened(self) -> None:
        """A client began to watch."""
        ...

    def watch_closed(self) -> None:
        """A client stopped watching."""
        ...


class ProcessObserver(Protocol):
    """Hears of CLI processes."""

    def process_started(self, origin: Literal["cold", "warm"]) -> None:
        """A session got a process: started for it, or ahead of it."""
        ...

    def process_ended(self, cause: str) -> None:
        """A session's process is gone; `cause` is one of a few words."""
        ...


class ListenerObserver(Protocol):
    """Hears of listeners, by the names that the operator gave them."""

    def listener_heard(self, listener: str) -> None:
        """An event was taken."""
        ...

    def listener_failed(self, listener: str) -> None:
        """A listener raised or took too long, and will be given the event again."""
        ...

    def listener_passed_over(self, listener: str) -> None:
        """A listener will never get an event."""
        ...


class Observer(SessionObserver, WatchObserver, ProcessObserver, ListenerObserver, Protocol):
    """Hears of everything."""


class Unobserved:
    """Counts nothing."""

    def session_moved(self, before: str | None, after: str | None) -> None:
        """Ignore it."""

    def watch_opened(self) -> None:
        """Ignore it."""

    def watch_closed(self) -> None:
        """Ignore it."""

    def process_started(self, origin: Literal["cold", "warm"]) -> None:
        """Ignore it."""

    def process_ended(self, cause: str) -> None:
        """Ignore it."""

    def listener_heard(self, listener: str) -> None:
        """Ignore it."""

    def listener_failed(self, listener: str) -> None:
        """Ignore it."""

    def listener_passed_over(self, listener: str) -> None:
        """Ignore it."""


UNOBSERVED = Unobserved()
