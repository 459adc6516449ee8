"""What time alone will do to sessions, in the order in which it will; and what becomes of old answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import create_engine, func, select, text

from contract.conftest import Opening
from contract.sample import NOON, creation, message, new_request, new_session
from greenroomd.app.ports.observers import Unobserved
from greenroomd.app.ports.storage import Due, Store, Unit
from greenroomd.domain.config import Limits, SessionConfig
from greenroomd.domain.session import Session
from greenroomd.domain.states import State
from greenroomd.store.schema.tables import requests, sessions

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def limited(max_duration: timedelta | None) -> Session:
    """A session that ends so long after NOON."""
    config = SessionConfig(working_dir="/srv/work", limits=Limits(max_duration=max_duration))
    return new_session(config=config)


async def stored(store: Store, *made: Session) -> list[Session]:
    return [await store.commit(creation(session)) for session in made]


def summary(dues: Sequence[Due]) -> list[tuple[str, datetime]]:
    return [(due.session_id, due.time) for due in dues]


async def test_the_nearest_comes_first_and_without_a_limit_there_is_none(store: Store) -> None:
    later, sooner, _ = await stored(store, limited(2 * HOUR), limited(HOUR), limited(None))
    assert summary(await store.due(limit=10)) == [
        (sooner.session_id, NOON + HOUR - MINUTE),
        (later.session_id, NOON + 2 * HOUR - MINUTE),
    ]


async def test_once_the_end_is_announced_it_is_the_end_itself(store: Store) -> None:
    (session,) = await stored(store, limited(HOUR))
    await store.commit(Unit(session=replace(session, expiry_told=session.expire_time), events=[message()]))
    assert summary(await store.due(limit=1)) == [(session.session_id, NOON + HOUR)]


@pytest.mark.parametrize("state", [State.IDLE, State.CLOSING, State.CLOSED])
async def test_what_is_live_or_closed_is_not_waited_for(store: Store, state: State) -> None:
    (session,) = await stored(store, limited(HOUR))
    await store.commit(Unit(session=replace(session, state=state), events=[message()]))
    assert await store.due(limit=1) == []


async def test_a_new_limit_moves_the_end(store: Store) -> None:
    (session,) = await stored(store, limited(HOUR))
    config = replace(session.config, limits=Limits(max_duration=2 * HOUR))
    changed = replace(session, config=config, config_generation=2)
    await store.commit(Unit(session=changed, events=[message()], configures=True))
    assert summary(await store.due(limit=1)) == [(session.session_id, NOON + 2 * HOUR - MINUTE)]


async def test_pages_hold_all_of_the_same_moment(store: Store) -> None:
    made = await stored(store, *(limited(HOUR) for _ in range(7)))
    found: list[Due] = []
    while page := await store.due(after=found[-1] if found else None, limit=3):
        found += page
    assert [due.session_id for due in found] == [session.session_id for session in made]


async def test_sessions_are_counted_by_state(store: Store) -> None:
    first, *_ = await stored(store, new_session(), new_session(), new_session())
    await store.commit(Unit(session=replace(first, state=State.CLOSED), events=[message()]))
    assert await store.counted() == {State.CREATED: 2, State.CLOSED: 1}


async def test_each_move_is_told_once_it_is_committed(opening: Opening) -> None:
    moves: list[tuple[str | None, str | None]] = []

    class Counter(Unobserved):
        def session_moved(self, before: str | None, after: str | None) -> None:
            moves.append((before, after))

    async with opening(observer=Counter()) as store:
        (session,) = await stored(store, new_session())
        session = await store.commit(Unit(session=session, events=[message()]))
        session = await store.commit(Unit(session=replace(session, state=State.CLOSED), events=[message()]))
        await store.commit(Unit(session=session, events=[message()], deletes=True))
    assert moves == [(None, "created"), ("created", "closed"), ("closed", None)]


async def test_the_next_is_found_without_looking_at_the_others(store: Store, database_url: str) -> None:
    await stored(store, *(limited(HOUR if number % 2 else None) for number in range(50)))
    engine = create_engine(database_url)
    query = select(sessions.c.number).where(sessions.c.due_time.is_not(None)).order_by(sessions.c.due_time)
    sql = str(query.limit(1).compile(engine, compile_kwargs={"literal_binds": True}))
    explain = "EXPLAIN QUERY PLAN " if engine.dialect.name == "sqlite" else "EXPLAIN "
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":  # so few rows are else read from the table
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(" ".join(map(str, row)) for row in connection.execute(text(explain + sql)))
    engine.dispose()
    assert "sessions_due" in plan


async def test_answers_that_nobody_may_ask_for_any_more_go_as_new_ones_come(
    opening: Opening, database_url: str
) -> None:
    now = NOON

    async def answer(store: Store, count: int) -> None:
        for _ in range(count):
            await store.commit(creation(new_session(), request=new_request()))

    async with opening(clock=lambda: now) as store:
        await answer(store, 150)
        now += timedelta(hours=24, seconds=1)
        await answer(store, 150)
    engine = create_engine(database_url)
    with engine.connect() as connection:
        left = connection.execute(select(func.count()).select_from(requests)).scalar_one()
        oldest = connection.execute(select(func.min(requests.c.create_time))).scalar_one()
    engine.dispose()
    assert left == 150, "twice as many go as come, so the old ones are gone before the last new one is there"
    assert oldest == (now - datetime(1970, 1, 1, tzinfo=now.tzinfo)) // timedelta(microseconds=1)
