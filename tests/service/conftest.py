"""Running servers: with the real CLI, whose model is the stand-in; and with the fake CLI, on each database."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from contract.postgres import PostgresServer, running_postgres
from fake_cli.installed import install
from greenroom_server import GreenroomServer
from standin.model_api import ModelApi


@pytest.fixture
async def server(tmp_path: Path, model_api: ModelApi) -> AsyncIterator[GreenroomServer]:
    """A server of the test's own, started."""
    async with GreenroomServer(tmp_path, model_api.cli_environment) as running:
        yield running


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The PostgreSQL server that the tests share."""
    with running_postgres() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgres"])
async def fake_server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[GreenroomServer]:
    """A server of the test's own with the fake CLI, started; once on each database."""
    settings = {"claude_path": str(install(tmp_path))}
    if request.param == "postgres":
        postgres: PostgresServer = request.getfixturevalue("postgres")
        settings["database_url"] = postgres.url(postgres.new_database())
    async with GreenroomServer(tmp_path, {}, **settings) as running:
        yield running
