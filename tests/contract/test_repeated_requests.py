"""The same request gets the same answer for 24 hours, also when both copies come at once."""

import asyncio
import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from contract.conftest import Opening
from contract.sample import NOON, creation, new_request, new_session
from greenroomd.app.ports.storage import RequestReplayed, Selection, Store
from greenroomd.domain.errors import RequestIdReused, SessionExists, SessionNotFound
from greenroomd.domain.session import Session


async def test_a_request_is_new_until_its_unit_is_committed(store: Store) -> None:
    request = new_request()
    assert await store.answer(request) is None
    session = await store.commit(creation(new_session(), request=request))
    answer = await store.answer(request)
    assert answer is not None
    assert json.loads(answer) == ["CreateSession", session.session_id, 1, 1]


async def test_the_scope_of_a_request_is_its_principal_and_method(store: Store) -> None:
    request = new_request()
    await store.commit(creation(new_session(), request=request))
    for other in (replace(request, principal="bob"), replace(request, method="StartTurn")):
        assert await store.answer(other) is None
        await store.commit(creation(new_session(), request=other))
    assert store.head == 3


async def test_another_request_under_the_same_id_is_refused(store: Store) -> None:
    request = new_request()
    await store.commit(creation(new_session(), request=request))
    other = replace(request, fingerprint=b"other")
    with pytest.raises(RequestIdReused):
        await store.answer(other)
    unit = creation(new_session(), request=other)
    with pytest.raises(RequestIdReused):
        await store.commit(unit)
    with pytest.raises(SessionNotFound):
        await store.session(unit.session.session_id)


async def test_of_copies_that_come_at_once_one_is_done_and_all_hear_its_answer(store: Store) -> None:
    request = new_request()
    outcomes = await asyncio.gather(
        *(store.commit(creation(new_session(), request=request)) for _ in range(10)), return_exceptions=True
    )
    assert Counter(type(outcome) for outcome in outcomes) == {Session: 1, RequestReplayed: 9}
    answers = {outcome.answer for outcome in outcomes if isinstance(outcome, RequestReplayed)}
    assert answers == {await store.answer(request)}
    assert len(await store.events(Selection(), after=0, limit=100)) == 1


async def test_a_replay_is_told_before_the_id_it_chose_is_called_taken(store: Store) -> None:
    unit = creation(new_session(), request=new_request())
    await store.commit(unit)
    with pytest.raises(RequestReplayed):
        await store.commit(unit)


async def test_a_refused_unit_does_not_use_up_its_request(store: Store) -> None:
    session = await store.commit(creation(new_session()))
    request = new_request()
    with pytest.raises(SessionExists):
        await store.commit(creation(replace(session, revision=0), request=request))
    assert await store.answer(request) is None


async def test_after_a_day_the_request_counts_as_new(opening: Opening) -> None:
    now = NOON
    async with opening(clock=lambda: now) as store:
        request = new_request()
        await store.commit(creation(new_session(), request=request))
        now = NOON + timedelta(hours=24)
        assert await store.answer(request) is not None
        now += timedelta(microseconds=1)
        assert await store.answer(request) is None
        later = replace(request, fingerprint=b"later")
        session = await store.commit(creation(new_session(), request=later))
        answer = await store.answer(later)
        assert answer is not None
        assert json.loads(answer)[1] == session.session_id
