"""The application's hooks for metrics: one method for each thing that happens. Methods must be fast and never raise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

from greenroomd.domain.decision.live import Ending
from greenroomd.domain.lifecycle.deadlines import MAX_DURATION
from greenroomd.domain.states import DRAINING, IDLE_TIMEOUT, POOL_PRESSURE


class SessionObserver(Protocol):
    """Is notified of this node's commits."""

    def session_moved(self, before: str | None, after: str | None) -> None:
        """A session changed its state; it is new if `before` is None, and deleted if `after` is None."""
        ...

    def events_committed(self, count: int) -> None:
        """A commit stored this many durable events."""
        ...


class ProcessObserver(Protocol):
    """Is notified of CLI processes."""

    def process_started(self, origin: Literal["cold", "warm"]) -> None:
        """A session got a process: a new one (`cold`), or one started ahead (`warm`)."""
        ...

    def process_restarted(self, cause: Literal["recovery", "order"]) -> None:
        """A session is getting another process: after a failure, or because a caller or a new config asked for it."""
        ...

    def process_ready(self, seconds: float) -> None:
        """A session's process answered its handshake, `seconds` after it was requested."""
        ...

    def process_ended(self, cause: str) -> None:
        """A session's process has ended; `cause` is one of the few words that `end_cause` returns."""
        ...

    def usage_charged(self, model: str, tokens: Mapping[str, int], requests: int, cost_usd: float) -> None:
        """A session was charged with tokens by their kind, requests and cost; `model` was in force in it."""
        ...


class ListenerObserver(Protocol):
    """Is notified of listeners, by the names that the operator gave them."""

    def listener_heard(self, listener: str) -> None:
        """A listener took an event."""
        ...

    def listener_failed(self, listener: str) -> None:
        """A listener raised or took too long, and will be given the event again."""
        ...

    def listener_passed_over(self, listener: str) -> None:
        """A listener will never get an event: it was passed over."""
        ...


class Unobserved:
    """Ignores everything."""

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

    def usage_charged(self, model: str, tokens: Mapping[str, int], requests: int, cost_usd: float) -> None:
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
    """Return why a process ended, in one word: `crash` if it was not asked to, otherwise our own reason or the purpose.

    A reason in a caller's own words is not used as a label; the purpose stands in for it: close, suspend, restart or
    fail.
    """
    if memory_limit_hit:
        return "memory_limit"
    if ending is None:
        return "crash"
    return _CAUSES.get(ending.reason, ending.purpose.value)
