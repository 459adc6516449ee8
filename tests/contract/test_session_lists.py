"""Lists of sessions: any filter in any order gives the same as filtering them all by hand, page by page."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Select, create_engine, text

from contract.sample import NOON, creation, message, new_session
from greenroomd.app.ports.storage import OrderBy, Position, SessionQuery, Store, Unit
from greenroomd.domain.errors import InvalidPageToken
from greenroomd.domain.principal import NOWHERE
from greenroomd.domain.session import Session
from greenroomd.domain.states import LIVE, State
from greenroomd.store.read.session_listing import MOST_WORKSPACES, pages

dice = random.Random(3)


@pytest.fixture
async def sessions(store: Store) -> list[Session]:
    """Sessions that share workspaces, users, labels and times, as they were created."""
    made = []
    for _ in range(120):
        session = new_session(
            NOON + timedelta(seconds=dice.randrange(6)),
            workspace_id=dice.choice(["lab", "studio"]),
            user_id=dice.choice(["", "ann", "bob"]),
            profile_id=dice.choice(["", "reviewer"]),
            labels={name: dice.choice("ab") for name in ("team", "tier") if dice.random() < 0.7},
            state=dice.choice(list(State)),
            last_active_time=NOON + timedelta(seconds=dice.randrange(6)),
        )
        made.append(session)
    return list(await asyncio.gather(*(store.commit(creation(session)) for session in made)))


def queries() -> list[SessionQuery]:
    def maybe(value: object) -> object:
        return value if dice.random() < 0.3 else None

    def moment() -> object:
        return maybe(NOON + timedelta(seconds=dice.randrange(7)))

    return [
        SessionQuery(
            workspace_id=dice.choice([None, "lab", "lab", "nowhere"]),
            within=dice.choice([None, None, frozenset({"lab"}), frozenset({"lab", "studio"}), NOWHERE, MANY]),
            states=frozenset(dice.sample(list(State), dice.choice([0, 0, 1, 2, 9]))),
            user_id=maybe("ann"),  # type: ignore[arg-type]
            profile_id=maybe("reviewer"),  # type: ignore[arg-type]
            labels=tuple((name, dice.choice("ab")) for name in ("team", "tier") if dice.random() < 0.2),
            live_only=dice.random() < 0.2,
            created_from=moment(),  # type: ignore[arg-type]
            created_to=moment(),  # type: ignore[arg-type]
            active_from=moment(),  # type: ignore[arg-type]
            active_to=moment(),  # type: ignore[arg-type]
            order_by=dice.choice(list(OrderBy)),
            descending=dice.random() < 0.5,
        )
        for _ in range(150)
    ]


def by_hand(query: SessionQuery, sessions: Sequence[Session]) -> list[Session]:
    found = [
        session
        for session in sessions
        if query.workspace_id in (None, session.workspace_id)
        and (query.within is None or session.workspace_id in query.within)
        and (not query.states or session.state in query.states)
        and query.user_id in (None, session.user_id)
        and query.profile_id in (None, session.profile_id)
        and all(session.labels.get(name) == value for name, value in query.labels)
        and (not query.live_only or session.state in LIVE)
        and (query.created_from is None or session.create_time >= query.created_from)
        and (query.created_to is None or session.create_time < query.created_to)
        and (query.active_from is None or session.last_active_time >= query.active_from)
        and (query.active_to is None or session.last_active_time < query.active_to)
    ]
    return sorted(
        found,
        key=lambda session: (getattr(session, query.order_by), session.revision),
        reverse=query.descending,
    )


MANY = frozenset({"studio", *(f"w{number}" for number in range(MOST_WORKSPACES))})


async def all_pages(store: Store, query: SessionQuery, limit: int) -> list[Session]:
    found: list[Session] = []
    after: Position | None = None
    while True:
        page = await store.sessions(query, after=after, limit=limit)
        assert len(page.items) == limit or page.next is None
        found += page.items
        if page.next is None:
            return found
        after = page.next


async def test_every_query_finds_what_filtering_by_hand_finds(store: Store, sessions: list[Session]) -> None:
    filled = 0
    for query in queries():
        wanted = by_hand(query, sessions)
        filled += bool(wanted)
        assert await all_pages(store, query, dice.choice([1, 3, 50, 200])) == wanted, query
    assert filled > 30  # else the queries would prove little


async def test_labels_are_found_as_they_are_now(store: Store) -> None:
    session = await store.commit(creation(new_session(labels={"team": "a", "old": "x"})))
    await store.commit(_changed(session, labels={"team": "b", "new": "y"}))
    for labels, count in (((("team", "a"),), 0), ((("old", "x"),), 0), ((("team", "b"), ("new", "y")), 1)):
        page = await store.sessions(SessionQuery(workspace_id="lab", labels=labels), after=None, limit=5)
        assert len(page.items) == count, labels


async def test_a_list_is_stable_while_sessions_come_and_move(store: Store) -> None:
    created = [await store.commit(creation(new_session(NOON + timedelta(seconds=n)))) for n in range(6)]
    query = SessionQuery(workspace_id="lab")
    first = await store.sessions(query, after=None, limit=3)
    await store.commit(creation(new_session(NOON - timedelta(days=1))))
    await store.commit(_changed(created[4], last_active_time=NOON + timedelta(days=1)))
    second = await store.sessions(query, after=first.next, limit=5)
    ids = [session.session_id for session in (*first.items, *second.items)]
    assert ids == [session.session_id for session in created]


async def test_a_watch_from_the_revision_of_a_page_misses_nothing(store: Store) -> None:
    await store.commit(creation(new_session()))
    page = await store.sessions(SessionQuery(workspace_id="lab"), after=None, limit=5)
    assert page.revision == store.head == 1
    empty = await store.sessions(SessionQuery(workspace_id="nowhere"), after=None, limit=5)
    assert (empty.revision, empty.next) == (1, None)


async def test_a_position_that_no_page_ended_at_is_refused(store: Store) -> None:
    with pytest.raises(InvalidPageToken):
        await store.sessions(SessionQuery(workspace_id=None), after=Position(1, "x"), limit=5)


PLANNED = [
    SessionQuery(workspace_id="lab"),
    SessionQuery(workspace_id=None),
    SessionQuery(workspace_id="lab", user_id="ann"),
    SessionQuery(workspace_id="lab", profile_id="reviewer"),
    SessionQuery(workspace_id="lab", labels=(("team", "a"),)),
    SessionQuery(workspace_id="lab", states=frozenset({State.ERROR})),
    SessionQuery(workspace_id="lab", states=frozenset({State.ERROR, State.SUSPENDED})),
    SessionQuery(workspace_id="lab", states=frozenset({State.ERROR}), order_by=OrderBy.LAST_ACTIVE_TIME),
    SessionQuery(workspace_id="lab", order_by=OrderBy.LAST_ACTIVE_TIME, descending=True),
    SessionQuery(workspace_id=None, order_by=OrderBy.LAST_ACTIVE_TIME, descending=True),
]


async def test_a_page_is_one_range_of_an_index(store: Store, database_url: str) -> None:
    states = list(State)
    await asyncio.gather(
        *(
            store.commit(
                creation(
                    new_session(
                        NOON + timedelta(seconds=number),
                        state=State.CLOSED if number % 10 else states[number // 10 % len(states)],
                        user_id="ann" if number % 3 else "",
                        profile_id="reviewer" if number % 5 else "",
                        labels={"team": "ab"[number % 2]},
                    )
                )
            )
            for number in range(2000)
        )
    )
    engine = create_engine(database_url)
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("ANALYZE"))
        for query in PLANNED:
            for position in (None, Position(1, "1")):
                for page in pages(query, after=position, limit=51):
                    plan = _plan(connection, page)
                    assert "SORT" not in plan, (query, plan)
                    assert "TEMP B-TREE" not in plan, (query, plan)
                    assert "SEQ SCAN" not in plan, (query, plan)
                    assert "SCAN SESSIONS\n" not in plan, (query, plan)
        for query in (
            SessionQuery(workspace_id=None, live_only=True),
            SessionQuery(workspace_id=None, states=frozenset({State.ACTIVE})),
            SessionQuery(workspace_id="lab", live_only=True),
            SessionQuery(workspace_id="lab", live_only=True, order_by=OrderBy.LAST_ACTIVE_TIME),
            SessionQuery(workspace_id="lab", states=frozenset({State.ACTIVE}), descending=True),
        ):
            for position in (None, Position(1, "1")):
                [page] = pages(query, after=position, limit=51)
                plan = _plan(connection, page)
                assert "SESSIONS_UNSETTLED" in plan or "SESSIONS_IN_STATE" in plan, (query, plan)
    engine.dispose()


def _changed(session: Session, **changes: object) -> Unit:
    return Unit(session=replace(session, **changes), events=[message()])  # type: ignore[arg-type]


def _plan(connection: Connection, page: Select[Any]) -> str:
    sql = str(page.compile(connection, compile_kwargs={"literal_binds": True}))
    explain = "EXPLAIN " if connection.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN "
    rows = connection.exec_driver_sql(explain + sql.replace("%", "%%"))
    return "".join(f"{row[-1]}\n" for row in rows).upper()
