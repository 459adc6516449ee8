"""Which `claude` the tests run: that of the lock, or the one of `make test-cli`, in GREENROOM_TEST_CLI.

Tests that ask for the stand-in of the model's API are those that run the real CLI, and are marked so.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from greenroomd.processes.claude.discovery import find_cli


def cli_setting() -> Mapping[str, str]:
    """Return the setting that makes a server run it; without one, it runs that of the lock."""
    return {"GREENROOM_CLAUDE_PATH": named} if (named := os.environ.get("GREENROOM_TEST_CLI")) else {}


def path_of_cli() -> Path | None:
    """Return the CLI that was named; None for that of the lock."""
    return Path(named) if (named := cli_setting().get("GREENROOM_CLAUDE_PATH")) else None


def pytest_report_header() -> str | None:
    """Say which version is tried, where that is not the one of the lock."""
    if (path := path_of_cli()) is None:
        return None
    return f"claude: {asyncio.run(find_cli(path, '')).version} ({path})"


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Mark the tests that run the real CLI."""
    for item in items:
        if "model_api" in getattr(item, "fixturenames", ()):
            item.add_marker("real_cli")
