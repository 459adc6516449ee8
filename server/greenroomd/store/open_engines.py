"""How SQLite and PostgreSQL are opened: the settings of each connection, and what a database must fulfil."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL

from greenroomd.store.postgresql_settings import ignored_setting

READERS: Final = 4
_WRITER_CACHE_KIB: Final = 64 * 1024
_READER_CACHE_KIB: Final = 8 * 1024
_CHECKPOINT_PAGES: Final = (
    4_000  # 16 MiB of WAL: fewer but longer checkpoints, since each costs two more syncs
)
_WAL_RETRY_SECONDS: Final = 0.01
_ENCODINGS: Final = ("UTF8", "SQL_ASCII")  # the second one keeps our UTF-8 as it is
OLDEST_POSTGRESQL: Final = 14  # the oldest one still maintained; the tests also run against newer ones


class UnsupportedDatabase(Exception):
    """The URL names a database that Greenroom does not support."""


def open_sqlite(url: URL, wait_timeout: timedelta) -> tuple[Engine, Engine]:
    """Return the engine of the writer and that of the readers; a file that is not there is made."""
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise UnsupportedDatabase("SQLite needs a file: sqlite:///path")
    path = Path(url.database)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # It contains conversations. The files that SQLite creates beside it get the same mode.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    arguments = {
        "timeout": wait_timeout.total_seconds(),
        "isolation_level": None,  # the driver must not begin transactions itself
        "check_same_thread": False,
        "cached_statements": 256,
    }
    writing = _engine(url, 1, arguments, wait_timeout, paramstyle="qmark")
    reading = _engine(url, READERS, arguments, wait_timeout, paramstyle="qmark")

    @event.listens_for(writing, "connect")
    def _durable(connection: Any, _record: object) -> None:
        _switch_to_wal(connection, wait_timeout)
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA secure_delete=ON")  # what is deleted is overwritten, not only forgotten
        connection.execute(f"PRAGMA cache_size=-{_WRITER_CACHE_KIB}")
        connection.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")

    @event.listens_for(writing, "begin")
    def _immediate(connection: Connection) -> None:
        # A deferred transaction would read first, and could then lose the race for the write lock.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    @event.listens_for(reading, "connect")
    def _only_reading(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA query_only=ON")
        connection.execute(f"PRAGMA cache_size=-{_READER_CACHE_KIB}")

    return writing, reading


def _switch_to_wal(connection: sqlite3.Connection, wait_timeout: timedelta) -> None:
    """Let SQLite keep a write-ahead log. It does not wait here for another connection that does the same, so we do."""
    deadline = time.monotonic() + wait_timeout.total_seconds()
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                raise
            time.sleep(_WAL_RETRY_SECONDS)
        else:
            return


def open_postgresql(url: URL, arguments: dict[str, Any], wait_timeout: timedelta) -> tuple[Engine, Engine]:
    """Return the engine of the writer and that of the readers; connects to nothing yet."""
    return (
        _engine(url, 1, arguments, wait_timeout, paramstyle="format"),
        # Every read is one statement, or is limited by a head read before.
        _engine(url, READERS, arguments, wait_timeout, paramstyle="format", isolation_level="AUTOCOMMIT"),
    )


def _engine(
    url: URL, connections: int, arguments: dict[str, Any], wait_timeout: timedelta, **options: str
) -> Engine:
    """Return an engine with `connections` connections, whose errors never show parameters."""
    return create_engine(
        url,
        connect_args=arguments,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=wait_timeout.total_seconds(),
        hide_parameters=True,
        **options,
    )


def require_postgresql(version: Sequence[int]) -> None:
    """Raise UnsupportedDatabase if a server's version, such as (13, 14), is too old."""
    if version[0] < OLDEST_POSTGRESQL:
        found = ".".join(map(str, version))
        raise UnsupportedDatabase(
            f"GREENROOM_DATABASE_URL: the server is PostgreSQL {found}; {OLDEST_POSTGRESQL} or later is needed"
        )


def require_settings(connection: Any) -> None:
    """Raise UnsupportedDatabase if a connection lacks a setting on which the meaning of data depends."""
    if ignored := ignored_setting(connection.info.parameter_status):
        raise UnsupportedDatabase(
            f"GREENROOM_DATABASE_URL: {ignored} although we ask for it: use a connection that passes our options on"
        )
    encoding = connection.info.parameter_status("server_encoding")
    if encoding not in _ENCODINGS:
        raise UnsupportedDatabase(
            f"GREENROOM_DATABASE_URL: the encoding of the database is {encoding}, which cannot hold every text: "
            "make one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
        )
