"""Runs transactions in turn on one connection. Each is committed, refused or, while the database does not say, unknown.

Each transaction writes its name into the database. If the answer to its COMMIT is lost, the name shows whether it took
place: nothing else is written meanwhile, so it is then the last one.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import suppress
from threading import Event
from typing import Final, TypeVar

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from greenroomd.domain.retryable_errors import CommitUnknown, DatabaseTakenOver
from greenroomd.store.engine import Database

log = structlog.get_logger(__name__)

T = TypeVar("T")

FIRST_PAUSE: Final = 0.05
LONGEST_PAUSE: Final = 2.0
"""The longest pause, in seconds, between two queries whether a commit took place."""


class Transactions:
    """For one thread. `is_last(connection, name)` returns whether `name` was the last transaction committed."""

    def __init__(self, database: Database, is_last: Callable[[Connection, str], bool]) -> None:
        self._database = database
        self._is_last = is_last
        self._connection: Connection | None = None
        self._ending = Event()

    def run(self, act: Callable[[Connection, str], T]) -> T:
        """Run `act` in one transaction and return its result once it is durable.

        `act` must write its argument, the transaction's name, into the database. If COMMIT is not answered, this
        queries the database until it says whether the commit took place. Raises CommitUnknown if `give_up_asking` is
        called first, or if another server has taken over the database. If it raises anything else, nothing was
        committed, and the transaction is still open: call `roll_back` or `disconnect`.
        """
        used = self._connection is not None
        try:
            connection, outcome, name = self._begin(act)
        except DBAPIError as error:
            if not (used and error.connection_invalidated):
                raise
            self.disconnect()  # cut while idle: nothing has begun, so a retry is safe
            connection, outcome, name = self._begin(act)
        try:
            connection.commit()
        except DBAPIError:
            self.disconnect()
            if not self._was_committed(name):
                raise
        return outcome

    def roll_back(self) -> None:
        """Roll back the open transaction, and keep the connection unless it was cut."""
        if self._connection is not None:
            try:
                self._connection.rollback()
            except SQLAlchemyError:
                self.disconnect()

    def disconnect(self) -> None:
        """Drop the connection and its open transaction; the next transaction opens another connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(SQLAlchemyError):
                connection.invalidate()
            with suppress(SQLAlchemyError):
                connection.close()

    def _begin(self, act: Callable[[Connection, str], T]) -> tuple[Connection, T, str]:
        """Run everything except the commit."""
        if self._connection is None:
            self._connection = self._database.writing.connect()
        self._connection.begin()
        name = uuid.uuid4().hex
        return self._connection, act(self._connection, name), name

    def give_up_asking(self) -> None:
        """Query once more about an unknown commit, then stop. Called from another thread at shutdown."""
        self._ending.set()

    def _was_committed(self, name: str) -> bool:
        """Whether a commit whose answer was lost took place; waits until the database says so."""
        pause = FIRST_PAUSE
        while True:
            is_last_question = self._ending.is_set()
            try:
                self._connection = self._database.writing.connect()
                with self._connection.begin():
                    return self._is_last(self._connection, name)
            except DatabaseTakenOver as taken_over:
                raise CommitUnknown("another greenroomd has taken over the database") from taken_over
            except SQLAlchemyError as error:
                self.disconnect()
                log.warning("commit_unknown", error=str(error).partition("\n")[0])
                if is_last_question:
                    raise CommitUnknown from error
            self._ending.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
