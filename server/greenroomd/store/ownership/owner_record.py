"""The server that owns a database, and what a second one is told about it."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime


class DatabaseInUse(Exception):
    """Another server owns the database; the text says which one, if that can be read, and what to do."""

    def __init__(self, owner: str) -> None:
        super().__init__(
            f"another greenroomd uses this database ({owner or 'it does not say which'}), and a database serves one "
            "at a time: stop that one, or give this one a GREENROOM_DATABASE_URL of its own"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The server that owns a database, as reported to a second one."""

    node_id: str
    """The id of the node, from its state directory."""

    host: str
    """The name of its machine."""

    pid: int
    """Its process on that machine."""

    since: datetime
    """When it started."""

    def __str__(self) -> str:
        return f"node {self.node_id} on {self.host}, pid {self.pid}, since {self.since.isoformat()}"

    def text(self) -> str:
        """Return the record as it is stored beside the lock."""
        facts = {"node_id": self.node_id, "host": self.host, "pid": self.pid, "since": self.since.isoformat()}
        return json.dumps(facts)


def this_server(node_id: str) -> Owner:
    """Return the record of this process."""
    return Owner(node_id=node_id, host=socket.gethostname(), pid=os.getpid(), since=datetime.now(UTC))


def recorded(text: str) -> Owner | None:
    """Return the owner of a stored record; None if it cannot be parsed."""
    with suppress(ValueError, KeyError, TypeError):
        facts = json.loads(text)
        since = datetime.fromisoformat(facts["since"])
        return Owner(node_id=facts["node_id"], host=facts["host"], pid=facts["pid"], since=since)
    return None


class DatabaseLock:
    """A lock that is held. `keep` takes it again if it is lost."""

    async def keep(self, compare_fence: Callable[[], Awaitable[None]]) -> None:
        """Return at once: a file lock lasts as long as the process."""
        del compare_fence
