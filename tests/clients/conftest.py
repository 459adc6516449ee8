"""A running server with the fake CLI, for clients of any language."""

from collections.abc import AsyncIterator

import pytest

from greenroom_server import GreenroomServer
from shared_servers import SharedServers


@pytest.fixture
async def server(servers: SharedServers) -> AsyncIterator[GreenroomServer]:
    """A server with the fake CLI and no session, shared with the module's other tests."""
    async with servers.fake() as running:
        yield running
