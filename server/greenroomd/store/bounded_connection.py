"""Connections to PostgreSQL that wait only so long for an answer: a server that is frozen keeps its sockets open.

The timeouts that PostgreSQL itself applies need a server that runs, and those of TCP only a kernel that acknowledges.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from datetime import timedelta
from time import monotonic
from typing import Any

import psycopg
from sqlalchemy import Engine, event


class WaitLimit:
    """How long the connections of one database wait for an answer, and when all of them stop waiting."""

    def __init__(self, longest: float) -> None:
        self.longest = longest
        """The longest wait for one answer, in seconds."""
        self.ends_at = math.inf
        """When every wait ends, as `time.monotonic` counts; connections are refused from then on."""

    def end_within(self, seconds: float) -> None:
        """Let every wait end within so many seconds, or earlier if that was said before."""
        self.ends_at = min(self.ends_at, monotonic() + seconds)

    @property
    def is_over(self) -> bool:
        """Whether every wait has ended."""
        return monotonic() >= self.ends_at


class BoundedConnection(psycopg.Connection[Any]):
    """Closes itself, with an OperationalError, if an answer takes longer than its limit."""

    limit: WaitLimit | None = None
    """None while it connects."""

    longest: float | None = None
    """The longest wait of this connection in seconds; None: as in the limit."""

    def wait(self, gen: Generator[Any, Any, Any], *arguments: Any, **options: Any) -> Any:
        """Run a generator of the driver until the server has answered."""
        bounded = gen if self.limit is None else self._bounded(gen, self.limit)
        return super().wait(bounded, *arguments, **options)

    def _bounded(self, gen: Generator[Any, Any, Any], limit: WaitLimit) -> Generator[Any, Any, Any]:
        """Pass everything on. The driver resumes this ten times a second with nothing while the server is silent."""
        until = monotonic() + (limit.longest if self.longest is None else self.longest)
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if not ready and (monotonic() >= until or limit.is_over):
                    self.pgconn.finish()
                    raise psycopg.OperationalError("no answer in time; the connection was closed")
                wanted = gen.send(ready)
        except StopIteration as done:
            return done.value


def limit_waits(longest: timedelta, settings: str, *engines: Engine) -> WaitLimit:
    """Put all connections that these engines will open under one limit, and return it.

    Each runs the statement `settings` first.
    """
    limit = WaitLimit(longest.total_seconds())

    def connect(_dialect: object, _record: object, arguments: Any, options: Any) -> BoundedConnection:
        if limit.is_over:
            raise psycopg.OperationalError("the store is closed")
        connection = BoundedConnection.connect(*arguments, **options)
        connection.limit = limit
        try:
            connection.autocommit = True  # what a transaction sets would be taken back if that failed
            connection.execute(settings)
            connection.autocommit = False
        except BaseException:
            connection.close()
            raise
        return connection

    for engine in engines:
        event.listen(engine, "do_connect", connect)
    return limit
