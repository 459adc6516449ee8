"""Two stores on one database, as several nodes will have it: one order for all; of two that decide at once one wins.

A server opens its store as the owner of the database (test_ownership.py); these are opened without.
"""

import asyncio
from dataclasses import replace

import pytest

from contract.conftest import Opening
from contract.sample import Heard, JsonCodec, creation, new_request, new_session, revisions, saying
from greenroomd.app.ports.observers import Unobserved
from greenroomd.app.ports.storage import RequestReplayed, Selection, Store, StoredEvent
from greenroomd.domain.errors import OwnershipLost, SessionExists
from greenroomd.domain.session import Session

ROUNDS = 60


async def talking(store: Store, sessions: int) -> None:
    async def talk() -> None:
        session = await store.commit(creation(new_session()))
        for round_ in range(ROUNDS):
            session = await store.commit(saying(session, *["word"] * (round_ % 4)))

    async with asyncio.TaskGroup() as tasks:
        for _ in range(sessions):
            tasks.create_task(talk())


async def following(store: Store, until: asyncio.Event, selection: Selection) -> list[StoredEvent]:
    """Read on from the last revision seen, as a watcher does, until the talk is over and all is read."""
    seen: list[StoredEvent] = []
    while True:
        over = until.is_set()
        page = await store.events(selection, after=seen[-1].revision if seen else 0, limit=50)
        seen += page
        if over and not page:
            return seen


async def test_a_follower_never_misses_what_two_nodes_commit(opening: Opening) -> None:
    heard = Heard()
    over = asyncio.Event()
    async with opening(announce=Heard()) as one, opening(announce=heard) as two, opening() as reader:
        known = [await one.commit(creation(new_session())) for _ in range(3)]
        some = Selection(session_ids=frozenset(session.session_id for session in known))

        async def keep_known_talking(session: Session, store: Store) -> None:
            for _ in range(ROUNDS):
                session = await store.commit(saying(session, "word", "word"))

        async with asyncio.TaskGroup() as followers:
            everything = followers.create_task(following(reader, over, Selection()))
            several = followers.create_task(following(reader, over, some))
            async with asyncio.TaskGroup() as talks:
                talks.create_task(talking(one, 4))
                talks.create_task(talking(two, 4))
                for session, store in zip(known, (one, two, one), strict=True):
                    talks.create_task(keep_known_talking(session, store))
            over.set()
        head = max(one.head, two.head)
        log = await reader.events(Selection(), after=0, limit=100_000)
    assert revisions(log) == list(range(1, head + 1))
    assert everything.result() == log
    assert several.result() == [event for event in log if some.matches(event)]
    assert heard.events == log[: len(heard.events)]  # each node announces everybody's commits, in their order
    assert len(heard.events) >= two.head


async def test_a_node_counts_only_what_it_has_committed_itself(opening: Opening) -> None:
    class Counter(Unobserved):
        count = 0

        def events_committed(self, count: int) -> None:
            self.count += count

    heard, of_one, of_two = Heard(), Counter(), Counter()
    async with opening(observer=of_one, announce=heard) as one, opening(observer=of_two) as two:
        await two.commit(creation(new_session()))
        session = await one.commit(creation(new_session()))
        await one.commit(saying(session, "word", "word"))
    assert len(heard.events) == 4
    assert (of_one.count, of_two.count) == (3, 1)


async def test_of_two_nodes_that_decide_at_once_one_wins(opening: Opening) -> None:
    async with opening() as one, opening() as two:
        session = await one.commit(creation(new_session()))
        for _ in range(20):
            outcomes = await asyncio.gather(
                one.commit(saying(session, "one")), two.commit(saying(session, "two")), return_exceptions=True
            )
            [session] = [outcome for outcome in outcomes if isinstance(outcome, Session)]
            [loser] = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
            assert isinstance(loser, OwnershipLost)
        assert session.last_sequence == 21


async def test_ids_and_requests_are_one_node_s_only(opening: Opening) -> None:
    async with opening() as one, opening() as two:
        unit = creation(new_session())
        same = replace(unit, session=replace(unit.session, workspace_id="other"))
        outcomes = await asyncio.gather(one.commit(unit), two.commit(same), return_exceptions=True)
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Session", SessionExists.__name__]
        request = new_request()
        outcomes = await asyncio.gather(
            one.commit(creation(new_session(), request=request)),
            two.commit(creation(new_session(), request=request)),
            return_exceptions=True,
        )
        assert sorted(type(outcome).__name__ for outcome in outcomes) == [RequestReplayed.__name__, "Session"]


async def test_what_a_node_cannot_read_of_another_does_not_keep_it_from_writing(opening: Opening) -> None:
    class Older(JsonCodec):
        def record(self, body: bytes, *, sequence: int, revision: int) -> bytes:
            if b"of a later version" in body:
                raise KeyError("session.dreamt")
            return super().record(body, sequence=sequence, revision=revision)

    heard = Heard()
    async with opening() as newer, opening(codec=lambda _: Older(), announce=heard) as older:
        session = await newer.commit(creation(new_session()))
        await newer.commit(saying(session, "of a later version"))
        async with asyncio.timeout(60):
            with pytest.raises(KeyError):
                await older.reach(newer.head)
            committed = await older.commit(creation(new_session()))
            assert committed.revision == 3
            assert (await older.commit(saying(committed, "still here"))).revision == 4
    assert heard.heads[-3:] == [2, 3, 4]
    assert revisions(heard.events) in ([3, 4], [1, 3, 4])  # the first may have been heard of by itself
