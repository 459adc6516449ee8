"""The database goes away: a turn goes on and nothing that its process said is lost, and the server can be stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.postgres import PostgresServer, running_postgres
from fake_cli.installed import install, turn
from greenroom.v1 import session_pb2, turn_pb2
from greenroom_server import PATIENCE, GreenroomServer
from story import create, get, history, names, sequences, start_turn, until

SAID = 50  # messages of the turn


@pytest.fixture
def failing_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server of the test's own, which it may stop."""
    with running_postgres() as server:
        yield server


async def until_logged(server: GreenroomServer, event: str) -> None:
    """Wait until the server has logged this."""
    async with asyncio.timeout(PATIENCE):
        while True:
            if event in server.log.read_text():
                return
            await asyncio.sleep(0.05)


async def test_a_turn_outlives_an_outage_of_the_database(
    tmp_path: Path, failing_postgres: PostgresServer
) -> None:
    url = failing_postgres.url(failing_postgres.new_database())
    claude = str(install(tmp_path))
    async with GreenroomServer(tmp_path, {}, claude_path=claude, database_url=url) as server:
        session_id = (await create(server)).session_id
        before = await until(server, session_id, session_pb2.SESSION_STATE_READY)
        away = tmp_path / "away"
        script = turn(until=str(away), events=SAID, text="all of it")  # it speaks while the database is away
        running = await start_turn(server, session_id, script)
        await until(server, session_id, session_pb2.SESSION_STATE_ACTIVE)
        failing_postgres.stop()
        away.touch()
        await until_logged(server, "store_unavailable")
        failing_postgres.start()
        await until(server, session_id, turn_id=running.turn_id)
        session, told = await get(server, session_id), await history(server, session_id)
    assert session.process.pid == before.process.pid
    (ended,) = [event for event in told if event.WhichOneof("payload") == "turn_completed"]
    assert ended.turn_completed.turn.state == turn_pb2.TURN_STATE_COMPLETED
    assert ended.turn_completed.turn.result_text == "all of it"
    assert names(told).count("message_assistant") >= SAID
    assert sequences(told) == list(range(1, len(told) + 1))


async def test_a_server_stops_in_time_though_its_database_is_frozen(
    tmp_path: Path, failing_postgres: PostgresServer
) -> None:
    url = failing_postgres.url(failing_postgres.new_database())
    settings = {"claude_path": str(install(tmp_path)), "database_url": url, "drain_timeout": "3s"}
    async with GreenroomServer(tmp_path, {}, **settings) as server:
        session_id = (await create(server)).session_id
        await until(server, session_id, session_pb2.SESSION_STATE_READY)
        with failing_postgres.frozen():  # the drain cannot commit that the session is suspended
            assert await server.stop() == 0
        assert "drain_incomplete" in server.log.read_text()
