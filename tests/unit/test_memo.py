"""Remembering by identity, and copying records fast: exactly what the slow way gives."""

import itertools
from collections.abc import Callable
from dataclasses import replace

import pytest

from contract.sample import full_session
from greenroomd.domain.evolution import evolve
from greenroomd.domain.memo import IdentityMemo


def counter() -> Callable[[object], int]:
    """Return a function whose result says how often it was called."""
    calls = itertools.count(1)
    return lambda _: next(calls)


def test_what_was_made_of_an_object_is_made_once() -> None:
    memo = IdentityMemo(counter())
    first, second = object(), object()
    assert [memo(first), memo(second), memo(first)] == [1, 2, 1]


def test_only_the_last_objects_are_remembered() -> None:
    memo = IdentityMemo(counter(), limit=2)
    objects = [object() for _ in range(3)]
    assert [memo(each) for each in objects] == [1, 2, 3]
    assert memo(objects[2]) == 3
    assert memo(objects[0]) == 4


def test_an_evolved_record_equals_a_replaced_one() -> None:
    session = full_session()
    assert evolve(session) == session
    assert evolve(session, revision=7, user_id="x") == replace(session, revision=7, user_id="x")
    with pytest.raises(TypeError, match="'colour'"):
        evolve(session, colour="green")
