"""A node with a real database and processes of the test's own, and words for what its sessions do."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contract.sample import JsonCodec, creation, new_session
from greenroomd.app.commands import Change
from greenroomd.app.ports.processes import ShutdownTimeouts
from greenroomd.app.supervision.node_context import NodeContext
from greenroomd.app.supervision.process_runner import ProcessRunner
from greenroomd.app.supervision.registry import Supervisors, supervising
from greenroomd.app.usecases.sessions import Sessions
from greenroomd.app.watch.tail import Tail
from greenroomd.domain.decision.live import TurnTimeouts
from greenroomd.domain.decision.step import Step
from greenroomd.domain.lifecycle import turn_queue
from greenroomd.domain.rules.session_field_rules import OperatorBounds
from greenroomd.domain.session import Session, StartMode
from greenroomd.domain.states import State
from greenroomd.domain.turn import Turn, TurnState
from greenroomd.processes.node.allowed_roots import AllowedRoots
from greenroomd.processes.pool.slots import Pool
from greenroomd.store.sql_store import open_store
from unit.supervision.cli import Host
from unit.supervision.timeouts import TIMEOUTS

SOON = timedelta(seconds=60)
DRAIN_TIMEOUT = timedelta(seconds=1)  # where a test leaves a turn running, nobody will end it
"""How long a test waits for what must come; only a failing one waits so long."""


@dataclass
class Clocks:
    """Two clocks that stand still until the test moves them."""

    time: datetime = field(default_factory=lambda: datetime.now(UTC))
    seconds: float = 1000.0


@dataclass
class Node:
    """A node at work."""

    database: Path
    host: Host
    supervisors: Supervisors
    clocks: Clocks

    @property
    def sessions(self) -> Sessions:
        return Sessions(self.supervisors, AllowedRoots([]), bounds=OperatorBounds(may_bypass=False))

    async def create(self, **facts: Any) -> Session:
        """Create a session that starts by itself, and return it when it is ready."""
        session = new_session(start_mode=StartMode.AUTO, **facts)
        await self.supervisors.found(creation(session))
        return await self.until(session.session_id, State.READY)

    async def until(self, session_id: str, *states: State, turn_id: str = "") -> Session:
        """Wait until a session is in one of these states, or a turn is over."""
        session, matched = await self.sessions.wait(
            session_id, states=frozenset(states), turn_id=turn_id, after_revision=None, timeout=SOON
        )
        assert matched, f"the session stayed {session.state}"
        return session

    async def until_changed(self, session: Session) -> Session:
        """Wait until something of a session was committed after this."""
        changed, matched = await self.sessions.wait(
            session.session_id, states=frozenset(), turn_id="", after_revision=session.revision, timeout=SOON
        )
        assert matched, "nothing changed"
        return changed

    async def start_turn(self, session_id: str, *, queue: bool = False) -> Turn:
        """Order a turn, and return it as accepted."""

        def accept(step: Step) -> Turn:
            turn = Turn(
                turn_id=str(uuid.uuid4()),
                session_id=session_id,
                number=step.session.turn_count + 1,
                state=TurnState.QUEUED,
                prompt="go",
                create_time=step.at,
            )
            turn_queue.accept(step, turn, queue=queue)
            return step.turns[turn.turn_id]

        return (await self.supervisors.order(Change(session_id=session_id), accept))[1]

    async def look(self, session_id: str) -> None:
        """Have the owner do what is due; it has done it when this returns."""
        for _ in range(2):  # an order is carried out first, and then what is overdue
            await self.supervisors.order(Change(session_id=session_id), lambda step: None)

    async def turn(self, turn_id: str) -> Turn:
        """Return a turn as it is stored."""
        return await self.supervisors.node.store.turn(turn_id)

    def sql(self, statement: str, *values: object) -> None:
        """Change the database behind the server's back."""
        with closing(sqlite3.connect(self.database, isolation_level=None)) as other:
            other.execute(statement, values)

    @contextmanager
    def no_writing(self) -> Iterator[None]:
        """Hold the lock that the writer needs while the block runs: the database can be read only."""
        with closing(sqlite3.connect(self.database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")


@asynccontextmanager
async def running_node(
    directory: Path, *, url: str = "", timeouts: TurnTimeouts = TIMEOUTS
) -> AsyncIterator[Node]:
    """Run a node on a database, its own in `directory` unless `url` names another."""
    database = directory / "greenroom.db"
    host, tail, clocks = Host(), Tail(head=0), Clocks()
    async with open_store(
        url or f"sqlite:///{database}",
        key_file=directory / "keys",
        codec=lambda _: JsonCodec(),
        announce=tail.announce,
        wait_timeout=timedelta(milliseconds=200),
    ) as store:
        tail.begin(store.head)
        context = NodeContext(
            node_id="node",
            store=store,
            tail=tail,
            codec=JsonCodec(),
            runner=ProcessRunner(
                slots=Pool(8, SOON),
                processes=host,
                shutdown_timeouts=ShutdownTimeouts(),
                handshake_timeout=SOON,
            ),
            turn_timeouts=timeouts,
            now=lambda: clocks.time,
            monotonic=lambda: clocks.seconds,
        )
        async with supervising(context, drain_timeout=DRAIN_TIMEOUT) as supervisors:
            yield Node(database, host, supervisors, clocks)


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    """A node on an SQLite database of its own."""
    async with running_node(tmp_path) as running:
        yield running
