"""One scenario, played by every client against the same live server: all of them see the same.

Python takes part always; the others where GREENROOM_TEST_CLIENTS names them, as `make test-clients` does.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from greenroom_server import GreenroomServer

HERE = Path(__file__).parent
CLIENTS = HERE.parents[1] / "clients"
RUNNERS = {
    "python": [sys.executable, str(HERE / "runners" / "python_runner.py")],
    "go": [str(CLIENTS.parent / "build" / "clients" / "go-runner")],
    "java": [str(HERE / "runners" / "java.sh"), "io.github.greenroomdev.Scenario"],
    "rust": [str(CLIENTS.parent / "build" / "cargo" / "debug" / "examples" / "scenario")],
    "typescript": ["node", str(CLIENTS / "typescript" / "dist-test" / "test" / "scenario.js")],
}
PATIENCE = 100.0  # seconds


async def played(language: str, server: GreenroomServer) -> str:
    """Return the transcript of one language's runner; the server is killed and started where it says so."""
    runner = await asyncio.create_subprocess_exec(
        *RUNNERS[language], server.address, str(server.work), str(HERE / "scenario.json"),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert runner.stdin is not None
    assert runner.stdout is not None
    transcript = ""
    try:
        async with asyncio.timeout(PATIENCE):
            while line := (await runner.stdout.readline()).decode():
                transcript += line
                if line.strip() == "restart_server":
                    await server.kill()
                    await server.start()
                    runner.stdin.write(b"started\n")
            assert await runner.wait() == 0, transcript
    finally:
        if runner.returncode is None:
            runner.kill()
            await runner.wait()
    return transcript


@pytest.mark.timeout(300)
async def test_every_client_sees_the_same(server: GreenroomServer) -> None:
    languages = os.environ.get("GREENROOM_TEST_CLIENTS", "python").split()
    expected = (HERE / "transcript.txt").read_text()
    for language in languages:
        assert await played(language, server) == expected, f"{language} tells another story"
