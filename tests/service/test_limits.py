"""A session over its limits, over a real socket; its neighbours, and what the server says that it can enforce."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fake_cli.installed import at_start, install, turn
from greenroom.v1 import config_pb2, session_pb2, turn_pb2
from greenroom.v1.config_pb2 import SessionLimits
from greenroom.v1.node_service_pb2 import GetServerInfoRequest
from greenroom.v1.session_service_pb2 import ListSessionsRequest
from greenroom_server import GreenroomServer
from shared_servers import SharedServers
from story import create, get, history, names, run_turn, start_turn, until, working

MIB = 2**20


@pytest.fixture
async def fake(servers: SharedServers) -> AsyncIterator[GreenroomServer]:
    """A server with the fake CLI that uses no cgroup."""
    async with servers.fake(cgroup="off") as running:
        yield running


@pytest.fixture
async def grouped(tmp_path: Path, cgroup: Path) -> AsyncIterator[GreenroomServer]:
    """A server of the test's own with a cgroup to divide."""
    settings = {"claude_path": str(install(tmp_path)), "cgroup": str(cgroup)}
    async with GreenroomServer(tmp_path, {}, **settings) as running:
        yield running


async def test_a_session_over_its_memory_limit_ends_and_its_neighbour_does_not(fake: GreenroomServer) -> None:
    await one_is_greedy(fake)


async def test_the_same_where_the_server_has_a_cgroup(grouped: GreenroomServer) -> None:
    await one_is_greedy(grouped)


async def one_is_greedy(fake: GreenroomServer) -> None:
    greedy = working(fake, limits=SessionLimits(memory_bytes=256 * MIB))
    session_id = (await create(fake, greedy)).session_id
    neighbour = (await create(fake)).session_id
    await run_turn(fake, neighbour, turn(memory=300 * MIB))
    before = (await get(fake, neighbour)).process.pid
    await start_turn(fake, session_id, turn(memory=300 * MIB, wait=20))
    failed = await until(fake, session_id, session_pb2.SESSION_STATE_ERROR)
    assert failed.state_reason == "LIMIT_REACHED"
    assert failed.process.last_exit.memory_limit_hit
    assert "session_limit_reached" in names(await history(fake, session_id))
    done, _ = await run_turn(fake, neighbour, "two")
    assert done.state == turn_pb2.TURN_STATE_COMPLETED
    assert (await get(fake, neighbour)).process.pid == before


async def test_a_session_over_its_memory_limit_before_its_first_turn_says_so(fake: GreenroomServer) -> None:
    greedy = working(fake, limits=SessionLimits(memory_bytes=256 * MIB))
    greedy.environment.update(at_start(memory=300 * MIB, hang=True))
    session_id = (await create(fake, greedy)).session_id
    failed = await until(fake, session_id, session_pb2.SESSION_STATE_ERROR)
    assert failed.state_reason == "LIMIT_REACHED"
    assert failed.process.last_exit.memory_limit_hit
    events = await history(fake, session_id)
    assert [
        event.process_exited.memory_limit_hit for event in events if event.HasField("process_exited")
    ] == [True]


async def test_a_turn_with_too_much_output_fails_and_the_session_goes_on(fake: GreenroomServer) -> None:
    config = working(fake, limits=SessionLimits(output_bytes=100_000))
    session_id = (await create(fake, config)).session_id
    failed, _ = await run_turn(fake, session_id, turn(bytes=200_000, wait=20))
    assert failed.state == turn_pb2.TURN_STATE_FAILED
    done, _ = await run_turn(fake, session_id, "two")
    assert done.result_text == "prompt 2"


async def test_the_server_says_what_it_enforces(fake: GreenroomServer) -> None:
    info = (await fake.nodes.GetServerInfo(GetServerInfoRequest())).server_info
    said = {each.option: each for each in info.enforcement}
    assert said["limits.memory_bytes"].enforcement == config_pb2.ENFORCEMENT_BEST_EFFORT
    assert said["limits.cpu"].enforcement == config_pb2.ENFORCEMENT_UNSUPPORTED
    assert said["limits.cpu"].reason
    limits = SessionLimits(memory_bytes=512 * MIB, cpu=2)
    session_id = (await create(fake, working(fake, limits=limits))).session_id
    await run_turn(fake, session_id, "one")
    reported = {each.option: each for each in (await get(fake, session_id)).config_report}
    assert reported["limits.memory_bytes"] == said["limits.memory_bytes"]
    assert reported["limits.cpu"] == said["limits.cpu"]
    assert reported["permission_mode"].enforcement == config_pb2.ENFORCEMENT_ENFORCED
    assert reported["limits.memory_bytes"].reason.startswith("the setting GREENROOM_CGROUP forbids cgroups")
    (listed,) = (await fake.sessions.ListSessions(ListSessionsRequest())).sessions
    assert not listed.config_report


async def test_a_server_with_a_cgroup_says_what_its_controllers_enforce(
    grouped: GreenroomServer, cgroup: Path
) -> None:
    controllers = (cgroup / "cgroup.subtree_control").read_text().split()
    info = (await grouped.nodes.GetServerInfo(GetServerInfoRequest())).server_info
    said = {each.option: each for each in info.enforcement}
    for option, controller, without in (
        ("limits.memory_bytes", "memory", config_pb2.ENFORCEMENT_BEST_EFFORT),
        ("limits.cpu", "cpu", config_pb2.ENFORCEMENT_UNSUPPORTED),
    ):
        if controller in controllers:
            assert said[option].enforcement == config_pb2.ENFORCEMENT_ENFORCED
        else:
            assert said[option].enforcement == without
            assert f"the cgroup {cgroup} is not given the controller" in said[option].reason
