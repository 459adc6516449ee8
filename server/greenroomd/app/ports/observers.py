"""What the application tells whoever counts: one method for each thing that happens, all of them cheap and harmless."""

from __future__ import annotations

from typing import Literal, Protocol

from greenroomd.domain.lifecycle.deadlines import MAX_DURATION
from greenroomd.domain.lifecycle.live import Ending
from greenroomd.domain.states import DRAINING, IDLE_TIMEOUT, POOL_PRESSURE


class SessionObserver(Protocol):
    """Hears of what this node has committed."""

    def session_moved(self, before: str | None, after: str | None) -> None:
        """A session changed its state; it is new if `before` is None, and deleted if `after` is."""
        ...

    def events_committed(self, count: int) -> None:
        """So many durable events became one commit."""
        ...


class ProcessObserver(Protocol):
    """Hears of CLI processes."""

    def process_started(self, origin: Literal["cold", "warm"]) -> None:
        """A session got a process: started for it, or ahead of it."""
        ...

    def process_restarted(self, cause: Literal["recovery", "order"]) -> None:
        """A session is getting another process: after a failure, or because somebody or its config wanted it."""
        ...

    def process_ready(self, seconds: float) -> None:
        """A session's process answered its handshake so long after it was wished for."""
        ...

    def process_ended(self, cause: str) -> None:
        """A session's process is gone; `cause` is one of a few words, see `end_cause`."""
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


class Unobserved:
    """Counts nothing."""

    def session_moved(self, before: str | None, after: str | None) -> None:
        """Ignore it."""

    def events_committed(self, count: int) -> None:
        """Ignore it."""

    def process_started(self, origin: Literal["cold", "warm"]) -> None:
        """Ignore it."""

    def process_restarted(self, cause: Literal["recovery", "order"]) -> None:
        """Ignore it."""

    def process_ready(self, seconds: float) -> None:
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

_CAUSES = {
    IDLE_TIMEOUT: "idle",
    POOL_PRESSURE: "pool_pressure",
    DRAINING: "drain",
    MAX_DURATION: "max_duration",
}


def end_cause(ending: Ending | None, *, memory_limit_hit: bool = False) -> str:
    """Say in a word why a process ended: `crash` if nobody wanted it to, else the reason, if it is one of ours.

    Callers give reasons in words of their own; these count as what was wanted: close, suspend, restart, fail.
    """
    if memory_limit_hit:
        return "memory_limit"
    if ending is None:
        return "crash"
    return _CAUSES.get(ending.reason, ending.purpose.value)
