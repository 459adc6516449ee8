"""Timeouts: a CLI that does not answer, a session that nobody uses."""

from __future__ import annotations

import psutil

from fake_cli.installed import at_start
from greenroom.v1 import config_pb2, session_pb2
from shared_servers import SharedServers
from story import create, get, history, names, run_turn, until, working

CREATED_TO_ERROR = ["session_created", "session_state_changed", "process_spawned", "process_exited"]


async def test_a_cli_that_never_answers_the_handshake_is_ended(servers: SharedServers) -> None:
    async with servers.fake(handshake_timeout="300ms", end_after_eof="200ms") as server:
        config = working(server, environment=at_start(hang=True, ignore_term=True))
        session = await create(server, config)
        failed = await until(server, session.session_id, session_pb2.SESSION_STATE_ERROR)
        assert failed.state_reason == "HANDSHAKE_TIMEOUT"
        assert failed.process.pid == 0
        assert names(await history(server, session.session_id))[:4] == CREATED_TO_ERROR
        assert server.children() == []


async def test_a_session_without_a_turn_is_idle_after_its_grace(servers: SharedServers) -> None:
    async with servers.fake(ready_grace="200ms") as server:
        session = await create(server)
        idle = await until(server, session.session_id, session_pb2.SESSION_STATE_IDLE)
        assert psutil.pid_exists(idle.process.pid), "idle, and ready for a turn all the same"
        turn, _ = await run_turn(server, session.session_id, "hello")
        assert turn.result_text == "prompt 1"


async def test_an_idle_session_is_suspended_and_comes_back_with_its_next_turn(servers: SharedServers) -> None:
    async with servers.fake(idle_timeout="300ms") as server:
        session = await create(server)
        await run_turn(server, session.session_id, "hello")
        suspended = await until(server, session.session_id, session_pb2.SESSION_STATE_SUSPENDED)
        assert suspended.state_reason == "IDLE_TIMEOUT"
        assert server.children() == []
        turn, _ = await run_turn(server, session.session_id, "and again")
        assert turn.result_text == "prompt 2", "the same conversation"


async def test_a_session_may_ask_to_be_closed_when_idle(servers: SharedServers) -> None:
    async with servers.fake(idle_timeout="300ms") as server:
        session = await create(server, working(server, on_idle=config_pb2.ON_IDLE_CLOSE))
        await run_turn(server, session.session_id, "hello")
        closed = await until(server, session.session_id, session_pb2.SESSION_STATE_CLOSED)
        assert closed.state_reason == "IDLE_TIMEOUT"


async def test_a_session_may_ask_to_be_kept(servers: SharedServers) -> None:
    async with servers.fake(idle_timeout="300ms") as server:
        kept = await create(server, working(server, on_idle=config_pb2.ON_IDLE_KEEP))
        await run_turn(server, kept.session_id, "hello")
        other = await create(server)
        await run_turn(server, other.session_id, "hello")
        await until(server, other.session_id, session_pb2.SESSION_STATE_SUSPENDED)
        assert (await get(server, kept.session_id)).state == session_pb2.SESSION_STATE_IDLE


async def test_a_sessions_own_idle_timeout_comes_before_the_servers(servers: SharedServers) -> None:
    async with servers.fake(idle_timeout="1h") as server:
        limits = config_pb2.SessionLimits()
        limits.idle_timeout.FromMilliseconds(1000)
        session = await create(server, working(server, limits=limits))
        await run_turn(server, session.session_id, "hello")
        suspended = await until(server, session.session_id, session_pb2.SESSION_STATE_SUSPENDED)
        assert suspended.state_reason == "IDLE_TIMEOUT"
