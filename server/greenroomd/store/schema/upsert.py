"""INSERT with ON CONFLICT, which both databases have and SQLAlchemy knows once for each."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Dialect, Table


def upsert(dialect: Dialect, table: Table) -> Any:
    """Return an INSERT into a table that takes `on_conflict_do_update`."""
    if dialect.name == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # a tenth of a second that no start on SQLite needs

    return postgresql.insert(table)
