"""Deleting a session removes everything of it, for good."""

import asyncio

import pytest
from sqlalchemy import create_engine, select

from contract.sample import creation, full_session, message, new_approval, new_session, new_turn, saying
from greenroomd.app.ports.storage import SessionQuery, Store, Unit
from greenroomd.domain.config import Secret
from greenroomd.domain.errors import (
    ApprovalNotFound,
    OwnershipLost,
    SessionExists,
    SessionNotFound,
    TurnNotFound,
)
from greenroomd.domain.events import EventType
from greenroomd.domain.session import Session
from greenroomd.store.schema.tables import metadata


def deletion(session: Session) -> Unit:
    return Unit(session=session, events=[message(type=EventType.SESSION_DELETED)], deletes=True)


async def test_nothing_of_it_is_found_again(store: Store) -> None:
    session = full_session()
    turn, approval = new_turn(session, 1), new_approval(session)
    unit = creation(session, turns=[turn], approvals=[approval], oauth_token=Secret("sk"))
    await store.commit(deletion(await store.commit(unit)))
    for ask, error in (
        (store.session(session.session_id), SessionNotFound),
        (store.turn(turn.turn_id), TurnNotFound),
        (store.approval(approval.approval_id), ApprovalNotFound),
    ):
        with pytest.raises(error):
            await ask
    assert await store.oauth_token(session.session_id) is None
    assert (await store.sessions(SessionQuery(workspace_id=None), after=None, limit=10)).items == []
    by_label = SessionQuery(workspace_id="studio", labels=(("team", "red"),))
    assert (await store.sessions(by_label, after=None, limit=10)).items == []
    assert (await store.turns(session.session_id, after=None, limit=10)).items == []


async def test_no_row_names_it_but_its_identity_and_last_event(store: Store, database_url: str) -> None:
    session = full_session()
    unit = creation(session, turns=[new_turn(session, 1)], approvals=[new_approval(session)])
    session = await store.commit(unit)
    await store.commit(deletion(await store.commit(saying(session, "word"))))
    engine = create_engine(database_url)
    with engine.connect() as connection:
        left = {
            table.name: len(connection.execute(select(table)).all())
            for table in metadata.tables.values()
            if table.name != "meta"
        }
    engine.dispose()
    assert {name: count for name, count in left.items() if count} == {"identities": 1, "events": 1}


async def test_its_id_is_not_given_again_nor_changed(store: Store) -> None:
    session = await store.commit(creation(new_session()))
    last = await store.commit(deletion(session))
    with pytest.raises(SessionExists):
        await store.commit(creation(new_session(session_id=session.session_id)))
    with pytest.raises(OwnershipLost):
        await store.commit(saying(last, "from the grave"))


async def test_what_comes_with_the_deletion_is_judged_after_it(store: Store) -> None:
    session = await store.commit(creation(new_session()))
    again = creation(new_session(session_id=session.session_id))
    outcomes = await asyncio.gather(
        store.commit(deletion(session)),
        store.commit(again),
        store.commit(deletion(session)),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [Session, SessionExists, OwnershipLost]
    assert store.head == 2
