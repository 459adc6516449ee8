"""The cache of sessions: never older than what was acknowledged, bounded, and not asked for what is gone."""

from dataclasses import replace

import pytest

from contract.sample import creation, message, new_session
from greenroomd.app.ports.storage import Store, Unit
from greenroomd.domain.errors import SessionNotFound
from greenroomd.store.read.session_cache import SessionCache


def test_it_keeps_the_sessions_used_last() -> None:
    cache = SessionCache(2)
    first, second, third = (new_session() for _ in range(3))
    for session in (first, second):
        cache.put_committed(session)
    assert cache.get(first.session_id) is first
    cache.put_committed(third)
    assert len(cache) == 2
    assert cache.get(second.session_id) is None
    assert cache.get(first.session_id) is first


def test_a_late_read_does_not_hide_a_commit() -> None:
    cache = SessionCache(2)
    read = replace(new_session(), revision=1)
    committed = replace(read, revision=2)
    cache.put_committed(committed)
    assert cache.put_read(read) is committed
    assert cache.get(read.session_id) is committed


async def test_a_read_after_a_commit_gives_the_very_session(store: Store) -> None:
    committed = await store.commit(creation(new_session()))
    assert await store.session(committed.session_id) is committed
    changed = await store.commit(Unit(session=committed, events=[message()]))
    assert await store.session(committed.session_id) is changed


def test_a_late_read_does_not_bring_back_what_is_gone() -> None:
    cache = SessionCache(2)
    read = replace(new_session(), revision=1)
    cache.put_committed(read)
    cache.outdated(read.session_id, 2)
    assert cache.put_read(read) is read
    assert cache.get(read.session_id) is None


async def test_a_deleted_session_is_forgotten(store: Store) -> None:
    committed = await store.commit(creation(new_session()))
    await store.commit(Unit(session=committed, events=[message()], deletes=True))
    with pytest.raises(SessionNotFound):
        await store.session(committed.session_id)
