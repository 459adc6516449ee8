"""Lists sessions with any filter in either order: one index range per page, never an offset."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    and_,
    bindparam,
    exists,
    literal_column,
    select,
    tuple_,
)
from sqlalchemy.sql.selectable import FromClause

from greenroomd.app.ports.storage import OrderBy, Position, SessionQuery
from greenroomd.domain.errors import InvalidPageToken
from greenroomd.domain.session import Session
from greenroomd.domain.states import LIVE, State
from greenroomd.store.schema.documents import time
from greenroomd.store.schema.rows import Row
from greenroomd.store.schema.session_rows import session_of
from greenroomd.store.schema.tables import configs, deletions, identities, labels, sessions

_KEY = {OrderBy.CREATE_TIME: sessions.c.create_time, OrderBy.LAST_ACTIVE_TIME: sessions.c.last_active_time}
_COLUMN = {key: list(sessions.columns).index(column) for key, column in _KEY.items()}
_ONE: ColumnElement[Any] = literal_column("1")  # literal, as in the index: a parameter would not match it
_ZERO: ColumnElement[Any] = literal_column("0")
_NOTHING: ColumnElement[Any] = literal_column("''")

with_config: FromClause = sessions.join(
    configs,
    and_(configs.c.session_number == sessions.c.number, configs.c.generation == sessions.c.config_generation),
)
session_columns = (*sessions.columns, configs.c.config)
"""The columns that `session_rows.session_of` takes, selected from `with_config`."""

number_of_session = (
    select(identities.c.number).where(identities.c.session_id == bindparam("session_id")).scalar_subquery()
)
"""The number of the session with the id `session_id` (a parameter); NULL, equal to nothing, if there never was one."""


def not_deleted(table: Table) -> ColumnElement[bool]:
    """Return the condition that a row's session is not deleted, for rows found by another key than their session.

    The rows of a deleted session are erased in the background, and hidden until then.
    """
    return table.c.session_number.not_in(select(deletions.c.session_number))


MOST_WORKSPACES = 16
"""With how many workspaces of a reader each is read by statements of its own."""

_labels_of_session = labels.c.session_number == sessions.c.number


def list_sessions(
    connection: Connection, query: SessionQuery, *, after: Position | None, limit: int
) -> tuple[list[Session], Position | None]:
    """Return a page and the position at its end, None if nothing follows."""
    column = _COLUMN[query.order_by]

    def place(row: Row) -> tuple[int, int]:
        return (row[column], row[0])

    found: Iterator[Row] = heapq.merge(
        *(connection.execute(page) for page in pages(query, after=after, limit=limit + 1)),
        key=place,
        reverse=query.descending,
    )
    rows = list(islice(found, limit + 1))
    page = [session_of(row) for row in rows[:limit]]
    if len(rows) <= limit:
        return page, None
    key, number = place(rows[limit - 1])
    return page, Position(key, str(number))


def pages(query: SessionQuery, *, after: Position | None, limit: int) -> list[Select[Any]]:
    """Return the statements whose merged results are the page.

    Of a reader that may see a few workspaces there are some for each of them: one workspace has an index in the page's
    order, several together do not. Within a workspace there is one for each state asked for, for the same reason.
    """
    if query.within is not None and query.workspace_id is None and len(query.within) <= MOST_WORKSPACES:
        each = (replace(query, workspace_id=name, within=None) for name in sorted(query.within))
        return [page for one in each for page in pages(one, after=after, limit=limit)]
    states = query.states & LIVE if query.states and query.live_only else query.states
    if query.live_only and not states:
        if query.states:
            return []
        states = LIVE
    if states and states <= LIVE:
        # There are only as many live sessions as processes: find them by their state and sort them.
        few = _matching(query, after, sorted_by=_ZERO).where(sessions.c.unsettled == _ONE)
        return [few.where(sessions.c.state.in_(sorted(states))).limit(limit)]
    statement = _matching(query, after).limit(limit)
    if not states or states == frozenset(State):
        return [statement]
    if query.workspace_id is None:
        return [statement.where(sessions.c.state.in_(sorted(states)))]
    return [statement.where(sessions.c.state == state.value) for state in sorted(states)]


def _matching(
    query: SessionQuery, after: Position | None, sorted_by: ColumnElement[int] | None = None
) -> Select[Any]:
    """Select the sessions that match all filters other than the state, after a position, in order.

    Adding `sorted_by`, which is zero, to the sort key keeps the database from using an index for the order.
    """
    key: ColumnElement[int] = _KEY[query.order_by]
    identity: ColumnElement[int] = sessions.c.number
    source = with_config
    conditions = list(_conditions(query))
    if query.labels:
        # The first label selects, by an index in the order of creation; the others are looked up.
        source = with_config.join(labels, _labels_of_session)
        name, value = query.labels[0]
        conditions += [labels.c.key == name, labels.c.value == value]
        if query.workspace_id is not None:
            conditions.append(labels.c.workspace_id == query.workspace_id)
        if query.order_by is OrderBy.CREATE_TIME:
            key, identity = labels.c.create_time, labels.c.session_number
    if sorted_by is not None:
        key, identity = key + sorted_by, identity + sorted_by
    statement = select(*session_columns).select_from(source).where(*conditions)
    if after is not None:
        place, last = tuple_(key, identity), tuple_(after.key, _number(after))
        statement = statement.where(place < last if query.descending else place > last)
    if query.descending:
        return statement.order_by(key.desc(), identity.desc())
    return statement.order_by(key, identity)


def _number(position: Position) -> int:
    if not position.id.isdecimal():
        raise InvalidPageToken
    return int(position.id)


def _conditions(query: SessionQuery) -> Iterator[ColumnElement[bool]]:
    if query.workspace_id is not None:
        yield sessions.c.workspace_id == query.workspace_id
    if query.within is not None:
        yield sessions.c.workspace_id.in_(sorted(query.within))
    if query.user_id:
        yield sessions.c.user_id == query.user_id
        yield sessions.c.user_id != _NOTHING  # tells the planner that the partial index contains all of them
    if query.profile_id:
        yield sessions.c.profile_id == query.profile_id
        yield sessions.c.profile_id != _NOTHING
    for name, value in query.labels[1:]:
        also = labels.alias()
        yield exists().where(
            also.c.session_number == sessions.c.number, also.c.key == name, also.c.value == value
        )
    for column, start, end in (
        (sessions.c.create_time, query.created_from, query.created_to),
        (sessions.c.last_active_time, query.active_from, query.active_to),
    ):
        if start is not None:
            yield column >= time(start)
        if end is not None:
            yield column < time(end)
