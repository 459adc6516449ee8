"""Deleting a session removes everything of it, for good."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import create_engine, func, select

from contract.conftest import Opening
from contract.sample import (
    creation,
    full_session,
    message,
    new_approval,
    new_session,
    new_task,
    new_turn,
    revisions,
    saying,
)
from greenroomd.app import pacing
from greenroomd.app.ports.storage import Selection, SessionQuery, Store, Unit
from greenroomd.domain.config import Secret
from greenroomd.domain.errors import (
    ApprovalNotFound,
    EventNotFound,
    OwnershipLost,
    SessionExists,
    SessionNotFound,
    TurnNotFound,
)
from greenroomd.domain.events import EventType
from greenroomd.domain.session import Session
from greenroomd.store.schema.tables import deletions, metadata


def deletion(session: Session) -> Unit:
    return Unit(session=session, events=[message(type=EventType.SESSION_DELETED)], deletes=True)


def rows(database_url: str) -> dict[str, int]:
    """Return how many rows there are in each table that has any."""
    engine = create_engine(database_url)
    with engine.connect() as connection:
        counts = {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in metadata.tables.values()
            if table.name != "meta"
        }
    engine.dispose()
    return {name: count for name, count in counts.items() if count}


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what happens in the background."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def erased(database_url: str) -> None:
    """Wait until nothing is left to erase. Looks at little, and seldom, for it competes with what it waits for."""
    engine = create_engine(database_url)
    with engine.connect() as connection:
        left = connection.execution_options(isolation_level="AUTOCOMMIT")
        while left.execute(select(func.count()).select_from(deletions)).scalar_one():  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    engine.dispose()


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
    unit = creation(
        session,
        turns=[new_turn(session, 1)],
        approvals=[new_approval(session)],
        tasks=[new_task(session, "b1")],
    )
    session = await store.commit(unit)
    await store.commit(deletion(await store.commit(saying(session, "word"))))
    await erased(database_url)
    assert rows(database_url) == {"identities": 1, "events": 1}


async def test_a_large_one_is_gone_at_once_and_erased_in_pieces(
    opening: Opening, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "SHARE", 0.001)  # a piece, and then nothing while this test looks
    async with opening() as store:
        session = await store.commit(creation(full_session()))
        turns = [new_turn(session, number) for number in range(1, 700)]
        session = await store.commit(replace(saying(session, "x" * 70_000), turns=turns))
        for _ in range(10):
            session = await store.commit(saying(session, *["word"] * 200))
        other = await store.commit(creation(new_session(workspace_id=session.workspace_id)))
        last = await store.commit(deletion(session))
        await until(lambda: rows(database_url)["events"] <= 1505)
        left = rows(database_url)
        assert left["events"] > 1000  # otherwise nothing is hidden
        gone = last.revision
        whole = Selection(workspace_id=session.workspace_id)
        for selection in (whole, Selection()):
            seen = await store.events(selection, after=0, limit=10_000)
            assert revisions(seen) == [other.revision, gone]
            seen = await store.events(selection, after=0, limit=10_000, descending=False, up_to=gone - 1)
            assert revisions(seen) == [other.revision]
        alone = Selection.of_session(session.session_id)
        assert revisions(await store.events(alone, after=0, limit=10_000)) == [gone]
        with pytest.raises(EventNotFound):
            await store.whole_event(gone - 100)
        with pytest.raises(TurnNotFound):
            await store.turn(turns[-1].turn_id)
        with pytest.raises(SessionNotFound):
            await store.session(session.session_id)
        assert (await store.turns(session.session_id, after=None, limit=10)).items == []
    assert rows(database_url)["deletions"] == 1
    monkeypatch.undo()
    async with opening():  # as after the death of the server in the middle
        await erased(database_url)
        assert rows(database_url) == {"identities": 2, "events": 2, "sessions": 1, "configs": 1}


async def test_others_commit_while_a_large_one_is_erased(
    opening: Opening, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted in rows: the deletion waits for no event, and a commit waits for few pieces even without any rest."""
    monkeypatch.setattr(pacing, "SHARE", 1.0)
    async with opening() as store:
        session = await store.commit(creation(new_session()))
        for _ in range(30):
            session = await store.commit(saying(session, *["word"] * 1_000))
        other = await store.commit(creation(new_session()))
        await store.commit(deletion(session))
        for _ in range(10):
            other = await store.commit(saying(other, "meanwhile"))
        assert rows(database_url)["events"] > 5_000  # five pieces a commit
        await erased(database_url)
        assert rows(database_url)["events"] == 1 + 11


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
