"""Remembering by identity, and copying records fast: exactly what the slow way gives."""

import itertools
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from contract.sample import full_session
from greenroomd.domain.fast_replace import evolve
from greenroomd.domain.memo import IdentityMemo


def counter() -> Callable[[object], int]:
    """Return a function whose result says how often it was called."""
    calls = itertools.count(1)
    return lambda _: next(calls)


def test_what_was_made_of_an_object_is_made_once() -> None:
    memo = IdentityMemo(counter())
    first, second = object(), object()
    assert [memo(first), memo(second), memo(first)] == [1, 2, 1]


def test_no_more_objects_are_remembered_than_the_limit() -> None:
    memo = IdentityMemo(counter(), limit=2)
    objects = [object() for _ in range(3)]
    assert [memo(each) for each in objects] == [1, 2, 3]
    assert memo(objects[2]) == 3
    assert memo(objects[0]) == 4


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Threads that take turns as often as they can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("hasty_threads")
def test_threads_may_share_what_they_remember() -> None:
    memo: IdentityMemo[object, object] = IdentityMemo(lambda given: given, limit=2)
    objects = [object() for _ in range(10)]

    def ask(_: int) -> bool:
        return all(memo(each) is each for _ in range(20_000) for each in objects)

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(ask, range(4)))


def test_an_evolved_record_equals_a_replaced_one() -> None:
    session = full_session()
    assert evolve(session) == session
    assert evolve(session, revision=7, user_id="x") == replace(session, revision=7, user_id="x")
    with pytest.raises(TypeError, match="'colour'"):
        evolve(session, colour="green")
