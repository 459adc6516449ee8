"""More sessions than processes: who gets one, who waits, and what the server says of it."""

import re
import socket
import urllib.request
from asyncio import TaskGroup, to_thread
from collections.abc import AsyncIterator

import pytest

from fake_cli.installed import turn
from greenroom.v1 import session_pb2, turn_pb2
from greenroom.v1.event_pb2 import EVENT_TYPE_SESSION_STATE_CHANGED
from greenroom.v1.event_service_pb2 import EVENT_ORDER_DESCENDING, ListEventsRequest
from greenroom.v1.node_pb2 import PoolStatus
from greenroom.v1.node_service_pb2 import GetPoolStatusRequest
from greenroom.v1.session_service_pb2 import CloseSessionRequest
from greenroom_server import GreenroomServer
from observation import pool_until
from shared_servers import SharedServers
from story import create, get, run_turn, start_turn, until

ACTIVE = session_pb2.SESSION_STATE_ACTIVE


@pytest.fixture(scope="module")
def metrics_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
async def small(servers: SharedServers, metrics_port: int) -> AsyncIterator[GreenroomServer]:
    """A server with the fake CLI that has two slots, one for each workspace."""
    settings = {
        "max_processes": "2",
        "max_processes_per_workspace": "1",
        "metrics_listen": f"127.0.0.1:{metrics_port}",
    }
    async with servers.fake(**settings) as running:
        yield running


async def pool_of(server: GreenroomServer) -> PoolStatus:
    return (await server.nodes.GetPoolStatus(GetPoolStatusRequest())).pool_status


async def test_what_waits_is_shown_by_workspace(small: GreenroomServer) -> None:
    first = await create(small, workspace_id="a")
    await start_turn(small, first.session_id, turn(wait=600))
    await until(small, first.session_id, ACTIVE)
    second = await create(small, workspace_id="a")
    other = await create(small, workspace_id="b")
    await until(small, other.session_id, session_pb2.SESSION_STATE_READY)
    pool = await pool_until(small, lambda pool: pool.waiting == 1)
    assert (pool.slots, pool.busy, pool.waiting) == (2, 2, 1)
    assert {use.workspace_id: (use.busy, use.waiting) for use in pool.workspaces} == {
        "a": (1, 1),
        "b": (1, 0),
    }
    assert pool.longest_wait.ToNanoseconds() > 0
    await small.sessions.CloseSession(CloseSessionRequest(session_id=first.session_id, force=True))
    await until(small, second.session_id, session_pb2.SESSION_STATE_READY)
    assert not (await pool_of(small)).HasField("longest_wait")


async def test_twenty_sessions_over_two_slots_all_complete(small: GreenroomServer, metrics_port: int) -> None:
    async def work(number: int) -> None:
        session = await create(small, workspace_id="ab"[number % 2])
        for expected in ("prompt 1", "prompt 2"):
            done, _ = await run_turn(small, session.session_id, "go")
            assert (done.state, done.result_text) == (turn_pb2.TURN_STATE_COMPLETED, expected)
        assert (await get(small, session.session_id)).usage.turns == 2

    async with TaskGroup() as sessions:
        for number in range(20):
            sessions.create_task(work(number))
    pool = await pool_of(small)
    assert (pool.waiting, pool.busy) == (0, 2)
    assert pool.evictions >= 18
    numbers = await to_thread(metrics, metrics_port)
    assert numbers['greenroom_processes_ended_total{cause="pool_pressure"}'] >= 18
    assert numbers["greenroom_pool_evictions_total"] >= 18
    assert numbers['greenroom_processes_started_total{origin="cold"}'] >= 20
    assert numbers["greenroom_process_start_seconds_count"] >= 20
    assert numbers['greenroom_pool_processes{what="slots"}'] == 2
    assert numbers['greenroom_pool_processes{what="waiting"}'] == 0


async def test_a_thousand_that_wait_delay_another_workspace_by_one_release_at_most(
    servers: SharedServers,
) -> None:
    async with servers.fake(max_processes="2") as server:
        holders = [await create(server, workspace_id="a") for _ in range(2)]
        for holder in holders:
            await start_turn(server, holder.session_id, turn(wait=600))
            await until(server, holder.session_id, ACTIVE)
        async with TaskGroup() as crowd:
            for _ in range(1000):
                crowd.create_task(create(server, workspace_id="a"))
        late = await create(server, workspace_id="b")
        pool = await pool_until(server, lambda pool: pool.waiting == 1001)
        assert {use.workspace_id: use.waiting for use in pool.workspaces} == {"a": 1000, "b": 1}
        await server.sessions.CloseSession(CloseSessionRequest(session_id=holders[0].session_id, force=True))
        await until(server, late.session_id, session_pb2.SESSION_STATE_READY)
        starts = await starts_after(server, late.revision)
        assert starts.index(late.session_id) <= 1


async def starts_after(server: GreenroomServer, revision: int) -> list[str]:
    """Return the sessions that have got a slot since, in the order in which they did."""
    newest = ListEventsRequest(
        workspace_id="-",
        types=[EVENT_TYPE_SESSION_STATE_CHANGED],
        order=EVENT_ORDER_DESCENDING,
        page_size=1000,
    )
    moves = (await server.events.ListEvents(newest)).events
    return [
        move.session_id
        for move in reversed(moves)
        if move.revision > revision
        and move.session_state_changed.to_state == session_pb2.SESSION_STATE_INITIALIZING
    ]


def metrics(port: int) -> dict[str, float]:
    """Return what Prometheus would read."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    return {found[1]: float(found[2]) for line in lines if (found := re.fullmatch(r"([^#].*) (\S+)", line))}
