"""A running server with the fake CLI, for clients of any language."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fake_cli import installed
from greenroom_server import GreenroomServer


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[GreenroomServer]:
    """A server of the test's own, started."""
    claude = installed.install(tmp_path)
    async with GreenroomServer(tmp_path, {}, claude_path=str(claude)) as running:
        yield running
