"""One server for a database: a second one is refused and disturbs nothing; a replaced one ends by itself."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import grpc.aio
import psutil
import pytest

from contract.postgres import PostgresServer
from driving import eventually
from fake_cli.installed import install, turn
from greenroom.v1 import session_pb2, turn_pb2
from greenroom.v1.config_pb2 import PERMISSION_MODE_DEFAULT
from greenroom.v1.session_pb2 import Session
from greenroom_server import GreenroomServer
from service.test_approvals import allow, asked
from service.test_start_up import serve
from story import create, get, history, run_turn, start_turn, until, working

READY = session_pb2.SESSION_STATE_READY
IDLE = session_pb2.SESSION_STATE_IDLE
LOCK = (
    "SELECT l.pid FROM pg_locks l JOIN pg_database d ON d.oid = l.database "
    "WHERE l.locktype = 'advisory' AND l.granted AND d.datname = current_database()"
)


@dataclass(frozen=True)
class Shared:
    """A database, and what its first server and any further one are started with."""

    url: str
    cli: str
    folder: Path

    def server(self, name: str) -> GreenroomServer:
        """Return a server with a state directory of its own."""
        return GreenroomServer(self.folder / name, {}, database_url=self.url, claude_path=self.cli)

    async def second(self) -> tuple[int, str]:
        """Start a second server; return its exit code and what it said."""
        return await serve(
            GREENROOM_LISTEN="127.0.0.1:0",
            GREENROOM_STATE_DIR=str(self.folder / "second"),
            GREENROOM_ALLOWED_ROOTS=str(self.folder),
            GREENROOM_DATABASE_URL=self.url,
            GREENROOM_CLAUDE_PATH=self.cli,
        )


@pytest.fixture(params=["sqlite", "postgres"])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Shared:
    url = f"sqlite:///{tmp_path}/shared.db"
    if request.param == "postgres":
        postgres: PostgresServer = request.getfixturevalue("postgres")
        url = postgres.url(postgres.new_database())
    return Shared(url, str(install(tmp_path)), tmp_path)


@pytest.fixture
async def first(shared: Shared) -> AsyncIterator[GreenroomServer]:
    """The server that has the database."""
    async with shared.server("first") as running:
        yield running


async def waiting_for_permission(server: GreenroomServer) -> tuple[Session, str]:
    """Return a live session whose turn waits for an answer, and the id of the turn."""
    session = await create(server, working(server, permission_mode=PERMISSION_MODE_DEFAULT))
    session = await until(server, session.session_id, READY)
    prompt = turn(ask={"name": "Bash", "input": {"command": "true"}}, text="finished")
    started = await start_turn(server, session.session_id, prompt)
    return session, started.turn_id


async def go_on(server: GreenroomServer, session_id: str) -> None:
    """Answer what the turn waits for."""
    await allow(server, await asked(server, session_id))


async def test_a_second_server_is_refused_and_disturbs_nothing(
    first: GreenroomServer, shared: Shared
) -> None:
    session, turn_id = await waiting_for_permission(first)
    await asked(first, session.session_id)
    before, processes = await history(first, session.session_id), first.children()
    assert processes
    code, said = await shared.second()
    assert code == 2
    assert re.search(rf"another greenroomd uses this database .*pid {first.pid}, since 20", said), said
    assert all(process.is_running() for process in processes)
    assert await history(first, session.session_id) == before
    await go_on(first, session.session_id)
    await until(first, session.session_id, turn_id=turn_id)
    [end] = [event for event in await history(first, session.session_id) if event.HasField("turn_completed")]
    assert end.turn_completed.turn.result_text == "finished"
    assert first.children() == processes


async def test_after_a_kill_of_the_first_the_second_starts_at_once(
    first: GreenroomServer, shared: Shared
) -> None:
    session, turn_id = await waiting_for_permission(first)
    processes = first.children()
    await first.kill()
    async with shared.server("other") as second:
        stored = await until(second, session.session_id, turn_id=turn_id)
        assert stored.state == session_pb2.SESSION_STATE_SUSPENDED
        last = [event for event in await history(second, session.session_id) if event.turn_id == turn_id][-1]
        assert last.turn_interrupted.turn.state == turn_pb2.TURN_STATE_INTERRUPTED
        _, alive = psutil.wait_procs(processes, timeout=30)
        assert alive == []


@pytest.mark.parametrize("shared", ["postgres"], indirect=True)
async def test_the_owner_goes_on_after_the_loss_of_its_lock(
    first: GreenroomServer, shared: Shared, postgres: PostgresServer
) -> None:
    session, turn_id = await waiting_for_permission(first)
    name = shared.url.partition("@/")[2].partition("?")[0]
    [[lost]] = postgres.execute(LOCK, name)
    postgres.execute(f"SELECT pg_terminate_backend({lost}, 10000)")
    await eventually(lambda: postgres.execute(LOCK, name) not in ([], [(lost,)]))
    code, said = await shared.second()
    assert (code, "another greenroomd uses this database" in said) == (2, True)
    await go_on(first, session.session_id)
    await until(first, session.session_id, turn_id=turn_id)
    assert (await get(first, session.session_id)).state == IDLE


@pytest.mark.parametrize("shared", ["postgres"], indirect=True)
async def test_a_server_that_was_replaced_ends_in_words_with_its_processes(
    first: GreenroomServer, shared: Shared, postgres: PostgresServer
) -> None:
    session, _ = await waiting_for_permission(first)
    quiet = await create(first)
    await run_turn(first, quiet.session_id, "one")
    processes = first.children()
    assert len(processes) == 2
    name = shared.url.partition("@/")[2].partition("?")[0]
    [[revision]] = postgres.execute("UPDATE meta SET fence = fence + 1 RETURNING revision", name)
    with pytest.raises(grpc.aio.AioRpcError, match="UNAVAILABLE"):
        await go_on(first, session.session_id)
    assert await first.ended() == 2
    assert "another greenroomd has taken over the database" in first.log.read_text()
    _, alive = psutil.wait_procs(processes, timeout=30)
    assert alive == []
    assert postgres.execute("SELECT revision FROM meta", name) == [(revision,)]
