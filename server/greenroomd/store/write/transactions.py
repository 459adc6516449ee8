"""Transactions in turn on one connection. Each is committed, refused or, while the database cannot say which, unknown.

Each transaction writes its name into the database. So one whose answer was lost is found again, and as nobody else
writes meanwhile, it is the last one if it took place.
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

from greenroomd.domain.errors import CommitUnknown, DatabaseTakenOver
from greenroomd.store.engine import Database

log = structlog.get_logger(__name__)

T = TypeVar("T")

FIRST_PAUSE: Final = 0.05
LONGEST_PAUSE: Final = 2.0
"""Seconds between two questions whether a commit took place."""


class Transactions:
    """For one thread. `is_last(connection, name)` is True if the transaction `name` was the last one committed."""

    def __init__(self, database: Database, is_last: Callable[[Connection, str], bool]) -> None:
        self._database = database
        self._is_last = is_last
        self._connection: Connection | None = None
        self._ending = Event()

    def run(self, act: Callable[[Connection, str], T]) -> T:
        """Do everything in one transaction and return what `act` returns, once it is durable.

        `act` writes the name that it is given into the database. If COMMIT is not answered, this asks until the
        database says whether it took place. Raises CommitUnknown if `give_up_asking` is called before, or if another
        server has taken the database over. Whatever else it raises, nothing was committed; then the transaction is
        still open, and `roll_back` or `disconnect` ends it.
        """
        used = self._connection is not None
        try:
            connection, outcome, name = self._begin(act)
        except DBAPIError as error:
            if not (used and error.connection_invalidated):
                raise
            self.disconnect()  # cut while idle: nothing was begun, so a second try is safe
            connection, outcome, name = self._begin(act)
        try:
            connection.commit()
        except DBAPIError:
            self.disconnect()
            if not self._was_committed(name):
                raise
        return outcome

    def roll_back(self) -> None:
        """Give up what was begun, and keep the connection unless it was cut."""
        if self._connection is not None:
            try:
                self._connection.rollback()
            except SQLAlchemyError:
                self.disconnect()

    def disconnect(self) -> None:
        """Drop the connection and whatever it was in the middle of; the next transaction opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(SQLAlchemyError):
                connection.invalidate()
            with suppress(SQLAlchemyError):
                connection.close()

    def _begin(self, act: Callable[[Connection, str], T]) -> tuple[Connection, T, str]:
        """Do everything but the commit."""
        if self._connection is None:
            self._connection = self._database.writing.connect()
        self._connection.begin()
        name = uuid.uuid4().hex
        return self._connection, act(self._connection, name), name

    def give_up_asking(self) -> None:
        """Ask once more about a commit that is unknown, then no longer. Called from another thread, at the end."""
        self._ending.set()

    def _was_committed(self, name: str) -> bool:
        """Whether a commit whose answer was lost took place; waits until the database can tell."""
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
