"""The quickstart of every client, as its README names it, against a real server."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from fake_cli import installed
from greenroom_server import GreenroomServer

REPOSITORY = Path(__file__).parents[2]
QUICKSTARTS = {
    "python": [sys.executable, str(REPOSITORY / "clients/python/examples/quickstart.py")],
    "go": [str(REPOSITORY / "build/clients/go-quickstart")],
    "java": [str(REPOSITORY / "tests/clients/runners/java.sh"), "Quickstart"],
    "rust": [str(REPOSITORY / "build/cargo/debug/examples/quickstart")],
    "typescript": ["node", str(REPOSITORY / "clients/typescript/dist-test/examples/quickstart.js")],
}
LANGUAGES = os.environ.get("GREENROOM_TEST_CLIENTS", "python").split()


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_quickstart_runs_a_turn(language: str, server: GreenroomServer) -> None:
    arguments = [server.address, str(server.work), installed.turn(text="hello from the example")]
    program = await asyncio.create_subprocess_exec(
        *QUICKSTARTS[language], *arguments, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await program.communicate()
    assert program.returncode == 0
    assert "TURN_COMPLETED" in output.decode()
    assert output.decode().endswith("hello from the example\n")
