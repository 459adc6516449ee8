"""A restored backup is another store: it refuses, in words, the cursors that clients have of the old one."""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Awaitable
from pathlib import Path

import grpc
import pytest

from contract.postgres import PostgresServer
from greenroom.v1.event_service_pb2 import GetEventRequest, WatchEventsRequest
from greenroom.v1.session_service_pb2 import GetSessionRequest
from greenroom_server import GreenroomServer, inherited_environment
from shared_servers import SharedServers
from story import create, history, run_turn


async def command(server: GreenroomServer, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command line with the server's settings."""
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "greenroomd", *words],
        env={**inherited_environment(), **server.settings},
        capture_output=True,
        text=True,
        check=False,
    )


async def refusal(call: Awaitable[object]) -> grpc.aio.AioRpcError:
    """Return the error with which a call is refused."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return refused.value


async def refused_cursor(server: GreenroomServer, session_id: str, cursor: str) -> str:
    """Return how a watch from a cursor is refused."""
    watching = server.events.WatchEvents(WatchEventsRequest(session_ids=[session_id], after=cursor))
    refused = await refusal(watching.read())
    assert refused.code() is grpc.StatusCode.INVALID_ARGUMENT
    return str(refused.details())


async def test_a_backup_is_made_while_the_server_writes_and_restored_as_another_store(
    servers: SharedServers, tmp_path: Path
) -> None:
    async with servers.fake() as server:
        session = await create(server)
        turn, _ = await run_turn(server, session.session_id, "one")
        file = tmp_path / "backup.db"
        made, _ = await asyncio.gather(command(server, "db", "backup", str(file)), turns(server))
        assert made.returncode == 0, made.stderr
        assert file.stat().st_mode & 0o077 == 0
        again = await command(server, "db", "backup", str(file))
        assert (again.returncode, "exists" in again.stderr) == (2, True)
        running = await command(server, "db", "restore", str(file))
        assert (running.returncode, "another greenroomd uses" in running.stderr) == (2, True)

        await run_turn(server, session.session_id, "two")
        lost = (await history(server, session.session_id))[-1]
        await server.stop()
        restored = await command(server, "db", "restore", str(file))
        assert restored.returncode == 0, restored.stderr
        await server.start()
        kept = await history(server, session.session_id)
        assert turn.turn_id in {event.turn_id for event in kept}
        assert lost.event_id not in {event.event_id for event in kept}
        await run_turn(server, session.session_id, "another two")
        assert "belongs to another store" in await refused_cursor(server, session.session_id, lost.cursor)
        unknown = await refusal(server.events.GetEvent(GetEventRequest(event_id=lost.event_id)).read())
        assert unknown.code() is grpc.StatusCode.NOT_FOUND
        assert kept[-1].cursor.split("-")[0] != lost.cursor.split("-")[0]


async def turns(server: GreenroomServer) -> None:
    busy = await create(server)
    for number in range(10):
        await run_turn(server, busy.session_id, f"turn {number}")


async def test_a_file_that_was_put_back_by_hand_is_noticed_at_the_start(
    servers: SharedServers, tmp_path: Path
) -> None:
    """Also after kill -9, and for the very last events; a restart without that changes nothing."""
    async with servers.fake() as server:
        session = await create(server)
        await run_turn(server, session.session_id, "one")
        await server.stop()
        shutil.copy(server.state / "greenroom.db", tmp_path)
        await server.start()
        await run_turn(server, session.session_id, "two")
        last = (await history(server, session.session_id))[-1]
        await server.kill()
        await server.start()
        watching = server.events.WatchEvents(
            WatchEventsRequest(session_ids=[session.session_id], after=last.cursor)
        )
        await watching.initial_metadata()  # the same store
        watching.cancel()
        await server.kill()
        for suffix in ("-wal", "-shm"):
            (server.state / f"greenroom.db{suffix}").unlink(missing_ok=True)
        shutil.copy(tmp_path / "greenroom.db", server.state)
        await server.start()
        for number in range(4):
            await run_turn(server, session.session_id, f"other {number}")
        assert "belongs to another store" in await refused_cursor(server, session.session_id, last.cursor)
        assert "another_store" in server.log.read_text()


@pytest.mark.parametrize("copied", ["database", "directory"])
async def test_a_copy_is_another_store_than_its_original(
    servers: SharedServers, tmp_path: Path, copied: str
) -> None:
    async with servers.fake() as server:
        session = await create(server)
        await run_turn(server, session.session_id, "one")
        last = (await history(server, session.session_id))[-1]
        await server.stop()
        other = GreenroomServer(tmp_path / "other", {}, claude_path=servers.cli)
        if copied == "directory":
            shutil.copytree(server.state, other.state)
        else:
            other.state.mkdir(mode=0o700)
            shutil.copy(server.state / "greenroom.db", other.state)
        await asyncio.gather(server.start(), other.start())
        try:
            found = await other.sessions.GetSession(GetSessionRequest(session_id=session.session_id))
            assert found.session.usage.turns == 1
            assert "belongs to another store" in await refused_cursor(other, session.session_id, last.cursor)
            watching = server.events.WatchEvents(
                WatchEventsRequest(session_ids=[session.session_id], after=last.cursor)
            )
            await watching.initial_metadata()  # the original goes on
            watching.cancel()
        finally:
            await other.disconnect()
            await other.stop()


async def test_a_dump_of_postgresql_that_was_restored_is_another_store(
    servers: SharedServers, postgres: PostgresServer
) -> None:
    database = postgres.migrated_database()
    async with servers.fake(database_url=postgres.url(database)) as server:
        session = await create(server)
        await run_turn(server, session.session_id, "one")
        refused = await command(server, "db", "backup", "x")
        assert (refused.returncode, "pg_dump" in refused.stderr) == (2, True)
        await server.stop()
        dump = postgres.copied(database)
        await server.start()
        await run_turn(server, session.session_id, "two")
        last = (await history(server, session.session_id))[-1]
        await server.stop()
        postgres.drop(database)
        postgres.execute(f'ALTER DATABASE "{dump}" RENAME TO "{database}"')
        await server.start()
        for number in range(2):
            await run_turn(server, session.session_id, f"other {number}")
        assert "belongs to another store" in await refused_cursor(server, session.session_id, last.cursor)
        mark = (await history(server, session.session_id))[-1].cursor.split("-")[0]
        await server.stop()
        adopted = await command(server, "db", "adopt")
        assert adopted.returncode == 0, adopted.stderr
        await server.start()
        adopted_last = (await history(server, session.session_id))[-1]
        assert adopted_last.cursor.split("-")[0] not in (mark, last.cursor.split("-")[0])
