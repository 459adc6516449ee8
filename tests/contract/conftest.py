"""A store on each database, new for every test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path

import pytest

from contract.postgres import PostgresServer, running_postgres
from contract.sample import Heard, JsonCodec
from greenroomd.app.ports.storage import Store
from greenroomd.store.sql_store import SqlStore, open_store

Opening = Callable[..., AbstractAsyncContextManager[SqlStore]]


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The PostgreSQL server that the tests share."""
    with running_postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database, once of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/greenroom.db"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.url(server.new_database())


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
            "patience": timedelta(seconds=5),
            **changes,
        }
        return open_store(database_url, **arguments)  # type: ignore[arg-type]

    return opened


@pytest.fixture
async def store(opening: Opening) -> AsyncIterator[Store]:
    """An open store."""
    async with opening() as opened:
        yield opened
