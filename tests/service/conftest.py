"""Running servers: with the real CLI, whose model is the stand-in, or with the fake CLI; on either database."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from contract.postgres import PostgresServer, running_postgres
from fake_cli.installed import install
from greenroom_server import GreenroomServer
from standin.model_api import ModelApi


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The PostgreSQL server that the tests share."""
    with running_postgres() as running:
        yield running


@pytest.fixture
def database(request: pytest.FixtureRequest) -> dict[str, str]:
    """The setting that names an empty database of the test's own: SQLite, unless a module parametrizes this."""
    return _setting(request, getattr(request, "param", "sqlite"))


@pytest.fixture
async def server(
    tmp_path: Path, model_api: ModelApi, database: dict[str, str]
) -> AsyncIterator[GreenroomServer]:
    """A server of the test's own with the real CLI, started."""
    async with GreenroomServer(tmp_path, model_api.cli_environment, **database) as running:
        yield running


@pytest.fixture(params=["sqlite", "postgres"])
async def fake_server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[GreenroomServer]:
    """A server of the test's own with the fake CLI, started; once on each database."""
    settings = {"claude_path": str(install(tmp_path)), **_setting(request, request.param)}
    async with GreenroomServer(tmp_path, {}, **settings) as running:
        yield running


def _setting(request: pytest.FixtureRequest, kind: str) -> dict[str, str]:
    if kind == "sqlite":
        return {}
    postgres: PostgresServer = request.getfixturevalue("postgres")
    return {"database_url": postgres.url(postgres.new_database())}
