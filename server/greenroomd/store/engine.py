"""The database behind the store, SQLite or PostgreSQL: how each is opened, and where their SQL differs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    Engine,
    Select,
    Text,
    bindparam,
    column,
    create_engine,
    event,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    DatabaseError,
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    NotSupportedError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement

from greenroomd.domain.retryable_errors import StoreUnavailable
from greenroomd.store.postgresql_settings import connection_arguments, ignored_setting, longest_wait

if TYPE_CHECKING:
    from greenroomd.store.bounded_connection import WaitLimit

READERS: Final = 4
_WRITER_CACHE_KIB: Final = 64 * 1024
_READER_CACHE_KIB: Final = 8 * 1024
_CHECKPOINT_PAGES: Final = (
    4_000  # 16 MiB of WAL: fewer but longer checkpoints, since each costs two more syncs
)
_MISTAKES = (DataError, IntegrityError, ProgrammingError, NotSupportedError)
_ENCODINGS: Final = ("UTF8", "SQL_ASCII")  # the second one keeps our UTF-8 as it is
OLDEST_POSTGRESQL: Final = 14  # the oldest one still maintained; the tests also run against newer ones


class UnsupportedDatabase(Exception):
    """The URL names a database that Greenroom does not support."""


class Database:
    """One database, with an engine for the writer's one connection and one for the readers.

    `patience` limits every wait for a connection attempt, a free connection, or another transaction's lock. An answer
    of PostgreSQL may take `longest_wait`.
    """

    def __init__(self, url: str, *, patience: timedelta) -> None:
        parsed = make_url(url)
        self.longest_wait = longest_wait(patience)
        self._limit: WaitLimit | None = None
        self.sqlite = parsed.get_backend_name() == "sqlite"
        if self.sqlite:
            self.writing, self.reading = _open_sqlite(parsed, patience)
            self.path = Path(parsed.database or "")
        elif parsed.drivername == "postgresql+psycopg":
            self._arguments = connection_arguments(parsed, patience)
            self.writing, self.reading = _open_postgresql(parsed, self._arguments, patience)
            from greenroomd.store.bounded_connection import limit_waits  # imports the driver

            self._limit = limit_waits(self.longest_wait, self.writing, self.reading)
        else:
            raise UnsupportedDatabase(
                f"{parsed.drivername}: use sqlite:///path or postgresql+psycopg://user:password@host/database"
            )

    def require_supported(self) -> None:
        """Connect; raise UnsupportedDatabase if the server is too old or does not apply our settings."""
        with self.reading.connect() as connection:
            if not self.sqlite:
                require_postgresql(cast(tuple[int, ...], connection.dialect.server_version_info))
                require_settings(connection.connection.driver_connection)

    @property
    def connection_arguments(self) -> dict[str, Any]:
        """Return the driver's arguments for a new connection to PostgreSQL."""
        _, arguments = self.writing.dialect.create_connect_args(self.writing.url)
        return {**arguments, **self._arguments}

    def compile(self, statement: Executable) -> SQLCompiler:
        """Return the statement's text, with positional parameters, for `Connection.exec_driver_sql`."""
        return cast(SQLCompiler, cast(ClauseElement, statement).compile(dialect=self.writing.dialect))

    def sql(self, statement: Executable, *names: str) -> str:
        """Return the compiled text; `names` are the parameters in the order in which they will be passed."""
        compiled = self.compile(statement)
        if list(names) != list(compiled.positiontup or ()):
            raise AssertionError(f"parameters are {compiled.positiontup}, not {names}: {compiled}")
        return str(compiled)

    def among(self, key: ColumnElement[str], name: str) -> ColumnElement[bool]:
        """Return the condition that the key is in a list, passed as one parameter; it can use the key's index."""
        if self.sqlite:
            return key.in_(select(column("value")).select_from(func.json_each(bindparam(name, type_=Text()))))
        return key == func.any(bindparam(name, type_=ARRAY(Text())))

    def each_of(
        self, rows: Select[Any], key: ColumnElement[str], name: str, *also: ColumnElement[bool]
    ) -> Select[Any]:
        """Return the rows whose key is `among` a list, each looked up separately in the index on all conditions.

        PostgreSQL may keep a plan that it made when the table was empty; with `among` that plan reads the whole table.
        """
        if self.sqlite:
            return rows.where(self.among(key, name), *also)
        keys = func.unnest(bindparam(name, type_=ARRAY(Text()))).table_valued("key")
        asked = keys.render_derived(name="asked")
        # A subquery with an offset is not merged into the query around it.
        found = rows.where(key == asked.c.key, *also).offset(literal_column("0")).lateral("found")
        return select(found).select_from(asked).join(found, true())

    def listed(self, values: Sequence[str]) -> Any:
        """Return the parameter of `among`."""
        return json.dumps(values) if self.sqlite else list(values)

    def end_within(self, left: timedelta) -> None:
        """Let all that waits for PostgreSQL fail after this time, in whatever thread; connect no more from then on."""
        if self._limit is not None:
            self._limit.end_within(left.total_seconds())

    def dispose(self) -> None:
        """Close all idle connections."""
        self.reading.dispose()
        self.writing.dispose()


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


def limited(statement: Select[Any], name: str) -> Select[Any]:
    """Return the statement with a parameter as its limit; an explicit offset saves another parameter on SQLite."""
    return statement.limit(bindparam(name, type_=BigInteger())).offset(literal_column("0"))


def is_outage(error: BaseException) -> bool:
    """Whether an error is the database's fault and not ours: locked, full, gone, broken."""
    if isinstance(error, PoolTimeout | InterfaceError):
        return True
    return isinstance(error, DatabaseError) and not isinstance(error, _MISTAKES)


def unavailable(error: BaseException) -> StoreUnavailable:
    """Return the error for a caller: the first line of the driver's message, never a parameter."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return StoreUnavailable(f"the database does not answer: {str(cause).partition(chr(10))[0]}")


@contextmanager
def answering() -> Iterator[None]:
    """Raise StoreUnavailable for an outage inside the block."""
    try:
        yield
    except Exception as error:
        if is_outage(error):
            raise unavailable(error) from error
        raise


def _open_sqlite(url: URL, patience: timedelta) -> tuple[Engine, Engine]:
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise UnsupportedDatabase("SQLite needs a file: sqlite:///path")
    path = Path(url.database)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # It contains conversations. The files that SQLite creates beside it get the same mode.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    arguments = {
        "timeout": patience.total_seconds(),
        "isolation_level": None,  # the driver must not begin transactions itself
        "check_same_thread": False,
        "cached_statements": 256,
    }
    writing = _engine(url, 1, arguments, patience, paramstyle="qmark")
    reading = _engine(url, READERS, arguments, patience, paramstyle="qmark")

    @event.listens_for(writing, "connect")
    def _durable(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
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


def _open_postgresql(url: URL, arguments: dict[str, Any], patience: timedelta) -> tuple[Engine, Engine]:
    return (
        _engine(url, 1, arguments, patience, paramstyle="format"),
        # Every read is one statement, or is limited by a head read before.
        _engine(url, READERS, arguments, patience, paramstyle="format", isolation_level="AUTOCOMMIT"),
    )


def _engine(
    url: URL, connections: int, arguments: dict[str, Any], patience: timedelta, **options: str
) -> Engine:
    """Return an engine with `connections` connections, whose errors never show parameters."""
    return create_engine(
        url,
        connect_args=arguments,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=patience.total_seconds(),
        hide_parameters=True,
        **options,
    )
