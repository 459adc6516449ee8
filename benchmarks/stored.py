"""Databases with very many sessions, made by copying one real session inside SQLite."""

from __future__ import annotations

import sqlite3
from pathlib import Path

_IDENTITY = "printf('%08x-0000-4000-8000-%012x', n, n)"


def multiply_sessions(database: Path, count: int, *, state: str = "suspended") -> None:
    """Make `count` sessions of the only one in the database, all in `state`, created a microsecond apart.

    The server must not run. Their revisions follow the store's last one.
    """
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        (first,) = connection.execute("SELECT revision FROM meta").fetchone()
        (number,) = connection.execute("SELECT number FROM sessions").fetchone()
        numbers = f"WITH RECURSIVE many(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < {count})"
        columns = [row[1] for row in connection.execute("PRAGMA table_info(sessions)")]
        changed = {
            "number": f"{first} + n",
            "session_id": _IDENTITY,
            "state": f"'{state}'",
            "unsettled": "0",
            "create_time": "create_time + n",
            "last_active_time": "last_active_time + n",
            "revision": f"{first} + n",
        }
        chosen = ", ".join(changed.get(column, column) for column in columns)
        names = ", ".join(columns)
        connection.execute(
            f"{numbers} INSERT INTO sessions ({names}) SELECT {chosen} FROM many, sessions WHERE number = {number}"
        )
        connection.execute(f"{numbers} INSERT INTO identities SELECT {_IDENTITY}, {first} + n FROM many")
        connection.execute(
            f"{numbers} INSERT INTO configs SELECT {first} + n, generation, config FROM many, configs "
            f"WHERE session_number = {number}"
        )
        connection.execute(f"UPDATE meta SET revision = revision + {count}")
        connection.commit()
        connection.execute("ANALYZE")


def identity(n: int) -> str:
    """Return the session id of the n-th copy."""
    return f"{n:08x}-0000-4000-8000-{n:012x}"
