"""Owners of sessions that come to an end in the midst of something: nobody waits for them for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contract.sample import JsonCodec, creation, message, new_session
from greenroomd.app.commands import Change
from greenroomd.app.ports.processes import AgentProcess, Launch, ShutdownTimeouts
from greenroomd.app.supervision.node_context import NodeContext
from greenroomd.app.supervision.process_runner import ProcessRunner
from greenroomd.app.supervision.registry import supervising
from greenroomd.app.watch.tail import Tail
from greenroomd.domain.decision.live import Live
from greenroomd.domain.decision.step import Step
from greenroomd.domain.retryable_errors import Draining
from greenroomd.domain.states import State
from greenroomd.processes.pool.slots import Pool
from greenroomd.store.sql_store import open_store
from unit.supervision.timeouts import TIMEOUTS

SECOND = timedelta(seconds=1)


@dataclass
class Starting:
    """A host on which a process is being started for ever; where `tenacious`, only a second cancellation ends it."""

    tenacious: bool = False
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    ending: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def running(self, launch: Launch) -> AsyncIterator[AgentProcess]:
        self.begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.ending.set()
            if self.tenacious:
                await asyncio.Event().wait()
        raise AssertionError
        yield


@pytest.fixture
def processes() -> Starting:
    """The host's processes."""
    return Starting()


@pytest.fixture
async def node(tmp_path: Path, processes: Starting) -> AsyncIterator[NodeContext]:
    """A node with a real database."""
    url = f"sqlite:///{tmp_path}/greenroom.db"
    tail = Tail(head=0)
    async with open_store(
        url, key_file=tmp_path / "keys", codec=lambda _: JsonCodec(), announce=tail.announce
    ) as store:
        tail.begin(store.head)
        runner = ProcessRunner(
            slots=Pool(2, SECOND),
            processes=processes,
            shutdown_timeouts=ShutdownTimeouts(),
            handshake_timeout=SECOND,
        )
        yield NodeContext(
            node_id="node",
            store=store,
            tail=tail,
            codec=JsonCodec(),
            runner=runner,
            turn_timeouts=TIMEOUTS,
            now=lambda: datetime.now(UTC),
        )


async def starting(node: NodeContext, **changes: Any) -> Live:
    """Store a session whose process is being started."""
    session = await node.store.commit(creation(new_session(state=State.INITIALIZING)))
    return Live(session=session, launching=True, launched_at=node.clocks().moment, **changes)


async def test_an_order_whose_owner_is_cancelled_while_it_commits_is_answered(node: NodeContext) -> None:
    session = await node.store.commit(creation(new_session()))

    def change(step: Step) -> None:
        step.emit(message())
        owner = asyncio.current_task()
        assert owner is not None
        owner.cancel()  # as its group does where another task of it fails

    async with supervising(node, drain_timeout=SECOND) as supervisors, asyncio.timeout(60):
        with pytest.raises(Draining):
            await supervisors.order(Change(session_id=session.session_id), change)


async def test_a_drain_that_fails_for_one_session_suspends_the_others(
    node: NodeContext, processes: Starting
) -> None:
    broken = await starting(node, ending=object())
    sound = await starting(node)
    async with asyncio.timeout(60), supervising(node, drain_timeout=3 * SECOND) as supervisors:
        supervisors.own(broken)
        supervisors.own(sound)
        await processes.begun.wait()
    assert len(supervisors) == 0
    assert (await node.store.session(sound.session.session_id)).state is State.SUSPENDED


async def test_a_drain_that_is_cancelled_still_ends_every_owner(
    node: NodeContext, processes: Starting
) -> None:
    processes.tenacious = True
    live = await starting(node)

    async def serve() -> None:
        async with supervising(node, drain_timeout=60 * SECOND) as supervisors:
            supervisors.own(live)
            await processes.begun.wait()

    async with asyncio.TaskGroup() as group:
        serving = group.create_task(serve())
        await processes.ending.wait()
        serving.cancel()
        _, pending = await asyncio.wait([serving], timeout=60)
        assert not pending
