"""The log: reading after any cursor gives the rest of it, whatever is selected and however it is paged."""

import random
from collections.abc import Sequence

import pytest
from sqlalchemy import create_engine

from contract.conftest import Opening
from contract.sample import STREAMED_BYTES, creation, message, new_session, revisions, said, saying
from greenroomd.app.ports.storage import Selection, Store, StoredEvent, Unit
from greenroomd.domain.errors import CursorBelowFloor, EventNotFound
from greenroomd.domain.events import EventType
from greenroomd.domain.principal import NOWHERE
from greenroomd.store.schema.tables import events as events_table
from greenroomd.store.schema.tables import floors

MIB = 1024 * 1024
KINDS = (EventType.MESSAGE_ASSISTANT, EventType.MESSAGE_USER, EventType.TURN_STARTED)


@pytest.fixture
async def log(store: Store) -> Sequence[StoredEvent]:
    """A log of five sessions in two workspaces, in no order that an index could give by chance."""
    dice = random.Random(7)
    sessions = [
        await store.commit(creation(new_session(workspace_id=f"w{number % 2}"))) for number in range(5)
    ]
    for _ in range(60):
        place = dice.randrange(5)
        told = [message("x", type=dice.choice(KINDS), turn_id="t") for _ in range(dice.randrange(1, 4))]
        sessions[place] = await store.commit(Unit(session=sessions[place], events=told))
    return await store.events(Selection(), after=0, limit=10_000)


def selections(log: Sequence[StoredEvent]) -> list[Selection]:
    ids = sorted({event.session_id for event in log})
    some = frozenset(KINDS[:2])
    return [
        Selection(),
        Selection(workspace_id="w0"),
        Selection(session_ids=frozenset(ids[:1])),
        Selection(session_ids=frozenset(ids[:4])),
        Selection(session_ids=frozenset(ids), workspace_id="w1"),
        Selection(session_ids=frozenset({"nobody", ids[0]})),
        Selection(workspace_id="nowhere"),
        Selection(types=some),
        Selection(workspace_id="w0", types=some),
        Selection(session_ids=frozenset(ids[:1]), types=some),
        Selection(session_ids=frozenset(ids[1:4]), types=some),
        Selection(types=frozenset({EventType.SESSION_DELETED})),
        Selection(within=frozenset({"w1"})),
        Selection(within=frozenset({"w0", "w1", "w2"}), types=some),
        Selection(session_ids=frozenset(ids), within=frozenset({"w0"})),
        Selection(workspace_id="w0", within=frozenset({"w1"})),
        Selection(within=NOWHERE),
    ]


async def test_the_log_is_complete_and_in_order(store: Store, log: Sequence[StoredEvent]) -> None:
    assert revisions(log) == list(range(1, store.head + 1))
    assert {event.turn_id for event in log} == {"", "t"}


async def test_reading_after_any_cursor_gives_the_rest(store: Store, log: Sequence[StoredEvent]) -> None:
    for selection in selections(log):
        wanted = [event for event in log if selection.matches(event)]
        for after in (0, 1, 37, store.head - 1, store.head):
            page = await store.events(selection, after=after, limit=10_000)
            assert page == [event for event in wanted if event.revision > after], selection


async def test_pages_of_any_size_join_without_a_seam(store: Store, log: Sequence[StoredEvent]) -> None:
    for selection in selections(log):
        for limit in (1, 7, 64, 65):
            joined: list[StoredEvent] = []
            while page := await store.events(
                selection, after=joined[-1].revision if joined else 0, limit=limit
            ):
                assert len(page) <= limit
                joined += page
            assert joined == [event for event in log if selection.matches(event)]


async def test_backwards_it_is_the_same_log(store: Store, log: Sequence[StoredEvent]) -> None:
    for selection in selections(log):
        wanted = [event for event in reversed(log) if selection.matches(event)]
        joined: list[StoredEvent] = []
        before = store.head + 1
        while page := await store.events(selection, after=before, limit=9, descending=True):
            joined += page
            before = page[-1].revision
        assert joined == wanted


async def test_nothing_above_up_to_is_read(store: Store, log: Sequence[StoredEvent]) -> None:
    for selection in selections(log):
        wanted = [event for event in log if selection.matches(event) and 10 < event.revision <= 30]
        assert await store.events(selection, after=10, limit=1000, up_to=30) == wanted
        down = await store.events(selection, after=1000, limit=1000, up_to=30, descending=True)
        assert down == [event for event in reversed(log) if selection.matches(event) and event.revision <= 30]


async def test_a_page_ends_at_a_mebibyte_but_holds_at_least_one_event(store: Store) -> None:
    session = await store.commit(creation(new_session()))
    text = "x" * (STREAMED_BYTES - 1000)
    for _ in range(5):
        session = await store.commit(saying(session, *[text] * 8))
    everything: list[StoredEvent] = []
    sizes = []
    while page := await store.events(
        Selection(), after=everything[-1].revision if everything else 0, limit=1000
    ):
        everything += page
        sizes.append(sum(len(event.record) for event in page))
    assert revisions(everything) == list(range(1, 42))
    assert len(sizes) == 3
    assert all(MIB - STREAMED_BYTES < size <= MIB for size in sizes[:-1])
    for selection in (Selection(), Selection(session_ids=frozenset({session.session_id, "nobody"}))):
        [one] = await store.events(selection, after=1, limit=1)
        assert said([one.record]) == [text]


async def test_a_truncated_event_is_there_whole(store: Store) -> None:
    session = await store.commit(creation(new_session()))
    long = "y" * (2 * STREAMED_BYTES)
    await store.commit(saying(session, "short", long))
    _, short_event, long_event = await store.events(Selection(), after=0, limit=10)
    assert b"truncated" in long_event.record
    found, whole = await store.whole_event(long_event.revision)
    assert found == long_event
    assert said([whole]) == [long]
    found, whole = await store.whole_event(short_event.revision)
    assert found == short_event
    assert said([whole]) == ["short"]
    with pytest.raises(EventNotFound):
        await store.whole_event(99)


async def test_a_cursor_below_the_floor_is_refused(store: Store, database_url: str) -> None:
    session = await store.commit(creation(new_session()))
    await store.commit(saying(session, *["word"] * 9))
    everything = Selection()
    assert await store.floor(everything) == 1
    engine = create_engine(database_url)
    with engine.begin() as connection:  # what a compaction does
        connection.execute(events_table.delete().where(events_table.c.revision < 5))
        connection.execute(floors.insert().values(scope="", part="messages", floor=5))
    engine.dispose()
    assert await store.floor(everything) == 5
    assert revisions(await store.events(Selection(), after=4, limit=100)) == [5, 6, 7, 8, 9, 10]
    with pytest.raises(CursorBelowFloor) as refusal:
        await store.events(Selection(), after=3, limit=100)
    assert (refusal.value.oldest, refusal.value.head) == (5, 10)
    assert revisions(await store.events(Selection(), after=7, limit=100, descending=True)) == [6, 5]


async def test_the_id_of_a_store_is_its_own_for_ever(opening: Opening) -> None:
    async with opening() as first:
        name = first.store_id
    async with opening() as second:
        assert second.store_id == name
        assert len(name) == 36


async def test_a_deleted_session_leaves_its_last_event_and_nothing_else(store: Store) -> None:
    session, other = await store.commit(creation(new_session())), await store.commit(creation(new_session()))
    session = await store.commit(saying(session, "z" * (2 * STREAMED_BYTES)))
    gone = message(type=EventType.SESSION_DELETED)
    last = await store.commit(Unit(session=session, events=[message(), gone], deletes=True))
    [event] = await store.events(Selection(session_ids=frozenset({session.session_id})), after=0, limit=10)
    assert (event.type, event.revision, event.sequence) == (EventType.SESSION_DELETED, last.revision, 4)
    assert revisions(await store.events(Selection(), after=0, limit=10)) == [2, last.revision]
    with pytest.raises(EventNotFound):
        await store.whole_event(3)
    assert await store.session(other.session_id) == other
