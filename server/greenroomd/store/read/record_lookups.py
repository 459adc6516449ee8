"""Reads of single records and of a session's own lists, compiled once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Table,
    bindparam,
    func,
    literal_column,
    select,
    tuple_,
)

from greenroomd.app.ports.storage import Due, Position, Request
from greenroomd.domain.approval import Approval
from greenroomd.domain.config import Secret
from greenroomd.domain.errors import (
    ApprovalNotFound,
    RequestIdReused,
    SessionNotFound,
    TaskNotFound,
    TurnNotFound,
)
from greenroomd.domain.session import Session
from greenroomd.domain.states import State
from greenroomd.domain.task import Task
from greenroomd.domain.turn import Turn
from greenroomd.store.engine import Database, limited
from greenroomd.store.read.session_listing import not_deleted, number_of_session, session_columns, with_config
from greenroomd.store.schema.documents import time, time_of
from greenroomd.store.schema.rows import Row, approval_of, turn_of
from greenroomd.store.schema.session_rows import session_of
from greenroomd.store.schema.tables import ERASED, approvals, requests, secrets, sessions, tasks, turns
from greenroomd.store.schema.task_rows import task_of
from greenroomd.store.secrets import Keyring

T = TypeVar("T")

_ONE: ColumnElement[Any] = literal_column("1")  # literal, as in the index: a parameter would not match it


class Lookups:
    """Finds records by their ids; every method runs on a reader's connection."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._keyring = keyring
        found = select(*session_columns).select_from(with_config)
        self._session = database.sql(found.where(sessions.c.number == number_of_session), "session_id")
        self._unsettled = database.sql(
            found.where(sessions.c.unsettled == _ONE).order_by(sessions.c.create_time, sessions.c.number)
        )
        last = tuple_(bindparam("time", type_=BigInteger()), bindparam("number", type_=BigInteger()))
        self._due = database.sql(
            limited(
                select(sessions.c.due_time, sessions.c.number, sessions.c.session_id)
                .where(
                    sessions.c.due_time.is_not(None), tuple_(sessions.c.due_time, sessions.c.number) > last
                )
                .order_by(sessions.c.due_time, sessions.c.number),
                "size",
            ),
            "time",
            "number",
            "size",
        )
        self._count = database.sql(select(sessions.c.state, func.count()).group_by(sessions.c.state))
        self._turn = database.sql(
            select(turns).where(turns.c.turn_id == bindparam("turn_id"), not_deleted(turns)), "turn_id"
        )
        self._approval = database.sql(
            select(approvals).where(
                approvals.c.approval_id == bindparam("approval_id"), not_deleted(approvals)
            ),
            "approval_id",
        )
        self._turns = _page_of(database, turns, turns.c.number, turns.c.turn_id)
        self._approvals = _page_of(database, approvals, approvals.c.create_time, approvals.c.approval_id)
        self._tasks = _page_of(database, tasks, tasks.c.create_time, tasks.c.task_id)
        theirs = tasks.c.session_number == number_of_session
        self._task = database.sql(
            select(tasks).where(theirs, tasks.c.task_id == bindparam("task_id")), "session_id", "task_id"
        )
        self._open_tasks = database.sql(
            select(tasks).where(theirs, tasks.c.unfinished == _ONE).order_by(tasks.c.create_time),
            "session_id",
        )
        self._open_turns = database.sql(
            select(turns)
            .where(turns.c.session_number == number_of_session, turns.c.unfinished == _ONE)
            .order_by(turns.c.number),
            "session_id",
        )
        self._secret = database.sql(
            select(secrets).where(secrets.c.session_number == number_of_session), "session_id"
        )
        self._answer = database.sql(
            select(requests.c.fingerprint, requests.c.answer, requests.c.session_number).where(
                requests.c.principal == bindparam("principal"),
                requests.c.method == bindparam("method"),
                requests.c.request_id == bindparam("request_id"),
                requests.c.create_time >= bindparam("forgotten", type_=BigInteger()),
            ),
            "principal",
            "method",
            "request_id",
            "forgotten",
        )

    def session(self, connection: Connection, session_id: str) -> Session:
        """Return a session; raises SessionNotFound."""
        row = connection.exec_driver_sql(self._session, (session_id,)).one_or_none()
        if row is None:
            raise SessionNotFound(session_id)
        return session_of(row)

    def unsettled(self, connection: Connection) -> list[Session]:
        """Return the sessions that need an owner or settling after a start, oldest first."""
        return [session_of(row) for row in connection.exec_driver_sql(self._unsettled)]

    def due(self, connection: Connection, *, after: Due | None, limit: int) -> list[Due]:
        """Return the sessions that time will change, nearest first."""
        place = (time(after.time), after.number) if after is not None else (-(2**62), 0)
        rows = connection.exec_driver_sql(self._due, (*place, limit))
        return [Due(time_of(when), number, session_id) for when, number, session_id in rows]

    def counted(self, connection: Connection) -> dict[State, int]:
        """Return how many sessions are in each state; states without any are missing."""
        return {State(state): count for state, count in connection.exec_driver_sql(self._count)}

    def turn(self, connection: Connection, turn_id: str) -> Turn:
        """Return a turn; raises TurnNotFound."""
        row = connection.exec_driver_sql(self._turn, (turn_id,)).one_or_none()
        if row is None:
            raise TurnNotFound(turn_id)
        return turn_of(row)

    def turns(
        self, connection: Connection, session_id: str, *, after: Position | None, limit: int
    ) -> tuple[list[Turn], Position | None]:
        """Return a page of a session's turns and where it ended."""
        rows = self._rows(connection, self._turns, session_id, after, limit)
        return _cut(rows, limit, turn_of, lambda turn: Position(turn.number, turn.turn_id))

    def open_turns(self, connection: Connection, session_id: str) -> list[Turn]:
        """Return the queued and running turns of a session."""
        return [turn_of(row) for row in connection.exec_driver_sql(self._open_turns, (session_id,))]

    def approval(self, connection: Connection, approval_id: str) -> Approval:
        """Return an approval; raises ApprovalNotFound."""
        row = connection.exec_driver_sql(self._approval, (approval_id,)).one_or_none()
        if row is None:
            raise ApprovalNotFound(approval_id)
        return approval_of(row)

    def approvals(
        self, connection: Connection, session_id: str, *, after: Position | None, limit: int
    ) -> tuple[list[Approval], Position | None]:
        """Return a page of a session's approvals and where it ended."""
        rows = self._rows(connection, self._approvals, session_id, after, limit)
        return _cut(
            rows, limit, approval_of, lambda found: Position(time(found.create_time), found.approval_id)
        )

    def task(self, connection: Connection, session_id: str, task_id: str) -> Task:
        """Return a background task of a session; raises TaskNotFound."""
        row = connection.exec_driver_sql(self._task, (session_id, task_id)).one_or_none()
        if row is None:
            raise TaskNotFound(task_id)
        return task_of(row)

    def tasks(
        self, connection: Connection, session_id: str, *, after: Position | None, limit: int
    ) -> tuple[list[Task], Position | None]:
        """Return a page of a session's background tasks and where it ended."""
        rows = self._rows(connection, self._tasks, session_id, after, limit)
        return _cut(rows, limit, task_of, lambda found: Position(time(found.create_time), found.task_id))

    def open_tasks(self, connection: Connection, session_id: str) -> list[Task]:
        """Return the running and scheduled tasks of a session."""
        return [task_of(row) for row in connection.exec_driver_sql(self._open_tasks, (session_id,))]

    def oauth_token(self, connection: Connection, session_id: str) -> Secret | None:
        """Return a session's token, opened."""
        row = connection.exec_driver_sql(self._secret, (session_id,)).one_or_none()
        if row is None:
            return None
        _, key_id, sealed = row
        return self._keyring.open(session_id, key_id, sealed)

    def answer(self, connection: Connection, request: Request, *, forgotten: int) -> bytes | None:
        """Return the answer to a request that is younger than `forgotten`; raises RequestIdReused.

        Raises SessionNotFound if the answer was erased together with its session.
        """
        key = (request.principal, request.method, request.request_id)
        row = connection.exec_driver_sql(self._answer, (*key, forgotten)).one_or_none()
        if row is None:
            return None
        fingerprint, answer, session_number = row
        if fingerprint != request.fingerprint:
            raise RequestIdReused(request.method)
        if session_number == ERASED:
            raise SessionNotFound.deleted_since()
        return bytes(answer)

    def _rows(
        self, connection: Connection, sql: str, session_id: str, after: Position | None, limit: int
    ) -> Sequence[Row]:
        key, last = (after.key, after.id) if after is not None else (-(2**31), "")
        return connection.exec_driver_sql(sql, (session_id, key, last, limit + 1)).all()


def _page_of(database: Database, table: Table, key: ColumnElement[Any], identity: ColumnElement[Any]) -> str:
    """Parameters: a session's id, key and id of the last row seen, the limit."""
    last = tuple_(bindparam("key", type_=key.type), bindparam("last", type_=identity.type))
    statement = (
        select(table)
        .where(table.c.session_number == number_of_session, tuple_(key, identity) > last)
        .order_by(key, identity)
    )
    return database.sql(limited(statement, "size"), "session_id", "key", "last", "size")


def _cut(
    rows: Sequence[Row], limit: int, record_of: Callable[[Row], T], place: Callable[[T], Position]
) -> tuple[list[T], Position | None]:
    records = [record_of(row) for row in rows[:limit]]
    return records, place(records[-1]) if len(rows) > limit else None
