"""The table of errors, where the server itself is in trouble: its database, its end, its CLI, another node."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.rpc.code_pb2 import FAILED_PRECONDITION, PERMISSION_DENIED, RESOURCE_EXHAUSTED, UNAVAILABLE
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub

from contract.postgres import running_postgres
from fake_cli.installed import at_start, install, turn
from greenroom.v1 import session_pb2
from greenroom.v1.session_pb2 import Session
from greenroom.v1.session_service_pb2 import (
    START_MODE_MANUAL,
    StartSessionRequest,
    UpdateSessionRequest,
    WaitSessionRequest,
)
from greenroom.v1.turn_service_pb2 import RunTurnRequest
from greenroom_server import GreenroomServer
from shared_servers import SharedServers
from story import create, get, start_turn, until, working
from unit.rpc.refusal import refused

READY = session_pb2.SESSION_STATE_READY
ACTIVE = session_pb2.SESSION_STATE_ACTIVE
ERROR = session_pb2.SESSION_STATE_ERROR


@pytest.fixture
async def fake(servers: SharedServers) -> AsyncIterator[GreenroomServer]:
    """A server with the fake CLI, one slot, a short wait for it, and no wait for turns at its end."""
    async with servers.fake(max_processes="1", slot_wait="100ms", drain_timeout="10ms") as running:
        yield running


def database(server: GreenroomServer) -> sqlite3.Connection:
    """Open the server's database beside it, in autocommit."""
    return sqlite3.connect(server.state / "greenroom.db", isolation_level=None)


async def rename(server: GreenroomServer, session_id: str) -> Session:
    session = Session(session_id=session_id, display_name="another")
    request = UpdateSessionRequest(session=session, update_mask=FieldMask(paths=["display_name"]))
    return (await server.sessions.UpdateSession(request)).session


async def failed(server: GreenroomServer, session_id: str) -> tuple[int, ErrorInfo]:
    """Return code and reason of what a session failed of, once it has."""
    error = (await until(server, session_id, ERROR)).error
    info = ErrorInfo()
    assert error.details[0].Unpack(info)
    assert info.domain == "greenroom.v1"
    return error.code, info


async def test_a_database_that_refuses_to_write(fake: GreenroomServer) -> None:
    session_id = (await create(fake, start_mode=START_MODE_MANUAL)).session_id
    with closing(database(fake)) as stuck:
        stuck.execute("BEGIN IMMEDIATE")
        refusal = await refused(rename(fake, session_id))
        assert (await get(fake, session_id)).session_id == session_id
        stuck.execute("ROLLBACK")
    assert (refusal.code.name, refusal.reason) == ("UNAVAILABLE", "STORE_UNAVAILABLE")
    assert refusal.detail(RetryInfo).retry_delay.ToMilliseconds() > 0
    assert (await rename(fake, session_id)).display_name == "another"


async def test_a_session_that_another_node_has_taken_over(fake: GreenroomServer) -> None:
    session_id = (await create(fake)).session_id
    session = await until(fake, session_id, READY)
    with closing(database(fake)) as other:
        other.execute("UPDATE sessions SET fence = fence + 1 WHERE session_id = ?", (session_id,))
    refusal = await refused(rename(fake, session_id))
    assert (refusal.code.name, refusal.reason) == ("ABORTED", "OWNERSHIP_LOST")
    assert dict(refusal.metadata) == {"etag": session.etag}
    await until(fake, session_id, session_pb2.SESSION_STATE_SUSPENDED)  # its owner has given it up
    assert (await rename(fake, session_id)).display_name == "another"


async def test_calls_that_a_stopping_server_cannot_wait_for(fake: GreenroomServer) -> None:
    session_id = (await create(fake)).session_id

    async def run() -> None:
        async for _ in fake.turns.RunTurn(RunTurnRequest(session_id=session_id, prompt=turn(wait=60))):
            pass

    waiting = WaitSessionRequest(session_id=session_id, states=[ERROR])
    async with asyncio.TaskGroup() as group:
        calls = [
            group.create_task(refused(run())),
            group.create_task(refused(fake.sessions.WaitSession(waiting))),
        ]
        await until(fake, session_id, ACTIVE)
        await fake.stop()
    for call in calls:
        refusal = call.result()
        assert (refusal.code.name, refusal.reason) == ("UNAVAILABLE", "DRAINING")
        assert refusal.detail(RetryInfo).retry_delay.ToMilliseconds() > 0


async def test_a_process_that_is_not_to_be_had_within_the_wait(fake: GreenroomServer) -> None:
    busy = (await create(fake)).session_id
    await start_turn(fake, busy, turn(wait=60))
    await until(fake, busy, ACTIVE)
    code, info = await failed(fake, (await create(fake)).session_id)
    assert (code, info.reason) == (RESOURCE_EXHAUSTED, "NO_SLOT")


async def test_a_cli_that_is_gone(tmp_path: Path) -> None:
    cli = install(tmp_path)
    async with GreenroomServer(tmp_path, {}, claude_path=str(cli)) as server:
        cli.unlink()
        code, info = await failed(server, (await create(server)).session_id)
        assert (code, info.reason) == (FAILED_PRECONDITION, "CLI_MISSING")


async def test_a_working_dir_that_is_gone(fake: GreenroomServer) -> None:
    config = working(fake)
    config.working_dir = str(fake.work / "short-lived")
    Path(config.working_dir).mkdir()
    session_id = (await create(fake, config, start_mode=START_MODE_MANUAL)).session_id
    Path(config.working_dir).rmdir()
    await fake.sessions.StartSession(StartSessionRequest(session_id=session_id))
    code, info = await failed(fake, session_id)
    assert (code, info.reason) == (FAILED_PRECONDITION, "WORKING_DIR_GONE")


async def test_a_working_dir_that_leads_outside_the_roots_by_now(fake: GreenroomServer) -> None:
    (fake.work / "inside").mkdir()
    link = fake.work / "link"
    link.symlink_to("inside")
    config = working(fake)
    config.working_dir = str(link)
    session_id = (await create(fake, config, start_mode=START_MODE_MANUAL)).session_id
    link.unlink()
    link.symlink_to("/etc")
    await fake.sessions.StartSession(StartSessionRequest(session_id=session_id))
    code, info = await failed(fake, session_id)
    assert (code, info.reason) == (PERMISSION_DENIED, "WORKING_DIR_OUTSIDE_ROOTS")


async def test_a_start_that_fails_tells_exit_and_error_output(fake: GreenroomServer) -> None:
    config = working(fake, environment=at_start(stderr=100, exit=7))
    code, info = await failed(fake, (await create(fake, config)).session_id)
    assert (code, info.reason) == (UNAVAILABLE, "HANDSHAKE_FAILED")
    assert info.metadata["exit_code"] == "7"
    assert info.metadata["stderr_tail"]


async def test_a_postgresql_that_is_away_for_a_while(tmp_path: Path) -> None:
    """The server is not ready, tells its watchers, lives on, and works again once the database is back."""
    with running_postgres() as postgres:
        url = postgres.url(postgres.new_database())
        cli = str(install(tmp_path))
        async with GreenroomServer(tmp_path, {}, claude_path=cli, database_url=url) as server:
            session_id = (await create(server, start_mode=START_MODE_MANUAL)).session_id
            health: Any = HealthStub(server.channel)
            readiness = health.Watch(health_pb2.HealthCheckRequest(service="readiness"), timeout=60)
            seen = [(await readiness.read()).status]
            await asyncio.to_thread(postgres.stop)
            try:
                seen.append((await readiness.read()).status)
                alive = await health.Check(health_pb2.HealthCheckRequest(service="liveness"))
            finally:
                await asyncio.to_thread(postgres.start)
            seen.append((await readiness.read()).status)
            serving, away = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
            assert (seen, alive.status) == ([serving, away, serving], serving)
            assert (await rename(server, session_id)).display_name == "another"
            readiness.cancel()
