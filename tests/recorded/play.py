"""The stage of the script: the server, the recorder, and the words that its chapters share."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable
from pathlib import Path

from greenroom.v1 import session_pb2
from greenroom.v1.config_pb2 import SessionConfig
from greenroom.v1.event_pb2 import Event
from greenroom.v1.event_service_pb2 import WATCH_START_BEGINNING, WatchEventsRequest
from greenroom.v1.session_pb2 import Session
from greenroom_server import GreenroomServer
from recorded.recorder import Recorder
from story import until

NOBODY = str(uuid.UUID(int=0, version=4))


class Play:
    """One run of the script. Each chapter waits until what it began is over: no answer depends on timing."""

    def __init__(self, server: GreenroomServer, work: Path) -> None:
        self.server = server
        self.work = work
        self.recorder = Recorder()
        self.ask, self.refused, self.read = self.recorder.ask, self.recorder.refused, self.recorder.read
        self.sessions, self.turns = server.sessions, server.turns
        self.profiles, self.events = server.profiles, server.events
        self.request_ids = (str(uuid.UUID(int=number, version=4)) for number in itertools.count(1))
        self.made: list[Session] = []
        self.runner = ""
        """The one session that gets a process."""
        self.last_seen = ""
        """The cursor behind what was watched."""

    def config(self, **options: object) -> SessionConfig:
        """Return a config that works in the allowed root."""
        return SessionConfig(working_dir=str(self.work), **options)  # type: ignore[arg-type]

    async def rest(self) -> None:
        """Wait until the session's turn is over."""
        await until(self.server, self.runner, session_pb2.SESSION_STATE_IDLE)

    async def ready(self) -> None:
        """Wait until the session has a process."""
        await until(self.server, self.runner, session_pb2.SESSION_STATE_READY)

    async def seen(self, fits: Callable[[Event], bool]) -> Event:
        """Wait until the session has had an event that fits."""
        request = WatchEventsRequest(session_ids=[self.runner], start=WATCH_START_BEGINNING)
        async for frame in self.events.WatchEvents(request):
            for event in frame.events:
                if fits(event):
                    return event
        raise AssertionError("the watch ended")
