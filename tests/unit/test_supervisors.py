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
from greenroomd.app.ports.processes import AgentProcess, EndPatience, Launch
from greenroomd.app.supervision.node_context import Stage
from greenroomd.app.supervision.process_runner import Host
from greenroomd.app.supervision.registry import supervising
from greenroomd.app.watch.tail import Tail
from greenroomd.domain.errors import Draining
from greenroomd.domain.lifecycle.live import Live, Patience, Step
from greenroomd.domain.session import State
from greenroomd.processes.pool.slots import Pool
from greenroomd.store.sql_store import open_store

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
async def stage(tmp_path: Path, processes: Starting) -> AsyncIterator[Stage]:
    """A stage with a real database."""
    url = f"sqlite:///{tmp_path}/greenroom.db"
    tail = Tail(head=0)
    async with open_store(
        url, key_file=tmp_path / "keys", codec=lambda _: JsonCodec(), announce=tail.announce
    ) as store:
        tail.begin(store.head)
        host = Host(
            slots=Pool(2, SECOND), processes=processes, patience=EndPatience(), handshake_timeout=SECOND
        )
        yield Stage(
            node_id="node",
            store=store,
            tail=tail,
            codec=JsonCodec(),
            host=host,
            patience=Patience(),
            now=lambda: datetime.now(UTC),
        )


async def starting(stage: Stage, **changes: Any) -> Live:
    """Store a session whose process is being started."""
    session = await stage.store.commit(creation(new_session(state=State.INITIALIZING)))
    return Live(session=session, launching=True, launched_at=stage.now(), **changes)


async def test_an_order_whose_owner_is_cancelled_while_it_commits_is_answered(stage: Stage) -> None:
    session = await stage.store.commit(creation(new_session()))

    def change(step: Step) -> None:
        step.tell(message())
        owner = asyncio.current_task()
        assert owner is not None
        owner.cancel()  # as its group does where another task of it fails

    async with supervising(stage, drain_timeout=SECOND) as supervisors, asyncio.timeout(20):
        with pytest.raises(Draining):
            await supervisors.order(Change(session_id=session.session_id), change)


async def test_a_drain_that_fails_for_one_session_suspends_the_others(
    stage: Stage, processes: Starting
) -> None:
    broken = await starting(stage, ending=object())
    sound = await starting(stage)
    async with asyncio.timeout(20), supervising(stage, drain_timeout=SECOND) as supervisors:
        supervisors.own(broken)
        supervisors.own(sound)
        await processes.begun.wait()
    assert len(supervisors) == 0
    assert (await stage.store.session(sound.session.session_id)).state is State.SUSPENDED


async def test_a_drain_that_is_cancelled_still_ends_every_owner(stage: Stage, processes: Starting) -> None:
    processes.tenacious = True
    live = await starting(stage)

    async def serve() -> None:
        async with supervising(stage, drain_timeout=60 * SECOND) as supervisors:
            supervisors.own(live)
            await processes.begun.wait()

    async with asyncio.TaskGroup() as group:
        serving = group.create_task(serve())
        await processes.ending.wait()
        serving.cancel()
        _, pending = await asyncio.wait([serving], timeout=20)
        assert not pending
