"""Listeners of somebody else's, inside a running server."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from fake_cli.installed import install
from greenroom.v1.session_service_pb2 import START_MODE_MANUAL
from greenroom_server import GreenroomServer
from story import create, run_turn

PATIENCE = 60.0  # seconds; only ever reached by a failing test


async def test_the_example_of_the_documentation_runs_in_a_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "billing.py").write_text(example())
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("BILLING_FILE", str(tmp_path / "billing.csv"))
    server = GreenroomServer(
        tmp_path / "server", {}, claude_path=str(install(tmp_path)), listeners="billing:Billing"
    )
    async with server:
        session = await create(server, user_id="ann")
        turn, _ = await run_turn(server, session.session_id, "hello")
        await written(tmp_path / "billing.csv", f"{turn.turn_id},")
        await server.kill()
        await server.start()
        again, _ = await run_turn(server, session.session_id, "hello")
        await written(tmp_path / "billing.csv", f"{again.turn_id},")


async def test_a_listener_that_breaks_breaks_no_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken.py").write_text(
        "from greenroomd.app.watch.listeners import Subscription\n"
        "class Broken:\n"
        "    subscription = Subscription()\n"
        "    async def hear(self, event):\n"
        "        raise SystemError(event.session_id)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    server = GreenroomServer(
        tmp_path / "server", {}, claude_path=str(install(tmp_path)), listeners="broken:Broken"
    )
    async with server:
        sessions: Sequence[str] = [
            (await create(server, start_mode=START_MODE_MANUAL)).session_id for _ in range(3)
        ]
        await written(server.log, sessions[0])
        assert await server.stop() == 0


async def test_a_listener_that_cannot_be_loaded_keeps_the_server_from_starting(tmp_path: Path) -> None:
    server = GreenroomServer(
        tmp_path / "server", {}, claude_path=str(install(tmp_path)), listeners="nowhere:listener"
    )
    with pytest.raises(AssertionError, match="listener nowhere:listener: ModuleNotFoundError"):
        await server.start()
    await server.__aexit__(None, None, None)


def example() -> str:
    """Return the listener that docs/listeners.md shows."""
    page = (Path(__file__).resolve().parents[2] / "docs/listeners.md").read_text()
    return page.partition("```python\n")[2].partition("```")[0]


async def written(path: Path, text: str) -> None:
    """Wait until a file holds a text."""
    async with asyncio.timeout(PATIENCE):
        while not path.exists() or text not in path.read_text():  # noqa: ASYNC110 -- a file tells nobody
            await asyncio.sleep(0.02)
