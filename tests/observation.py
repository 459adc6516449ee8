"""What clients saw of a server, kept for judgement: streams across reconnects, acknowledgements, the final state."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc.aio

from greenroom.v1.event_pb2 import Event
from greenroom.v1.event_service_pb2 import (
    WATCH_START_BEGINNING,
    ListEventsRequest,
    WatchEventsRequest,
    WatchEventsResponse,
)
from greenroom.v1.node_pb2 import PoolStatus
from greenroom.v1.node_service_pb2 import GetPoolStatusRequest
from greenroom.v1.session_pb2 import Session
from greenroom.v1.session_service_pb2 import ListSessionsRequest
from greenroom.v1.turn_pb2 import Turn
from greenroom.v1.turn_service_pb2 import ListTurnsRequest
from greenroom_server import PATIENCE, GreenroomServer

AWAY = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.UNKNOWN)
"""What a call ends with when the server dies under it."""


@dataclass(slots=True)
class Connection:
    """One call of WatchEvents: after which revision it began (0: the beginning), and all it brought."""

    after: int
    events: list[Event] = field(default_factory=list)


@dataclass(slots=True)
class Stream:
    """One watcher of a workspace ("" is the whole store): its connections, each begun with the cursor before it."""

    workspace_id: str
    connections: list[Connection] = field(default_factory=list)

    @property
    def events(self) -> list[Event]:
        """All events, in the order in which they came."""
        return [event for connection in self.connections for event in connection.events]


@dataclass(slots=True)
class Recording:
    """All that is judged. `acknowledged` are the turns that StartTurn answered, `created` the sessions.

    `deleted` are sessions whose history is gone by order. The rest is the state at the end, asked of the server.
    """

    streams: list[Stream] = field(default_factory=list)
    created: set[str] = field(default_factory=set)
    acknowledged: dict[str, Turn] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    sessions: dict[str, Session] = field(default_factory=dict)
    histories: dict[str, list[Event]] = field(default_factory=dict)
    turns: dict[str, Turn] = field(default_factory=dict)

    async def take_final_state(self, server: GreenroomServer) -> None:
        """Ask the server for every session, its history and its turns."""
        for session in await every_session(server):
            self.sessions[session.session_id] = session
            self.histories[session.session_id] = await whole_history(server, session.session_id)
            for turn in await every_turn(server, session.session_id):
                self.turns[turn.turn_id] = turn


class Watcher:
    """Records a workspace's events from the beginning, and goes on with its cursor whenever the call breaks off."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self._cursor = ""
        self._revision = 0
        self._call: grpc.aio.UnaryStreamCall[WatchEventsRequest, WatchEventsResponse] | None = None

    @property
    def revision(self) -> int:
        """How far it has seen."""
        return self._revision

    def disconnect(self) -> None:
        """Break the present call off; the watcher comes back with its cursor."""
        if self._call is not None:
            self._call.cancel()

    async def run(
        self,
        server: GreenroomServer,
        done: Callable[[int], bool],
        sleeping: asyncio.Event | None = None,
    ) -> None:
        """Watch until *done* says, given the revision seen so far, that it is enough.

        With *sleeping*, call at once and read nothing until that is set.
        """
        if sleeping is not None:
            self._call = server.events.WatchEvents(self._request())
            await self._call.initial_metadata()
            await sleeping.wait()
        while not done(self._revision):
            try:
                await self._connection(server, done)
            except grpc.aio.AioRpcError as error:
                if error.code() not in AWAY:
                    raise
                await asyncio.sleep(0.01)  # the server may be dead just now
            except asyncio.CancelledError:
                if (task := asyncio.current_task()) is not None and task.cancelling():
                    raise  # else it was our own `disconnect`

    async def _connection(self, server: GreenroomServer, done: Callable[[int], bool]) -> None:
        connection = Connection(after=self._revision)
        self.stream.connections.append(connection)
        if self._call is None or self._call.done():
            self._call = server.events.WatchEvents(self._request())
        async for frame in self._call:
            connection.events += frame.events
            if frame.cursor:
                self._cursor = frame.cursor
            if durable := [event for event in frame.events if event.sequence]:
                self._cursor, self._revision = durable[-1].cursor, durable[-1].revision
            if frame.HasField("bookmark"):
                self._revision = max(self._revision, frame.bookmark.revision)
            if done(self._revision):
                return

    def _request(self) -> WatchEventsRequest:
        request = WatchEventsRequest(workspace_id=self.stream.workspace_id, include_ephemeral=True)
        if self._cursor:
            request.after = self._cursor
        else:
            request.start = WATCH_START_BEGINNING
        return request


async def pages(call: Callable[[Any], Awaitable[Any]], request: Any) -> AsyncIterator[Any]:
    """Yield all pages of a listing, from the request's own on."""
    page = await call(request)
    yield page
    while page.next_page_token:
        request.page_token = page.next_page_token
        page = await call(request)
        yield page


async def every_session(server: GreenroomServer) -> Sequence[Session]:
    """Return all sessions of all workspaces."""
    request = ListSessionsRequest(workspace_id="-", page_size=1000)
    return [each async for page in pages(server.sessions.ListSessions, request) for each in page.sessions]


async def every_turn(server: GreenroomServer, session_id: str) -> Sequence[Turn]:
    """Return all turns of a session."""
    request = ListTurnsRequest(session_id=session_id, page_size=1000)
    return [each async for page in pages(server.turns.ListTurns, request) for each in page.turns]


async def whole_history(server: GreenroomServer, session_id: str) -> list[Event]:
    """Return all stored events of a session."""
    request = ListEventsRequest(session_id=session_id, page_size=1000)
    return [each async for page in pages(server.events.ListEvents, request) for each in page.events]


async def pool_until(server: GreenroomServer, wanted: Callable[[PoolStatus], bool]) -> PoolStatus:
    """Wait until the pool stands as wanted: nothing tells of processes that no session has."""
    async with asyncio.timeout(PATIENCE):
        while True:
            pool = (await server.nodes.GetPoolStatus(GetPoolStatusRequest())).pool_status
            if wanted(pool):
                return pool
            await asyncio.sleep(0.05)
