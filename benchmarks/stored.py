"""Databases with very many sessions or events, made inside SQLite from one real session."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from greenroom.v1.event_pb2 import EVENT_TYPE_MESSAGE_ASSISTANT, Event

_NUMBERS = 120  # bytes of an event that its number takes: id, sequence, revision and cursor
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


def identity(n: int) -> str:
    """Return the session id of the n-th copy."""
    return f"{n:08x}-0000-4000-8000-{n:012x}"


def multiply_events(database: Path, count: int, *, size: int) -> None:
    """Add so many events of about so many bytes to the only session in the database. The server must not run."""
    event = Event(type=EVENT_TYPE_MESSAGE_ASSISTANT)
    event.message_assistant.message_id = "x" * max(0, size - _NUMBERS)
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        (first,) = connection.execute("SELECT revision FROM meta").fetchone()
        connection.execute(
            f"WITH RECURSIVE many(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < {count}) "
            "INSERT INTO events SELECT :first + n, number, session_id, workspace_id, last_sequence + n, "
            "'message.assistant', '', last_active_time, :body FROM many, sessions",
            {"first": first, "body": event.SerializeToString()},
        )
        connection.execute("UPDATE meta SET revision = revision + ?", (count,))
        connection.execute(
            "UPDATE sessions SET last_sequence = last_sequence + ?, revision = ?", (count, first + count)
        )
        connection.commit()
