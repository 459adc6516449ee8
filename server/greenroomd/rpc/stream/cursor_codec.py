"""Encodes positions in the log: the cursor behind an event, and the event's id.

Both are opaque to clients and bound to the store that made them; those of another store are refused.
"""

from __future__ import annotations

import hashlib
import re

from greenroomd.app.ports.event_log import EventLog
from greenroomd.domain.errors import EventNotFound, InvalidRequest, Violation

MAX_REVISION = 2**62 - 1

_CURSOR = re.compile(r"([0-9a-f]{12})-(0|[1-9a-f][0-9a-f]{0,15})")
_EVENT_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


class InvalidCursor(InvalidRequest):
    """The cursor was not made by this store."""

    def __init__(self, description: str) -> None:
        super().__init__([Violation("after", description)])


class CursorCodec:
    """Encodes and decodes the cursors and event ids of one store.

    A cursor is the store's mark and the revision. An event id is a UUID of version 8 (RFC 9562): 60 bits of the store's
    mark and 62 bits of the revision, so that GetEvent needs no index.
    """

    def __init__(self, store_id: str) -> None:
        mark = hashlib.sha256(store_id.encode()).hexdigest()
        self._mark = mark[:12]
        self._cursor = f"{self._mark}-".encode()
        self._event_id = f"{mark[:8]}-{mark[8:12]}-8{mark[12:15]}-".encode()

    def cursor(self, revision: int) -> bytes:
        """Return the cursor right behind a revision, as ASCII."""
        return b"%b%x" % (self._cursor, revision)

    def revision_of_cursor(self, cursor: str) -> int:
        """Return the revision of a cursor; raises InvalidCursor if it is malformed or another store's."""
        parsed = _CURSOR.fullmatch(cursor)
        if parsed is None:
            raise InvalidCursor("is not a cursor")
        if parsed[1] != self._mark:
            raise InvalidCursor("belongs to another store")
        return int(parsed[2], 16)

    def event_id(self, revision: int) -> bytes:
        """Return the id of the durable event with a revision, as ASCII."""
        digits = b"%016x" % (revision | 1 << 63)  # the variant's two bits are 10
        return b"%b%b-%b" % (self._event_id, digits[:4], digits[4:])

    def revision_of_event(self, event_id: str) -> int:
        """Return the revision of the event with this id; raises EventNotFound unless this store made the id."""
        given = event_id.encode("ascii", "replace")
        if not _EVENT_ID.fullmatch(event_id) or not given.startswith(self._event_id):
            raise EventNotFound(event_id)
        return int(event_id[19:].replace("-", ""), 16) & MAX_REVISION


async def wait_until_reached(cursor: str, cursors: CursorCodec, store: EventLog) -> int:
    """Return the revision of a cursor, once this node has read up to it; raises InvalidCursor."""
    revision = cursors.revision_of_cursor(cursor)
    if revision > await store.reach(revision):
        raise InvalidCursor("lies ahead of this store, which has perhaps been restored from a backup")
    return revision
