"""The settings of every PostgreSQL connection. We send all that matter, whatever the operator has set for others.

`ALTER DATABASE … SET`, `ALTER ROLE … SET` and `PG…` variables change the settings of a new connection. Some of them
change what bytes mean: what was written under one value is read as something else under another.
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
    "tcp_user_timeout": 25_000,  # ms; what was sent and is not acknowledged keeps the others from acting
}

_ENCODING: Final = "UTF8"

_MEANING: Final = {
    "standard_conforming_strings": "on",  # off: the driver doubles each backslash, and COPY keeps both
    "backslash_quote": "safe_encoding",
    "bytea_output": "hex",
    "array_nulls": "on",
    "DateStyle": "ISO",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
}
"""What decides how values are written and read, beside the encoding."""

_REPORTED: Final = {"standard_conforming_strings": "on", "client_encoding": _ENCODING}
"""What the server reports of itself when a connection is made, and must be so."""


def connection_arguments(url: URL, patience: timedelta) -> dict[str, Any]:
    """Return what the driver is given beside the URL; the options of the URL are kept, but ours come last."""
    milliseconds = patience // timedelta(milliseconds=1)
    meaning = "".join(f" -c {name}={value}" for name, value in _MEANING.items())
    return {
        "connect_timeout": max(2, round(patience.total_seconds())),
        "client_encoding": _ENCODING,  # not among the options: PGCLIENTENCODING would win over them
        **_KEEPALIVE,
        # A node that stops within a transaction must not hold the others' lock for ever.
        "options": f"{url.query.get('options', '')}{meaning}"
        f" -c lock_timeout={milliseconds} -c statement_timeout={6 * milliseconds}"
        f" -c idle_in_transaction_session_timeout={2 * milliseconds}",
    }


def ignored_setting(reported: Callable[[str], str | None]) -> str | None:
    """Return what the server, or a pooler before it, has made of a setting that it had to take; None if all is well.

    `reported` gives the value of a setting as the server reported it.
    """
    for name, value in _REPORTED.items():
        if reported(name) != value:
            return f"{name} is {reported(name)}, not {value}"
    return None
