"""What a stream that survives its connection remembers: where to go on, and how long to wait. No input or output."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Protocol, TypeVar

import grpc

from greenroom.errors import Error, Unavailable
from greenroom.v1.event_pb2 import Event
from greenroom.v1.event_service_pb2 import WatchEventsRequest, WatchEventsResponse
from greenroom.v1.turn_pb2 import Turn
from greenroom.v1.turn_service_pb2 import RunTurnRequest, RunTurnResponse

PATIENCE = timedelta(minutes=1)
FIRST_WAIT = 0.1  # seconds
LONGEST_WAIT = 5.0  # seconds
LOSSES = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.CANCELLED,
    }
)
"""What a lost connection is called; it depends on the proxy that lost it. A refusal of the server also has a reason."""


FrameIn = TypeVar("FrameIn", contravariant=True)


class Progress(Protocol[FrameIn]):
    """What is known of a stream that survives its connection."""

    def take(self, frame: FrameIn) -> Sequence[Event]:
        """Take note of a frame and return its events."""

    def wait_after_end(self) -> float | None:
        """Return the seconds until the next call after the server ended the stream; None at its end."""

    def wait_after(self, error: Error) -> float:
        """Return the seconds until the next call after a broken stream; raises *error* if there shall be none."""


class Backoff:
    """Waits between attempts: they double, and jitter keeps clients that were cut off together from returning so."""

    def __init__(self, patience: timedelta, now: Callable[[], float]) -> None:
        self._patience = patience.total_seconds()
        self._now = now
        self._attempt = 0
        self._failing_since: float | None = None
        self._begun = False

    def succeeded(self) -> None:
        """Take note that the server answered."""
        self._attempt, self._failing_since, self._begun = 0, None, True

    def next_wait(self, error: Error | None, at_least: timedelta = timedelta()) -> float:
        """Return the seconds to wait before the next attempt.

        Raises *error* if it is one that waiting does not mend, or once nothing has succeeded for the patience given.
        """
        if error is not None and not self._mends(error):
            raise error
        if self._failing_since is None:
            self._failing_since = self._now()
        if error is not None and self._now() - self._failing_since >= self._patience:
            raise error
        ceiling = min(LONGEST_WAIT, FIRST_WAIT * 2**self._attempt)
        self._attempt = min(self._attempt + 1, 16)
        asked = max(at_least, (error and error.retry_delay) or timedelta()).total_seconds()
        return asked + random.uniform(ceiling / 2, ceiling)

    def _mends(self, error: Error) -> bool:
        """Return whether the next attempt may succeed after *error*."""
        if not error.reason:
            return error.code in LOSSES
        # A stream that was on is refused as one too many while the server still counts its lost connection.
        counted_twice = self._begun and error.reason == "WATCHER_CAP" and error.retry_delay is not None
        return isinstance(error, Unavailable) or counted_twice


class WatchProgress:
    """One watch over as many connections as it takes."""

    def __init__(self, request: WatchEventsRequest, backoff: Backoff) -> None:
        self._request = WatchEventsRequest()
        self._request.CopyFrom(request)
        self._backoff = backoff
        self._draining = False
        self._server_asks = timedelta()

    def request(self) -> WatchEventsRequest:
        """Return the request that goes on where the watch stands."""
        self._draining, self._server_asks = False, timedelta()
        return self._request

    def take(self, frame: WatchEventsResponse) -> Sequence[Event]:
        """Move behind a frame and return its events."""
        self._backoff.succeeded()
        if frame.cursor:
            self._request.after = frame.cursor
            self._request.initial_state = False  # belongs to a beginning, and this is one no longer
        if frame.HasField("draining"):
            self._draining = True
            self._server_asks = frame.draining.retry_delay.ToTimedelta()
        return frame.events

    def wait_after_end(self) -> float | None:
        """Return the seconds until the next attempt after the server ended the stream; None if the watch is over."""
        over = self._request.until_closed and not self._draining
        return None if over else self._backoff.next_wait(None, self._server_asks)

    def wait_after(self, error: Error) -> float:
        """Return the seconds until the next attempt after a broken stream; raises *error* if there shall be none."""
        return self._backoff.next_wait(error, self._server_asks)


class TurnProgress:
    """One turn over as many connections as it takes: the request_id makes each attempt the same turn."""

    def __init__(self, request: RunTurnRequest, backoff: Backoff) -> None:
        self.request = request
        self.turn: Turn | None = None
        self._backoff = backoff
        self._sequence = 0

    def take(self, frame: RunTurnResponse) -> Sequence[Event]:
        """Return the events of a frame that were not seen before: a repeated call tells the turn anew."""
        self._backoff.succeeded()
        fresh = [event for event in frame.events if not event.sequence or event.sequence > self._sequence]
        self._sequence = max([self._sequence, *(event.sequence for event in fresh)])
        if frame.HasField("turn"):
            self.turn = frame.turn
        return fresh

    def wait_after_end(self) -> float | None:
        """Return the seconds until the next attempt after the server ended the stream; None if the turn is over."""
        return None if self.turn is not None else self._backoff.next_wait(None)

    def wait_after(self, error: Error) -> float:
        """Return the seconds until the next attempt after a broken stream; raises *error* if there shall be none."""
        return self._backoff.next_wait(error)
