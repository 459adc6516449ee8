"""Migrates the schema of a database to this version, and compares it with tables.py."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Engine, inspect, text

_LOCK = 0x67726E72  # arbitrary, but the same on all nodes

Facts = dict[str, object]


class SchemaTooNew(Exception):
    """The database was written by a later version of Greenroom, which this one cannot read."""


NEWEST = "0009"
"""The last migration; a database that has it needs none."""


def upgrade(engine: Engine) -> None:
    """Migrate a database to this version in one transaction; raises SchemaTooNew."""
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":  # SQLite's transaction has the lock from the beginning
            # No timeout: a migration may take long, and other nodes that start wait for it.
            _wait_long(connection)
            connection.detach()  # nobody else gets this connection
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        if _version(connection) != NEWEST:
            # Slow to import, and rarely needed.
            from greenroomd.store.schema.alembic_runner import UnknownMigration, migrate

            try:
                migrate(connection)
            except UnknownMigration as error:
                raise SchemaTooNew(
                    f"the database is newer than this version of Greenroom: {error}"
                ) from error


def is_newest(engine: Engine) -> bool:
    """Whether a database needs no migration."""
    with engine.connect() as connection:
        return _version(connection) == NEWEST


def _wait_long(connection: Connection) -> None:
    """Let a connection of ours wait for each answer until the store ends."""
    driver: Any = connection.connection.driver_connection
    driver.longest = math.inf


def _version(connection: Connection) -> str | None:
    """Return the last migration of the database, None if there is none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return version


def facts(connection: Connection) -> Facts:
    """Return everything in which schemas can differ, keyed by table and name, without the order."""
    inspector = inspect(connection)
    return {
        f"{table} {fact}": value
        for table in inspector.get_table_names()
        if table != "alembic_version"
        for fact, value in _facts_of(inspector, table)
    }


def differences(found: Facts, wanted: Facts) -> list[str]:
    """Return one line for each fact in which two schemas differ."""
    return [
        f"{name}: {found.get(name, 'missing')}, wanted {wanted.get(name, 'nothing')}"
        for name in sorted(found.keys() | wanted.keys())
        if found.get(name) != wanted.get(name)
    ]


def _facts_of(inspector: Any, table: str) -> Iterator[tuple[str, object]]:
    for column in inspector.get_columns(table):
        yield f"column {column['name']}", (str(column["type"]), column["nullable"], column["default"])
    yield "primary key", inspector.get_pk_constraint(table)["constrained_columns"]
    for index in inspector.get_indexes(table):
        options = {key: str(value) for key, value in index.get("dialect_options", {}).items()}
        yield f"index {index['name']}", (index["column_names"], bool(index["unique"]), options)
    for constraint in inspector.get_unique_constraints(table):
        yield f"unique {constraint['name']}", constraint["column_names"]
    for key in inspector.get_foreign_keys(table):
        yield f"foreign key {key['name']}", (key["constrained_columns"], key["referred_table"])
