"""The settings of every PostgreSQL connection: all that matter, whatever the operator has set for other clients.

`ALTER DATABASE … SET`, `ALTER ROLE … SET` and `PG…` variables change the settings of a new connection. Some of them
change the meaning of bytes: data written with one value reads differently with another. They are set by a statement: a
pooler does not pass on the options of a connection.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from sqlalchemy.engine import URL

_KEEPALIVE: Final = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,  # ms; until unacknowledged data times out, the other timers do not act
}

_ENCODING: Final = "UTF8"

_MEANING: Final = {
    "standard_conforming_strings": "on",  # off: the driver would double each backslash, and COPY keep both
    "backslash_quote": "safe_encoding",
    "bytea_output": "hex",
    "array_nulls": "on",
    "DateStyle": "ISO",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
}
"""The settings that decide how values are written and read, beside the encoding."""

_REPORTED: Final = {"standard_conforming_strings": "on", "client_encoding": _ENCODING}
"""Values that the server must report for a new connection."""


_OURS: Final = frozenset({"autocommit", "context", "cursor_factory", "row_factory"})
"""Arguments of the driver, not of PostgreSQL, on which the store depends."""


def connection_arguments(url: URL, wait_timeout: timedelta) -> dict[str, Any]:
    """Return the driver's arguments beside and in place of those of the URL; raises ValueError for one that is ours."""
    if ours := sorted(_OURS & url.query.keys()):
        raise ValueError(f"{', '.join(ours)} cannot be set")
    return {
        "connect_timeout": max(2, round(wait_timeout.total_seconds())),
        "client_encoding": _ENCODING,
        **_KEEPALIVE,
        **_typed(url),
    }


def _typed(url: URL) -> dict[str, Any]:
    """Return the arguments of the URL that the driver does not take as text; all others go to PostgreSQL."""
    threshold = url.query.get("prepare_threshold")
    if threshold is None:
        return {}
    if threshold == "None":
        return {"prepare_threshold": None}
    if not isinstance(threshold, str) or not threshold.isdecimal():
        raise ValueError("prepare_threshold must be a whole number, or None")
    return {"prepare_threshold": int(threshold)}


def settings_statement(wait_timeout: timedelta) -> str:
    """Return the statement that makes the settings of a new connection; what the URL's options say is overridden."""
    milliseconds = wait_timeout // timedelta(milliseconds=1)
    settings = {
        **_MEANING,
        "lock_timeout": str(milliseconds),
        "statement_timeout": str(6 * milliseconds),
        # A node that stops inside a transaction must not hold the others' lock forever.
        "idle_in_transaction_session_timeout": str(2 * milliseconds),
    }
    return "SELECT " + ", ".join(
        f"set_config('{name}', '{value}', false)" for name, value in settings.items()
    )


def longest_wait(wait_timeout: timedelta) -> timedelta:
    """Return how long to wait for an answer: longer than `statement_timeout`, by which a server that runs answers."""
    return 7 * wait_timeout


def ignored_setting(reported: Callable[[str], str | None]) -> str | None:
    """Return a required setting that the server, or a pooler in between, did not apply; None if all are applied.

    `reported` gives the value of a setting as the server reported it.
    """
    for name, value in _REPORTED.items():
        if reported(name) != value:
            return f"{name} is {reported(name)}, not {value}"
    return None
