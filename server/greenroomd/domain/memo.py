"""A cache of results by the identity of immutable objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class IdentityMemo(Generic[K, V]):
    """A function that caches its results for the last objects, at most `limit` of them.

    Only for immutable objects, and for results that are never changed. Comparing identities costs almost nothing,
    whereas hashing a large record would cost as much as computing the result again. Threads may share it without a
    lock: at worst a result is computed twice.
    """

    def __init__(self, make: Callable[[K], V], *, limit: int = 256) -> None:
        self._make = make
        self._limit = limit
        self._made: dict[int, tuple[K, V]] = {}

    def __call__(self, given: K) -> V:
        """Return the result for an object, cached or computed."""
        found = self._made.get(id(given))
        if found is not None:  # the entry keeps its object alive, so the id cannot have been reused
            return found[1]
        made = self._make(given)
        if len(self._made) >= self._limit:
            self._made = {}  # removing only the oldest would take two steps, between which another thread may run
        self._made[id(given)] = (given, made)
        return made
