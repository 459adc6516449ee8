"""One unit is one commit: whole, in order, numbered without gaps, and refused if it comes too late."""

import asyncio
from dataclasses import replace

import pytest

from contract.conftest import Opening
from contract.sample import Heard, JsonCodec, creation, message, new_session, new_turn, revisions, saying
from greenroomd.app.ports.storage import Selection, Store, Unit
from greenroomd.domain.config import SessionConfig
from greenroomd.domain.errors import OwnershipLost, SessionExists, SessionNotFound, TurnNotFound
from greenroomd.domain.retryable_errors import StoreUnavailable
from greenroomd.domain.session import Session
from greenroomd.domain.states import State
from greenroomd.store.sql_store import SqlStore

EVERYTHING = Selection()


async def test_a_created_session_is_there_with_its_event(store: Store) -> None:
    session = new_session()
    committed = await store.commit(creation(session))
    assert committed == replace(session, revision=1, last_sequence=1)
    assert await store.session(session.session_id) == committed
    assert store.head == 1
    [event] = await store.events(EVERYTHING, after=0, limit=10)
    assert (event.revision, event.sequence, event.session_id) == (1, 1, session.session_id)
    assert event.record.endswith(b"1/1\n")


async def test_events_are_numbered_without_gaps_whoever_commits(store: Store) -> None:
    sessions = await asyncio.gather(*(store.commit(creation(new_session())) for _ in range(8)))

    async def talk(session: Session) -> None:
        for round_ in range(20):
            session = await store.commit(saying(session, *["word"] * (round_ % 3 + 1)))

    await asyncio.gather(*map(talk, sessions))
    events = await store.events(EVERYTHING, after=0, limit=10_000)
    assert revisions(events) == list(range(1, store.head + 1))
    for session in sessions:
        sequences = [event.sequence for event in events if event.session_id == session.session_id]
        assert sequences == list(range(1, len(sequences) + 1))
        assert (await store.session(session.session_id)).last_sequence == len(sequences)


async def test_what_is_announced_is_the_log_in_order_before_the_caller_wakes(
    store: Store, heard: Heard
) -> None:
    async def create_and_look() -> None:
        session = await store.commit(creation(new_session()))
        assert session.revision in revisions(heard.events)

    await asyncio.gather(*(create_and_look() for _ in range(50)))
    assert heard.events == await store.events(EVERYTHING, after=0, limit=100)
    assert heard.heads == sorted(heard.heads)
    assert heard.heads[-1] == store.head == 50


async def test_a_taken_id_is_refused_and_nothing_else_with_it(store: Store) -> None:
    session = await store.commit(creation(new_session()))
    again = creation(new_session(session_id=session.session_id, workspace_id="other"))
    units = [creation(new_session()), again, creation(new_session()), replace(again)]
    outcomes = await asyncio.gather(*map(store.commit, units), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Session, SessionExists, Session, SessionExists]
    assert (await store.session(session.session_id)).workspace_id == "lab"
    assert (await store.commit(creation(new_session()))).revision == 4  # the refused used up no revision
    assert revisions(await store.events(EVERYTHING, after=0, limit=10)) == [1, 2, 3, 4]


async def test_of_two_changes_decided_on_the_same_revision_one_wins(store: Store) -> None:
    session = await store.commit(creation(new_session()))
    outcomes = await asyncio.gather(
        *(store.commit(saying(session, f"me {number}")) for number in range(10)), return_exceptions=True
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["OwnershipLost"] * 9 + ["Session"]
    assert store.head == 2


async def test_a_refused_unit_leaves_no_trace(store: Store) -> None:
    session = await store.commit(creation(new_session()))
    await store.commit(saying(session, "newer"))
    turn = new_turn(session, 1)
    late = Unit(
        session=replace(
            session, state=State.CLOSED, config=SessionConfig(working_dir="/late"), config_generation=2
        ),
        events=[message("late")],
        configures=True,
        turns=[turn],
    )
    with pytest.raises(OwnershipLost):
        await store.commit(late)
    stored = await store.session(session.session_id)
    assert (stored.state, stored.config.working_dir, stored.revision) == (State.CREATED, "/srv/work", 2)
    with pytest.raises(TurnNotFound):
        await store.turn(turn.turn_id)
    assert revisions(await store.events(EVERYTHING, after=0, limit=10)) == [1, 2]


async def test_a_change_of_a_session_that_never_was_is_refused(store: Store) -> None:
    with pytest.raises(OwnershipLost):
        await store.commit(saying(new_session(revision=7), "hello"))
    with pytest.raises(SessionNotFound):
        await store.session("nobody")


async def test_an_older_fence_is_refused_and_a_newer_one_takes_over(store: Store) -> None:
    session = await store.commit(creation(new_session(node_id="a", fence=1)))
    taken = await store.commit(Unit(session=replace(session, node_id="b", fence=2)))
    assert taken.revision == session.revision  # no event, so no revision: only the fence tells
    with pytest.raises(OwnershipLost):
        await store.commit(saying(session, "I am still the owner"))
    await store.commit(saying(taken, "no"))
    assert (await store.session(session.session_id)).node_id == "b"


async def test_a_unit_without_events_is_stored_and_keeps_its_revision(store: Store, heard: Heard) -> None:
    session = await store.commit(creation(new_session()))
    turn = new_turn(session, 1)
    noted = await store.commit(Unit(session=replace(session, state_reason="WAITING"), turns=[turn]))
    assert (noted.revision, store.head) == (1, 1)
    assert (await store.session(session.session_id)).state_reason == "WAITING"
    assert await store.turn(turn.turn_id) == turn
    assert len(heard.events) == 1


async def test_a_first_commit_without_an_event_is_a_mistake(store: Store) -> None:
    with pytest.raises(ValueError, match="needs an event"):
        await store.commit(Unit(session=new_session()))


async def test_a_cancelled_caller_does_not_undo_its_commit(store: Store, heard: Heard) -> None:
    session = new_session()
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(store.commit(creation(session)))
        await asyncio.sleep(0)  # it has handed its unit in
        task.cancel()
    other = await store.commit(creation(new_session()))  # whatever was handed in before is committed by now
    assert (await store.session(session.session_id)).revision == 1
    assert other.revision == 2
    assert revisions(heard.events) == [1, 2]


async def test_a_unit_that_cannot_be_written_fails_alone(opening: Opening) -> None:
    class Choosy(JsonCodec):
        def record(self, body: bytes, *, sequence: int, revision: int) -> bytes:
            if b"poison" in body:
                raise RuntimeError("not this one")
            return super().record(body, sequence=sequence, revision=revision)

    async with opening(codec=lambda _: Choosy()) as store:
        sessions = await asyncio.gather(*(store.commit(creation(new_session())) for _ in range(6)))
        words = ["good", "good", "poison", "good", "poison", "good"]
        outcomes = await asyncio.gather(
            *(store.commit(saying(session, word)) for session, word in zip(sessions, words, strict=True)),
            return_exceptions=True,
        )
        assert [isinstance(outcome, RuntimeError) for outcome in outcomes] == [
            word == "poison" for word in words
        ]
        assert revisions(await store.events(EVERYTHING, after=6, limit=10)) == [7, 8, 9, 10]


async def test_a_text_that_the_database_cannot_hold_fails_alone(store: Store) -> None:
    units = [creation(new_session(user_id=user)) for user in ("ann", "bob", "nul\0", "eve", "joe", "sue")]
    outcomes = await asyncio.gather(*map(store.commit, units), return_exceptions=True)
    good = [outcome for outcome in outcomes if isinstance(outcome, Session)]
    assert len(good) >= 5  # SQLite holds it; PostgreSQL does not
    assert len(await store.events(EVERYTHING, after=0, limit=10)) == len(good)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_if_the_writer_dies_nobody_waits_for_it(opening: Opening) -> None:
    class Death(BaseException):
        pass

    class Fatal(JsonCodec):
        def record(self, body: bytes, *, sequence: int, revision: int) -> bytes:
            if b"fatal" in body:
                raise Death
            return super().record(body, sequence=sequence, revision=revision)

    async with opening(codec=lambda _: Fatal()) as store, asyncio.timeout(60):
        assert isinstance(store, SqlStore)
        session = await store.commit(creation(new_session()))
        under_way = [store.commit(saying(session, "fatal")), store.commit(creation(new_session()))]
        waiting = [store.positions.save_offset("behind", 1), store.commit(creation(new_session()))]
        outcomes = await asyncio.gather(*under_way, *waiting, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [StoreUnavailable] * 4
        with pytest.raises(StoreUnavailable):
            await store.commit(creation(new_session()))


async def test_everything_handed_in_is_committed_before_the_store_closes(opening: Opening) -> None:
    async with asyncio.TaskGroup() as tasks, opening() as store:
        for _ in range(200):
            tasks.create_task(store.commit(creation(new_session())))
        await asyncio.sleep(0)  # all have handed in, none has an answer
    with pytest.raises(StoreUnavailable, match="closed"):
        await store.commit(creation(new_session()))
    async with opening() as store:
        assert store.head == 200
        assert len(await store.events(EVERYTHING, after=0, limit=1000)) == 200
