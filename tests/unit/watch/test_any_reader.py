"""Any watcher, at any pace, of any selection, from any cursor: it sees exactly what follows, in order, once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from greenroomd.app.ports.storage import Selection, StoredEvent
from greenroomd.app.watch.tail import Batch
from greenroomd.domain.events import EPHEMERAL, EventType
from greenroomd.domain.principal import NOWHERE
from unit.watch.log import WORKSPACE_OF, Log

SIZES = st.sampled_from([1, 1, 100_000])  # two of the large ones fill a frame
SESSIONS = st.sampled_from(sorted(WORKSPACE_OF))
KINDS = st.sampled_from([EventType.TURN_STARTED, EventType.MESSAGE_ASSISTANT])
TYPES: list[frozenset[EventType]] = [
    frozenset(),
    frozenset(),
    frozenset({EventType.MESSAGE_ASSISTANT}),
    frozenset({EventType.MESSAGE_ASSISTANT, EventType.MESSAGE_DELTA}),
]
SELECTIONS = st.builds(
    Selection,
    st.one_of(st.just(frozenset()), st.frozensets(SESSIONS, max_size=3)),
    st.sampled_from([None, None, "w0", "w1"]),
    st.sampled_from(TYPES),
    st.sampled_from([None, None, frozenset({"w0"}), frozenset({"w0", "w1"}), NOWHERE]),
)


@dataclass
class Commit:
    session_id: str
    kind: EventType
    size: int
    count: int
    announced: bool


@dataclass
class CommitElsewhere:
    session_id: str
    heard: bool


@dataclass
class Show:
    session_id: str
    size: int


@dataclass
class Begin:
    selection: Selection
    back: int
    ephemeral: bool


@dataclass
class Read:
    number: int
    batches: int
    meanwhile: str


Deed = Commit | CommitElsewhere | Show | Begin | Read
DEEDS = st.one_of(
    st.builds(Commit, SESSIONS, KINDS, SIZES, st.integers(1, 4), st.sampled_from([True, True, False])),
    st.builds(CommitElsewhere, SESSIONS, st.booleans()),
    st.builds(Show, SESSIONS, SIZES),
    st.builds(Begin, SELECTIONS, st.sampled_from([0, 0, 1, 5, 20]), st.booleans()),
    st.builds(Read, st.integers(0, 5), st.integers(1, 3), st.sampled_from(["", *WORKSPACE_OF])),
)


@dataclass
class Reader:
    """A watcher, what it has seen, and what was shown before it began."""

    log: Log
    begin: Begin
    batches: AsyncIterator[Batch]
    after: int
    shown_before: int
    cursor: int = 0
    durable: list[StoredEvent] = field(default_factory=list)
    ephemeral: list[StoredEvent] = field(default_factory=list)
    dropped: int = 0
    rested: bool = False
    """Whether the last batch was a bookmark at the head: there is nothing left to be seen."""

    async def read(self) -> None:
        batch = await anext(self.batches)
        assert batch.revision >= self.cursor
        self.cursor = batch.revision
        self.dropped += batch.dropped
        self.rested = not batch.events and not batch.dropped and batch.revision == self.log.head
        for event in batch.events:
            (self.durable if event.sequence else self.ephemeral).append(event)
        assert self.durable == self.log.after(self.begin.selection, self.after, self.cursor)

    def look_back(self) -> None:
        """Check what was shown: seen in order, and each loss of it counted, once."""
        selection = self.begin.selection
        if not self.begin.ephemeral or (selection.types and selection.types.isdisjoint(EPHEMERAL)):
            assert (self.ephemeral, self.dropped) == ([], 0)
            return
        since = [event for event in self.log.shown[self.shown_before :] if selection.matches(event)]
        mine = [event for event in self.ephemeral if any(event is each for each in since)]
        assert [id(event) for event in mine] == [id(e) for e in since if any(e is each for each in mine)]
        exact = not (selection.session_ids and selection.workspaces)
        if exact and self.begin.back == 0:
            assert len(mine) == len(self.ephemeral)
            assert len(mine) + self.dropped == len(since)


async def play(deeds: Sequence[Deed], log: Log) -> None:
    """Do everything in order; the readers read when they are told to, and at the end all that is left."""
    watch = log.watch(quiet=timedelta(0))  # a reader that has seen everything gets a bookmark at once
    readers: list[Reader] = []
    async with AsyncExitStack() as stack:
        for deed in deeds:
            match deed:
                case Commit(session_id, kind, size, count, announced):
                    log.commit(session_id, kind=kind, size=size, count=count, announced=announced)
                case CommitElsewhere(session_id, heard):
                    log.commit_elsewhere(session_id)
                    if heard:
                        log.hear_of_the_others()
                case Show(session_id, size):
                    log.show(session_id, size=size)
                case Begin(selection, back, ephemeral):
                    after = max(0, log.tail.head - back)
                    batches = watch.batches(selection, after=after, ephemeral=ephemeral)
                    await stack.enter_async_context(aclosing(batches))
                    readers.append(Reader(log, deed, batches, after, len(log.shown)))
                    await readers[-1].read()
                case Read(number, count, meanwhile) if readers:
                    await read(readers[number % len(readers)], count, log, meanwhile)
        log.hear_of_the_others()
        log.announce()  # too late: that part of the log is known already
        for reader in readers:
            reader.rested = False
            while not reader.rested:
                await reader.read()
            reader.look_back()
    assert watch.open == 0


async def read(reader: Reader, count: int, log: Log, meanwhile: str) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(several(reader, count))
        if meanwhile:
            await asyncio.sleep(0)
            log.commit(meanwhile)
            log.show(meanwhile)


async def several(reader: Reader, count: int) -> None:
    for _ in range(count):
        await reader.read()


@settings(max_examples=400)
@given(
    deeds=st.lists(DEEDS, min_size=5, max_size=40),
    max_bytes=st.sampled_from([1, 2_500, 250_000, 64 * 1024 * 1024]),
)
def test_a_watcher_sees_exactly_what_follows_its_cursor(deeds: list[Deed], max_bytes: int) -> None:
    asyncio.run(play(deeds, Log(max_bytes=max_bytes)))
