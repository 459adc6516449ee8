"""The client for programs that block."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from types import TracebackType
from typing import Self

import grpc

from greenroom.answer import Answer
from greenroom.connection import Connection, Tls, Token
from greenroom.repeatable import repeatable
from greenroom.resumption import PATIENCE, Backoff, TurnProgress, WatchProgress
from greenroom.sync_calls import Calls, followed
from greenroom.v1.event_pb2 import Event, EventType
from greenroom.v1.event_service_pb2 import WATCH_START_NOW, WatchEventsRequest, WatchStart
from greenroom.v1.event_service_pb2_grpc import EventServiceStub
from greenroom.v1.node_service_pb2_grpc import NodeServiceStub
from greenroom.v1.profile_service_pb2_grpc import ProfileServiceStub
from greenroom.v1.session_service_pb2_grpc import SessionServiceStub
from greenroom.v1.turn_pb2 import Turn
from greenroom.v1.turn_service_pb2 import RunTurnRequest
from greenroom.v1.turn_service_pb2_grpc import TurnServiceStub


class SyncClient:
    """One connection to a Greenroom server; safe to share between threads.

    The services are attributes: `sessions`, `turns`, `events`, `profiles`, `nodes`. Their calls raise
    `greenroom.Error`, carry a request_id where they change something, and are repeated, as the service config says,
    while the server cannot be reached. Closed by its block, or by `close`. `patience` is how long `watch` and
    `run_turn` try to reach a server again before they raise.

    `tls` is False for a plain connection, True for one that trusts the system's authorities, the PEM of the authority
    to trust, or a `Tls`. `token` goes along with every call; a function is asked each time, such as a `TokenFile`.
    Raises ValueError for a token that would leave this machine unencrypted.
    """

    def __init__(
        self,
        target: str = "127.0.0.1:50051",
        *,
        tls: bool | bytes | Tls = False,
        token: Token = "",
        patience: timedelta = PATIENCE,
    ) -> None:
        connection = Connection(target=target, tls=tls, token=token)
        credentials = connection.credentials()
        self._closing = threading.Event()
        if credentials is None:
            self._channel = grpc.insecure_channel(target, connection.options())
        else:
            self._channel = grpc.secure_channel(target, credentials, connection.options())
        self.channel = grpc.intercept_channel(self._channel, Calls(connection, self._closing))
        self._patience = patience
        self.sessions = SessionServiceStub(self.channel)
        self.turns = TurnServiceStub(self.channel)
        self.events = EventServiceStub(self.channel)
        self.profiles = ProfileServiceStub(self.channel)
        self.nodes = NodeServiceStub(self.channel)

    def watch(
        self,
        *session_ids: str,
        workspace_id: str = "",
        start: WatchStart.ValueType = WATCH_START_NOW,
        after: str = "",
        types: Sequence[EventType.ValueType] = (),
        include_ephemeral: bool = False,
        until_closed: bool = False,
    ) -> Iterator[Event]:
        """Yield the events of the sessions, or of the workspace when none is named, each once and in order.

        A lost connection is made again and the watch goes on behind the last event. `after` is the `cursor` of an
        event seen before; keep the last one to go on in another process. Ends only with `until_closed`.
        Raises CursorBelowFloor when events were missed for good, and any other error that waiting does not mend.
        """
        request = WatchEventsRequest(
            session_ids=session_ids,
            workspace_id=workspace_id,
            types=types,
            include_ephemeral=include_ephemeral,
            until_closed=until_closed,
        )
        if after:
            request.after = after
        else:
            request.start = start
        progress = WatchProgress(request, self._backoff())
        return followed(progress, lambda: self.events.WatchEvents(progress.request()), self._closing)

    def run_turn(self, session_id: str, prompt: str) -> RunningTurn:
        """Give a session a prompt and yield the events of the turn until it ends; `turn` is then how it ended.

        A lost connection is made again, and never starts a second turn.
        """
        return self.run(RunTurnRequest(session_id=session_id, prompt=prompt))

    def run(self, request: RunTurnRequest) -> RunningTurn:
        """Do as `run_turn` does, with everything that a request can say."""
        progress = TurnProgress(repeatable(request), self._backoff())
        return RunningTurn(self.turns, progress, self._closing)

    def close(self) -> None:
        """Close the connection; calls, watches and turns that are under way raise `greenroom.Error`: CANCELLED."""
        self._closing.set()
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _backoff(self) -> Backoff:
        return Backoff(self._patience, time.monotonic)


class RunningTurn:
    """The events of a turn as they come; to be iterated once."""

    def __init__(self, turns: TurnServiceStub, progress: TurnProgress, closing: threading.Event) -> None:
        self._turns = turns
        self._progress = progress
        self._closing = closing

    @property
    def turn(self) -> Turn | None:
        """The turn as it ended; None until the iteration is over."""
        return self._progress.turn

    def __iter__(self) -> Iterator[Event]:
        progress, turns = self._progress, self._turns
        return followed(progress, lambda: turns.RunTurn(progress.request), self._closing)

    def texts(self) -> Iterator[str]:
        """Yield what the model has said so far, each time it has changed; in place of iterating the events.

        It is the whole text each time, since a beginning can be taken back; see `Answer`.
        """
        self._progress.request.include_ephemeral = True
        answer = Answer()
        for event in self:
            if answer.take(event):
                yield answer.text

    def result(self) -> Turn:
        """Read what is left of the events and return the turn as it ended."""
        if self._progress.turn is None:
            for _ in self:
                pass
        assert self._progress.turn is not None  # what ends the iteration
        return self._progress.turn
