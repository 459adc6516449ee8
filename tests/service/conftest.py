"""A running server with the real CLI, whose model is the stand-in."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from greenroom_server import GreenroomServer
from standin.model_api import ModelApi


@pytest.fixture
async def server(tmp_path: Path, model_api: ModelApi) -> AsyncIterator[GreenroomServer]:
    """A server of the test's own, started."""
    async with GreenroomServer(tmp_path, model_api.cli_environment) as running:
        yield running
