"""A store on each database, new for every test."""

from __future__ import annotations

import shutil
import sqlite3
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, closing
from datetime import timedelta
from pathlib import Path

import pytest

from contract.postgres import PostgresServer, running_postgres
from contract.sample import Heard, JsonCodec
from greenroomd.app.ports.storage import Store
from greenroomd.store.engine import Database
from greenroomd.store.schema.upgrade import upgrade
from greenroomd.store.sql_store import SqlStore, open_store

Opening = Callable[..., AbstractAsyncContextManager[SqlStore]]


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The PostgreSQL server that the tests share."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite database of this version without any data."""
    path = tmp_path_factory.mktemp("migrated") / "greenroom.db"
    database = Database(f"sqlite:///{path}", wait_timeout=timedelta(seconds=5))
    upgrade(database.writing)
    database.dispose()
    return path


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of this version without any data, once of each kind."""
    if request.param == "sqlite":
        path = tmp_path / "greenroom.db"
        shutil.copy(request.getfixturevalue("migrated_file"), path)
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE meta SET store_id = ?", (str(uuid.uuid4()),))
        yield f"sqlite:///{path}"
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        name = server.migrated_database()
        yield server.url(name)
        server.drop(name)


@pytest.fixture(params=["sqlite", "postgres"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without any table, once of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/greenroom.db"
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        name = server.new_database()
        yield server.url(name)
        server.drop(name)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """Where the key of the secrets is."""
    return tmp_path / "secret.key"


@pytest.fixture
def heard() -> Heard:
    """What the store announced."""
    return Heard()


@pytest.fixture
def opening(database_url: str, key_file: Path, heard: Heard) -> Opening:
    """Opens a store on the test's database; call it twice for two nodes."""

    def opened(**changes: object) -> AbstractAsyncContextManager[SqlStore]:
        arguments: dict[str, object] = {
            "key_file": key_file,
            "codec": lambda _: JsonCodec(),
            "announce": heard,
            "wait_timeout": timedelta(seconds=5),
            **changes,
        }
        return open_store(database_url, **arguments)  # type: ignore[arg-type]

    return opened


@pytest.fixture
async def store(opening: Opening) -> AsyncIterator[Store]:
    """An open store."""
    async with opening() as opened:
        yield opened
