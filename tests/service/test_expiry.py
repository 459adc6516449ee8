"""A session's longest life, where no process and no task keeps its time."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from fake_cli.installed import at_start, install
from greenroom.v1 import session_pb2
from greenroom.v1.config_pb2 import SessionLimits
from greenroom.v1.session_pb2 import Session
from greenroom.v1.session_service_pb2 import START_MODE_MANUAL, SuspendSessionRequest, UpdateSessionRequest
from greenroom_server import GreenroomServer
from greenroomd.store.schema.tables import configs, sessions
from shared_servers import SharedServers
from story import create, get, history, names, run_turn, until, working

CLOSED = session_pb2.SESSION_STATE_CLOSED
DAY = timedelta(days=1)
SHORT = timedelta(seconds=1)
ENOUGH = timedelta(seconds=8)
"""Long enough that a busy machine does first what is to be done first; the end is announced a tenth before it."""


def limited(max_duration: timedelta) -> SessionLimits:
    limits = SessionLimits()
    limits.max_duration.FromTimedelta(max_duration)
    return limits


async def resting(server: GreenroomServer, max_duration: timedelta, **config: object) -> Session:
    """Create a session that nobody starts."""
    config_of = working(server, limits=limited(max_duration), **config)
    return await create(server, config_of, start_mode=START_MODE_MANUAL)


async def limit(server: GreenroomServer, session: Session, max_duration: timedelta) -> None:
    """Give a session another limit."""
    request = UpdateSessionRequest(session=Session(session_id=session.session_id))
    request.session.config.limits.CopyFrom(limited(max_duration))
    request.update_mask.paths.append("config.limits.max_duration")
    await server.sessions.UpdateSession(request)


async def test_each_session_ends_when_its_own_time_is_over(
    fake: GreenroomServer, servers: SharedServers
) -> None:
    """All at once, for they mostly wait."""
    async with servers.fake(at_start(exit=3)) as failing, asyncio.TaskGroup() as courses:
        courses.create_task(one_that_was_never_started_is_announced_and_closed(fake))
        courses.create_task(a_nearer_end_is_kept_although_others_are_far(fake))
        courses.create_task(one_that_lost_its_process_keeps_its_end(fake))
        courses.create_task(an_end_that_is_moved_away_does_not_come(fake))
        courses.create_task(one_in_error_ends_too(failing))


async def one_that_was_never_started_is_announced_and_closed(fake: GreenroomServer) -> None:
    session = await resting(fake, ENOUGH)
    assert session.expire_time.ToDatetime() - session.create_time.ToDatetime() == ENOUGH
    closed = await until(fake, session.session_id, CLOSED)
    assert closed.state_reason == "MAX_DURATION"
    assert closed.close_time.ToDatetime() >= session.expire_time.ToDatetime()
    told = await history(fake, session.session_id)
    assert names(told) == [
        "session_created",
        "session_expiring",
        "session_limit_reached",
        "session_state_changed",
        "session_state_changed",
        "session_closed",
    ]
    assert told[1].session_expiring.expire_time == session.expire_time
    assert told[1].time.ToDatetime() < session.expire_time.ToDatetime()


async def a_nearer_end_is_kept_although_others_are_far(fake: GreenroomServer) -> None:
    far = await resting(fake, DAY)
    suspended = await create(fake, working(fake, limits=limited(DAY)))
    await run_turn(fake, suspended.session_id, "hello")
    await fake.sessions.SuspendSession(SuspendSessionRequest(session_id=suspended.session_id))
    await limit(fake, suspended, ENOUGH)
    closed = await until(fake, suspended.session_id, CLOSED)
    assert closed.state_reason == "MAX_DURATION"
    assert (await get(fake, far.session_id)).state == session_pb2.SESSION_STATE_CREATED


async def one_that_lost_its_process_keeps_its_end(fake: GreenroomServer) -> None:
    session = await create(fake, working(fake, limits=limited(ENOUGH)))
    await run_turn(fake, session.session_id, "hello")
    await fake.sessions.SuspendSession(SuspendSessionRequest(session_id=session.session_id))
    closed = await until(fake, session.session_id, CLOSED)
    assert (closed.state_reason, closed.process.pid) == ("MAX_DURATION", 0)


async def an_end_that_is_moved_away_does_not_come(fake: GreenroomServer) -> None:
    moved, kept = await resting(fake, ENOUGH), await resting(fake, ENOUGH)
    await limit(fake, moved, DAY)
    await until(fake, kept.session_id, CLOSED)
    marker = await resting(fake, SHORT)
    await until(fake, marker.session_id, CLOSED)
    assert (await get(fake, moved.session_id)).state == session_pb2.SESSION_STATE_CREATED
    assert "session_expiring" not in names(await history(fake, moved.session_id))


async def one_in_error_ends_too(failing: GreenroomServer) -> None:
    session = await create(failing, working(failing, limits=limited(ENOUGH)))
    await until(failing, session.session_id, session_pb2.SESSION_STATE_ERROR)
    assert (await until(failing, session.session_id, CLOSED)).state_reason == "MAX_DURATION"


async def test_what_ended_while_the_server_was_away_is_closed_when_it_is_back(fake: GreenroomServer) -> None:
    session = await resting(fake, 3 * SHORT)
    await fake.kill()
    end = session.expire_time.ToDatetime().timestamp()
    await asyncio.sleep(max(0.0, end - session.create_time.ToDatetime().timestamp()))  # lets time itself pass
    await fake.start()
    await until(fake, session.session_id, CLOSED)
    assert "session_expiring" not in names(await history(fake, session.session_id)), "it would come too late"


@pytest.fixture
async def crowded(tmp_path: Path) -> AsyncIterator[GreenroomServer]:
    """A server of the test's own: so many sessions are not deleted one by one."""
    async with GreenroomServer(tmp_path / "server", {}, claude_path=str(install(tmp_path))) as server:
        yield server


async def test_a_hundred_thousand_resting_sessions_cost_next_to_nothing(crowded: GreenroomServer) -> None:
    fake = crowded
    template = await resting(fake, DAY)
    await fake.stop()
    multiply(fake.state / "greenroom.db", template, 100_000)
    await fake.start()
    process = psutil.Process(fake.pid)
    threads, memory = process.num_threads(), process.memory_info().rss
    session = await resting(fake, SHORT)
    await until(fake, session.session_id, CLOSED)
    assert process.num_threads() <= threads + 8, "no more than the readers' and the loop's own"
    assert process.memory_info().rss - memory < 32 * 2**20
    assert (await get(fake, template.session_id)).state == session_pb2.SESSION_STATE_CREATED


def multiply(database: Path, template: Session, count: int) -> None:
    """Store copies of a session, each with an id and an end of its own."""
    columns = [column.name for column in sessions.columns]
    changed = {"number": "number + n", "session_id": "hex(randomblob(16))", "due_time": "due_time + n"}
    chosen = ", ".join(changed.get(name, name) for name in columns)
    many = f"WITH RECURSIVE many(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < {count})"
    config = ", ".join(column.name for column in configs.columns)
    of_copy = config.replace("session_number", "session_number + n")
    connection = sqlite3.connect(database)
    with connection:
        number = connection.execute(
            "SELECT number FROM sessions WHERE session_id = ?", (template.session_id,)
        ).fetchone()[0]
        connection.execute(
            f"{many} INSERT INTO sessions ({', '.join(columns)})"
            f" SELECT {chosen} FROM many, sessions WHERE number = {number}"
        )
        connection.execute(
            f"INSERT INTO identities SELECT session_id, number FROM sessions WHERE number > {number}"
        )
        connection.execute(
            f"{many} INSERT INTO configs ({config})"
            f" SELECT {of_copy} FROM many, configs WHERE session_number = {number}"
        )
        connection.execute(f"UPDATE meta SET revision = {number + count + 1}")
    connection.close()
