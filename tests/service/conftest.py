"""Running servers: with the real CLI, whose model is the stand-in, or with the fake CLI; on either database."""

from collections.abc import AsyncIterator

import pytest

from greenroom_server import GreenroomServer
from shared_servers import Databases, SharedServers
from standin.model_api import ModelApi


@pytest.fixture
def database(request: pytest.FixtureRequest, databases: Databases) -> dict[str, str]:
    """The setting that names the module's database: SQLite, unless a module parametrizes this."""
    return databases.setting(getattr(request, "param", "sqlite"))


@pytest.fixture
async def server(
    servers: SharedServers, model_api: ModelApi, database: dict[str, str]
) -> AsyncIterator[GreenroomServer]:
    """A server with the real CLI and no session, shared with the module's other tests."""
    async with servers.real(model_api.cli_environment, **database) as running:
        yield running


@pytest.fixture(params=["sqlite", "postgres"])
async def fake_server(
    request: pytest.FixtureRequest, servers: SharedServers, databases: Databases
) -> AsyncIterator[GreenroomServer]:
    """A server with the fake CLI and no session, shared with the module's other tests; on each database."""
    async with servers.fake(**databases.setting(request.param)) as running:
        yield running


@pytest.fixture
async def fake(servers: SharedServers) -> AsyncIterator[GreenroomServer]:
    """A server with the fake CLI and no session, on SQLite, shared with the module's other tests."""
    async with servers.fake() as running:
        yield running
