"""The cache of sessions: bounded, never older than an acknowledged change, and without sessions that are gone."""

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
    with cache.reading(read.session_id) as late:
        cache.put_committed(committed)
        assert late(read) is committed
    assert cache.get(read.session_id) is committed


def test_a_late_read_does_not_hide_a_commit_that_was_given_up_already() -> None:
    cache = SessionCache(1)
    read = replace(new_session(), revision=1)
    with cache.reading(read.session_id) as late:
        cache.put_committed(replace(read, revision=2))
        cache.put_committed(replace(new_session(), revision=3))
        late(read)
    assert cache.get(read.session_id) is None


async def test_a_read_after_a_commit_gives_the_very_session(store: Store) -> None:
    committed = await store.commit(creation(new_session()))
    assert await store.session(committed.session_id) is committed
    changed = await store.commit(Unit(session=committed, events=[message()]))
    assert await store.session(committed.session_id) is changed


@pytest.mark.parametrize("change", ["forget", "clear"])
def test_a_late_read_does_not_bring_back_what_is_gone(change: str) -> None:
    cache = SessionCache(2)
    read = replace(new_session(), revision=1)
    cache.put_committed(read)
    with cache.reading(read.session_id) as late, cache.reading(read.session_id) as second:
        if change == "forget":
            cache.forget(read.session_id)
        else:
            cache.clear()
        with cache.reading(read.session_id) as in_time:
            assert (late(read), second(read)) == (read, read)
            assert cache.get(read.session_id) is None
            assert in_time(read) is read
            assert cache.get(read.session_id) is read


async def test_a_deleted_session_is_forgotten(store: Store) -> None:
    committed = await store.commit(creation(new_session()))
    await store.commit(Unit(session=committed, events=[message()], deletes=True))
    with pytest.raises(SessionNotFound):
        await store.session(committed.session_id)
