"""A commit whose answer is lost: everybody who waits for it hears the truth, and the owner goes on from there."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from contract.cut_proxy import Cut, CutProxy, cutting
from contract.postgres import PostgresServer, running_postgres
from contract.sample import creation, new_session
from greenroomd.domain.session import StartMode
from greenroomd.domain.states import State
from greenroomd.domain.turn import TurnState
from unit.supervision.conftest import SOON, Node, running_node


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def proxy(postgres: PostgresServer) -> Iterator[CutProxy]:
    """What stands between the node and its database."""
    with (
        tempfile.TemporaryDirectory(dir="/tmp") as folder,
        cutting(postgres.folder / ".s.PGSQL.5432", Path(folder)) as running,
    ):
        yield running


@pytest.fixture
async def node(tmp_path: Path, postgres: PostgresServer, proxy: CutProxy) -> AsyncIterator[Node]:
    """A node whose database is behind the proxy."""
    folder = Path(str(proxy.server_address)).parent
    async with running_node(tmp_path, url=postgres.url(postgres.new_database(), folder)) as running:
        yield running


async def reconnects_are_refused(proxy: CutProxy) -> None:
    """Wait until the node has asked what became of a commit, and was not let in; let it in from then on."""
    async with asyncio.timeout(SOON.total_seconds()):
        while True:
            if proxy.refused:
                proxy.closes = proxy.closed = False
                return
            await asyncio.sleep(0.01)


def lose_the_next_answer(proxy: CutProxy) -> None:
    proxy.cut, proxy.closes = Cut.BEFORE_ANSWER, True


async def test_a_session_that_turns_out_to_be_stored_has_an_owner(node: Node, proxy: CutProxy) -> None:
    session = new_session(start_mode=StartMode.AUTO)
    lose_the_next_answer(proxy)
    async with asyncio.TaskGroup() as group:
        created = group.create_task(node.supervisors.found(creation(session)))
        await reconnects_are_refused(proxy)
    assert created.result().session_id == session.session_id
    await node.until(session.session_id, State.READY)


async def test_an_order_that_turns_out_to_be_stored_is_carried_out(node: Node, proxy: CutProxy) -> None:
    session_id = (await node.create()).session_id
    lose_the_next_answer(proxy)
    async with asyncio.TaskGroup() as group:
        started = group.create_task(node.start_turn(session_id))
        await reconnects_are_refused(proxy)
    turn = started.result()
    await node.look(session_id)
    node.host.last.answers(turn.turn_id)
    await node.until(session_id, turn_id=turn.turn_id)
    assert (await node.turn(turn.turn_id)).state is TurnState.COMPLETED
    assert len(node.host.started) == 1
