"""Transactions in turn on one connection, each known by a name: so a commit whose answer was lost is found again."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from greenroomd.store.engine import Database

T = TypeVar("T")


class Transactions:
    """For one thread. `is_last` tells whether the transaction of a name is the last one that was committed."""

    def __init__(self, database: Database, is_last: Callable[[Connection, str], bool]) -> None:
        self._database = database
        self._is_last = is_last
        self._connection: Connection | None = None

    def run(self, act: Callable[[Connection, str], T]) -> T:
        """Do everything in one transaction; whatever this raises, it is not committed as far as can be known.

        `act` marks the database with the name that it is given: so a commit whose answer was lost is found again.
        After an error the transaction is still open: `roll_back` or `disconnect` ends it.
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

    def _was_committed(self, name: str) -> bool:
        """Whether a commit whose answer was lost took place; no, if nobody can tell."""
        try:
            self._connection = self._database.writing.connect()
            with self._connection.begin():
                return self._is_last(self._connection, name)
        except SQLAlchemyError:
            return False
