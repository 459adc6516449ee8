"""INSERT with ON CONFLICT, which SQLAlchemy has separately for each database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Dialect, Table


def upsert(dialect: Dialect, table: Table) -> Any:
    """Return an INSERT into a table that takes `on_conflict_do_update`."""
    if dialect.name == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # takes 0.1 s, which a start on SQLite does not need

    return postgresql.insert(table)
