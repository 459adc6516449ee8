"""The database behind the store, SQLite or PostgreSQL: its two engines, and where the SQL of the two differs."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Select,
    Text,
    bindparam,
    column,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.engine import make_url
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement

from greenroomd.store.open_engines import (
    UnsupportedDatabase,
    open_postgresql,
    open_sqlite,
    require_postgresql,
    require_settings,
)
from greenroomd.store.postgresql_settings import connection_arguments, longest_wait, settings_statement

if TYPE_CHECKING:
    import psycopg

    from greenroomd.store.bounded_connection import WaitLimit


class Database:
    """One database, with an engine for the writer's one connection and one for the readers.

    `wait_timeout` limits every wait for a connection attempt, a free connection, or another transaction's lock. An
    answer of PostgreSQL may take `longest_wait`.
    """

    def __init__(self, url: str, *, wait_timeout: timedelta) -> None:
        parsed = make_url(url)
        self.longest_wait = longest_wait(wait_timeout)
        self._limit: WaitLimit | None = None
        self.sqlite = parsed.get_backend_name() == "sqlite"
        if self.sqlite:
            self.writing, self.reading = open_sqlite(parsed, wait_timeout)
            self.path = Path(parsed.database or "")
        elif parsed.drivername == "postgresql+psycopg":
            try:
                self._arguments = connection_arguments(parsed, wait_timeout)
            except ValueError as error:
                raise UnsupportedDatabase(f"GREENROOM_DATABASE_URL: {error}") from None
            self._settings = settings_statement(wait_timeout)
            self.writing, self.reading = open_postgresql(parsed, self._arguments, wait_timeout)
            from greenroomd.store.bounded_connection import limit_waits  # imports the driver

            self._limit = limit_waits(self.longest_wait, self._settings, self.writing, self.reading)
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

    def empty_log(self) -> bool:
        """Write SQLite's log into the database file and empty it; return False if somebody is in the way just now.

        Waits for other connections only for a moment, since it holds up the writer. PostgreSQL's log is its own affair.
        """
        if not self.sqlite:
            return True
        with closing(sqlite3.connect(self.path, timeout=0.2, isolation_level=None)) as connection:
            try:
                busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            except sqlite3.OperationalError:  # locked
                return False
        return not busy

    async def connect(self, extra_settings: str = "") -> psycopg.AsyncConnection:
        """Open a connection to PostgreSQL beside those of the engines, in autocommit, with our settings.

        `extra_settings` is one more statement to run first. Raises psycopg.OperationalError.
        """
        import psycopg  # takes 0.1 s, which a start on SQLite does not need

        connection = await psycopg.AsyncConnection.connect(**self.connection_arguments, autocommit=True)
        try:
            await connection.execute(self._settings)
            if extra_settings:
                await connection.execute(extra_settings)
        except BaseException:
            await connection.close()
            raise
        return connection

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


def limited(statement: Select[Any], name: str) -> Select[Any]:
    """Return the statement with a parameter as its limit; an explicit offset saves another parameter on SQLite."""
    return statement.limit(bindparam(name, type_=BigInteger())).offset(literal_column("0"))
