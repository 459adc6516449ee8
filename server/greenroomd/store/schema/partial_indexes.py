"""The partial indexes; importing this file adds them to `metadata`.

They have their own file because SQLAlchemy loads every dialect that a condition names, and the server does not need
them: migrations create them, and are compared with this file.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Index, and_

from greenroomd.store.schema.tables import metadata, sessions, tasks, turns

__all__ = ["metadata"]


def _index(name: str, *columns: ColumnElement[object], where: ColumnElement[bool]) -> None:
    Index(name, *columns, sqlite_where=where, postgresql_where=where)


_index(
    "sessions_of_user",
    sessions.c.user_id,
    sessions.c.workspace_id,
    sessions.c.create_time,
    sessions.c.number,
    where=sessions.c.user_id != "",
)
_index(
    "sessions_of_profile",
    sessions.c.profile_id,
    sessions.c.workspace_id,
    sessions.c.create_time,
    sessions.c.number,
    where=sessions.c.profile_id != "",
)
# Sessions that count against a profile's limit, counted without reading the sessions themselves.
_index(
    "sessions_open_of_profile",
    sessions.c.workspace_id,
    sessions.c.profile_id,
    where=and_(sessions.c.profile_id != "", sessions.c.state != "closed"),
)
_index("sessions_due", sessions.c.due_time, sessions.c.number, where=sessions.c.due_time.is_not(None))
_index("sessions_unsettled", sessions.c.create_time, sessions.c.number, where=sessions.c.unsettled == 1)
_index("turns_unfinished", turns.c.session_number, turns.c.number, where=turns.c.unfinished == 1)
_index("tasks_unfinished", tasks.c.session_number, tasks.c.create_time, where=tasks.c.unfinished == 1)
