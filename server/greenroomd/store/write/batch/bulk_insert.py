"""Inserts rows in bulk, in the way that is fastest on each database.

Measured for the writer's batches, which go to few tables. PostgreSQL's COPY costs a third of an executemany. SQLite's
driver releases the GIL for each statement and must then wait to get it back: one statement for many rows leaves the
event loop alone, whereas an executemany would disturb it for each row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Table, insert
from sqlalchemy.exc import DBAPIError

from greenroomd.store.engine import Database
from greenroomd.store.schema.rows import Row

_COPIED_FROM: Final = 4  # rows; fewer are faster one by one
_ANY_SIZE: Final = 16  # rows per statement; above it, only powers of two
_LARGEST: Final = 128  # rows per statement; well below SQLite's limit of 32,766 parameters


class BulkInsert:
    """Inserts whole rows, tuples in the order of their table's columns."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._texts: dict[tuple[Table, int], str] = {}

    def __call__(self, connection: Connection, table: Table, rows: Sequence[Row]) -> None:
        """Insert rows into one table. Raises SQLAlchemy's errors, although it bypasses SQLAlchemy."""
        driver: Any = connection.connection.driver_connection
        errors: Any = connection.dialect.loaded_dbapi
        try:
            if self._database.sqlite:
                for part in _parts(rows):
                    driver.execute(self._text(table, len(part)), [value for row in part for value in row])
            elif len(rows) >= _COPIED_FROM:
                _copy(driver, table, rows)
            elif rows:
                driver.cursor().executemany(self._text(table, 1), rows)
        except errors.Error as error:
            raise DBAPIError.instance(
                f"INSERT INTO {table.name}",
                None,
                error,
                errors.Error,
                hide_parameters=True,
                dialect=connection.dialect,
            ) from error

    def _text(self, table: Table, rows: int) -> str:
        text = self._texts.get((table, rows))
        if text is None:
            one = self._database.sql(insert(table).inline(), *(column.name for column in table.columns))
            row = one.rpartition(" VALUES ")[2]
            text = self._texts[table, rows] = one + f", {row}" * (rows - 1)
        return text


def _parts(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Split rows into parts of a few fixed sizes, so that the driver keeps the few statements prepared."""
    begin = 0
    while left := len(rows) - begin:
        size = left if left <= _ANY_SIZE else min(_LARGEST, 1 << left.bit_length() - 1)
        yield rows[begin : begin + size]
        begin += size


def _copy(driver: Any, table: Table, rows: Sequence[Row]) -> None:
    statement = f"COPY {table.name} ({', '.join(column.name for column in table.columns)}) FROM STDIN"
    with driver.cursor() as cursor, cursor.copy(statement) as copying:
        for row in rows:
            copying.write_row(row)
