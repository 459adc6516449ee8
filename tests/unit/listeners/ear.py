"""A listener that remembers, and a log for it to hear: a real store with its tail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from contract.sample import JsonCodec, creation, message, new_session
from greenroomd.app.ports.storage import Announce, StoredEvent, Unit
from greenroomd.app.watch.listeners import Listener, Subscription
from greenroomd.app.watch.listening import listening
from greenroomd.app.watch.tail import Tail
from greenroomd.app.watch.watch import Watch
from greenroomd.domain.session import Session
from greenroomd.store.sql_store import SqlStore, open_store

PATIENCE = 60.0  # seconds; only ever reached by a failing test
MILLISECOND = timedelta(milliseconds=1)
IMPATIENT = Subscription(timeout=100 * MILLISECOND, first_wait=MILLISECOND, longest_wait=5 * MILLISECOND)
NAMED = replace(IMPATIENT, name="named")

Act = Callable[[StoredEvent], Awaitable[None]]


async def agree(event: StoredEvent) -> None:
    """Take whatever comes."""


@dataclass
class Ear:
    """A listener that remembers what it was given and what it took."""

    subscription: Subscription = IMPATIENT
    act: Act = agree
    given: list[int] = field(default_factory=list)
    taken: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._changed = asyncio.Condition()

    async def hear(self, event: StoredEvent) -> None:
        await self._note(self.given, event)
        await self.act(event)
        await self._note(self.taken, event)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(condition)

    async def until_taken(self, revision: int) -> None:
        await self.until(lambda: bool(self.taken) and self.taken[-1] >= revision)

    async def _note(self, into: list[int], event: StoredEvent) -> None:
        async with self._changed:
            into.append(event.revision)
            self._changed.notify_all()


@dataclass
class Counts:
    """How often what was told of which listener."""

    told: list[tuple[str, str]] = field(default_factory=list)

    def listener_heard(self, listener: str) -> None:
        self.told.append(("heard", listener))

    def listener_failed(self, listener: str) -> None:
        self.told.append(("failed", listener))

    def listener_passed_over(self, listener: str) -> None:
        self.told.append(("passed over", listener))


@dataclass
class Log:
    """A store with its tail, and a session to say things in."""

    store: SqlStore
    tail: Tail
    session: Session
    counts: Counts = field(default_factory=Counts)

    async def say(self, count: int = 1) -> int:
        """Commit messages; returns the last revision."""
        unit = Unit(session=self.session, events=[message() for _ in range(count)])
        self.session = await self.store.commit(unit)
        return self.session.revision

    @asynccontextmanager
    async def heard_by(self, *ears: Listener[StoredEvent]) -> AsyncIterator[None]:
        """Let listeners hear while the block runs."""
        watch = Watch(self.store, self.tail, quiet=5 * MILLISECOND, per_session=1, per_node=9)
        async with listening(ears, watch, self.store.positions, lambda event: event, self.counts):
            yield


@asynccontextmanager
async def a_log(path: Path, *, remembered: int = 2**20) -> AsyncIterator[Log]:
    """Open a log whose tail holds so many bytes."""
    tail = Tail(head=0, max_bytes=remembered)
    announce: Announce = tail.announce
    store = open_store(
        f"sqlite:///{path}/log.db", key_file=path / "keys", codec=lambda _: JsonCodec(), announce=announce
    )
    async with store as opened:
        assert isinstance(opened, SqlStore)
        tail.begin(opened.head)
        yield Log(opened, tail, await opened.commit(creation(new_session())))
