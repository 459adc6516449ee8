"""Builds the frames of WatchEvents from serialized events."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from greenroom.v1 import event_service_pb2 as pb
from greenroom.v1.session_pb2 import Session as SessionMessage
from greenroomd.app.ports.storage import BEGINNING, StoredEvent
from greenroomd.rpc.convert.times import duration
from greenroomd.rpc.stream import wire
from greenroomd.rpc.stream.cursor_codec import CursorCodec

_CURSOR = wire.tag(3, wire.LEN)


class Frames:
    """Builds the frames of one store's watches; every frame except a snapshot's ends with the cursor behind it.

    No cursor stands for BEGINNING: who has seen nothing yet begins there again.
    """

    def __init__(self, cursors: CursorCodec) -> None:
        self._cursors = cursors

    def events(self, records: bytes, revision: int) -> bytes:
        """Return a frame of events; `records` are their concatenated stream records."""
        return records + self._cursor(revision)

    def sessions(self, sessions: Iterable[SessionMessage]) -> bytes:
        """Return a frame of a snapshot's sessions."""
        return pb.WatchEventsResponse(sessions=sessions).SerializeToString()

    def synced(self, revision: int) -> bytes:
        """Return the frame after which the stream is live."""
        return self._control(pb.WatchEventsResponse(synced=pb.WatchSynced(revision=revision)), revision)

    def bookmark(self, revision: int) -> bytes:
        """Return the frame that moves the cursor when no event matched."""
        return self._control(pb.WatchEventsResponse(bookmark=pb.WatchBookmark(revision=revision)), revision)

    def gap(self, dropped: int, revision: int) -> bytes:
        """Return the frame that reports how many ephemeral events were dropped."""
        return self._control(pb.WatchEventsResponse(gap=pb.WatchGap(dropped=dropped)), revision)

    def draining(self, retry_delay: timedelta, revision: int) -> bytes:
        """Return the last frame of a stream whose server shuts down."""
        control = pb.WatchDraining(retry_delay=duration(retry_delay))
        return self._control(pb.WatchEventsResponse(draining=control), revision)

    def _control(self, message: pb.WatchEventsResponse, revision: int) -> bytes:
        return message.SerializeToString() + self._cursor(revision)

    def _cursor(self, revision: int) -> bytes:
        return b"" if revision == BEGINNING else wire.record(_CURSOR, self._cursors.cursor(revision))


def records_of(events: Iterable[StoredEvent]) -> bytes:
    """Return events serialized as the repeated field `events`."""
    return b"".join(event.record for event in events)
