"""The log is cut from its old end: by age, by length, messages before lifecycle; and no cursor skips what is gone."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from contract.conftest import Opening
from contract.sample import NOON, STREAMED_BYTES, JsonCodec, creation, message, new_session, revisions, saying
from greenroomd.app.maintenance.retention import compact, keepings
from greenroomd.app.ports.compaction import LIFECYCLE, MESSAGES
from greenroomd.app.ports.storage import BEGINNING, Selection, Unit
from greenroomd.domain.errors import CursorBelowFloor, EventNotFound
from greenroomd.domain.events import EventType
from greenroomd.domain.session import Session
from greenroomd.store.sql_store import SqlStore

DAY = timedelta(days=1)
FOR_EVER = 10_000 * DAY
EVERYTHING = Selection()


async def talked(store: SqlStore, *words: str, **changes: object) -> Session:
    """A session with its creation, a message for each word, and a turn's start after every second one."""
    session = await store.commit(creation(new_session(**changes)))  # type: ignore[arg-type]
    for number, word in enumerate(words, start=1):
        events = [message(word)]
        if number % 2 == 0:
            events.append(message(type=EventType.TURN_STARTED))
        session = await store.commit(Unit(session=session, events=events))
    return session


def of(*sessions: Session, **changes: object) -> Selection:
    ids = frozenset(session.session_id for session in sessions)
    return Selection(session_ids=ids, **changes)  # type: ignore[arg-type]


async def keep(
    store: SqlStore, *, age: timedelta = FOR_EVER, events: int = 10**6, up_to: int = 10**9
) -> None:
    """Compact as a round does at NOON."""
    for keeping in keepings(age, events):
        await compact(store.compactor, keeping, NOON, up_to=lambda: up_to)


async def refused_below(store: SqlStore, selection: Selection) -> int:
    """Return the floor of a selection, having seen that it is one: at it nothing is missing, below it is refusal."""
    floor = await store.floor(selection)
    await store.events(selection, after=floor - 1, limit=10)
    with pytest.raises(CursorBelowFloor) as refusal:
        await store.events(selection, after=floor - 2, limit=10)
    assert (refusal.value.oldest, refusal.value.head) == (floor, store.head)
    return floor


async def test_old_messages_go_and_lifecycle_stays(store: SqlStore) -> None:
    old = NOON - 2 * DAY
    session = await store.commit(creation(new_session(created=old)))
    for time in (old, old, NOON):
        events = [message("word", time=time), message(type=EventType.TURN_STARTED, time=time)]
        session = await store.commit(Unit(session=session, events=events))
    await keep(store, age=DAY)
    left = await store.events(EVERYTHING, after=8, limit=100, descending=True)
    assert [(event.revision, event.type in MESSAGES) for event in left] == [
        (7, False), (6, True), (5, False), (3, False), (1, False),
    ]  # fmt: skip
    assert await refused_below(store, EVERYTHING) == 6
    assert await refused_below(store, of(session)) == 6
    assert await store.floor(Selection(types=frozenset({EventType.MESSAGE_ASSISTANT}))) == 6
    lifecycle = Selection(types=LIFECYCLE)
    assert revisions(await store.events(lifecycle, after=0, limit=100)) == [1, 3, 5, 7]


async def test_lifecycle_goes_as_well_in_the_end(store: SqlStore) -> None:
    session = await store.commit(creation(new_session(created=NOON - 13 * DAY)))
    await store.commit(saying(session, "word"))
    await keep(store, age=DAY)
    assert revisions(await store.events(EVERYTHING, after=1, limit=10)) == [2]
    assert await refused_below(store, Selection(types=LIFECYCLE)) == 2


async def test_a_long_session_is_cut_and_its_neighbours_are_whole(store: SqlStore) -> None:
    quiet = await talked(store, "a", "b")
    long = await talked(store, *"abcdefgh")
    elsewhere = await talked(store, "a", "b", workspace_id="elsewhere")
    await keep(store, events=5)
    kept = await store.events(of(long), after=store.head + 1, limit=100, descending=True)
    assert [event.sequence for event in kept if event.type in MESSAGES] == [12, 11, 9]
    assert [event.sequence for event in kept if event.type not in MESSAGES] == [13, 10, 7, 4, 1]
    floor = await refused_below(store, of(long))
    assert [event.sequence for event in await store.events(of(long), after=floor - 1, limit=100)] == [
        9, 10, 11, 12, 13,
    ]  # fmt: skip
    for whole in (of(quiet), of(elsewhere), Selection(workspace_id="elsewhere")):
        assert await store.floor(whole) == 1
        assert await store.events(whole, after=0, limit=100)
    for cut in (EVERYTHING, Selection(workspace_id="lab"), of(quiet, long)):
        assert await refused_below(store, cut) == floor


async def test_what_a_watcher_was_not_told_yet_stays(store: SqlStore) -> None:
    session = await talked(store, *"abcdefgh")
    await keep(store, events=1, up_to=4)
    assert await refused_below(store, of(session)) == 5
    await keep(store, age=-DAY, up_to=6)
    assert await refused_below(store, of(session)) == 7


async def test_whole_forms_go_with_their_events(store: SqlStore) -> None:
    session = await talked(store, "z" * (2 * STREAMED_BYTES), "b", "c")
    assert len((await store.whole_event(2))[1]) > STREAMED_BYTES
    await keep(store, events=1)
    with pytest.raises(EventNotFound):
        await store.whole_event(2)
    assert (await store.session(session.session_id)) == session


async def test_more_than_one_batch_is_cut_in_one_round(store: SqlStore) -> None:
    session = await store.commit(creation(new_session()))
    session = await store.commit(saying(session, *["word"] * 1700))
    await store.commit(saying(session, "last"))
    await keep(store, events=2)
    assert await refused_below(store, of(session)) == 1701
    assert len(await store.events(of(session), after=1700, limit=9999)) == 2


async def test_the_floors_last(opening: Opening) -> None:
    async with opening() as store:
        assert isinstance(store, SqlStore)
        session = await talked(store, *"abcdef")
        await keep(store, events=2)
        floor = await store.floor(of(session))
        assert floor > 1
    async with opening() as store:
        assert await store.floor(of(session)) == floor


class CuttingCodec(JsonCodec):
    """Lets the log be cut while a page is read: when the first of its events is decoded."""

    def __init__(self) -> None:
        self.cut: Callable[[], object] | None = None

    def record(self, body: bytes, *, sequence: int, revision: int) -> bytes:
        if self.cut is not None:
            cut, self.cut = self.cut, None
            cut()
        return super().record(body, sequence=sequence, revision=revision)


async def test_a_page_from_the_beginning_begins_behind_a_cut_that_came_while_it_was_read(
    opening: Opening,
) -> None:
    codec, loop = CuttingCodec(), asyncio.get_running_loop()
    async with opening(codec=lambda _: codec) as store:
        session = await talked(store, *"abcdefgh")
        whole = await store.events(of(session), after=BEGINNING, limit=100)
        assert [event.sequence for event in whole] == list(range(1, 14))
        codec.cut = lambda: asyncio.run_coroutine_threadsafe(keep(store, events=5), loop).result(timeout=60)
        page = await store.events(of(session), after=BEGINNING, limit=2)
        assert codec.cut is None
        floor = await refused_below(store, of(session))
        assert [event.revision for event in page] == [floor, floor + 1]
