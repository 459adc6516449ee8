"""What was made of an immutable object, found again by the object's identity."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class IdentityMemo(Generic[K, V]):
    """A function that remembers what it made of objects it was given lately, of `limit` at most.

    Only for immutable objects, and for results that nobody changes. Comparing identities costs next to nothing, where
    hashing a large record would cost as much as making its form anew. Threads may share it without a lock: at worst,
    a result is made twice.
    """

    def __init__(self, make: Callable[[K], V], *, limit: int = 256) -> None:
        self._make = make
        self._limit = limit
        self._made: dict[int, tuple[K, V]] = {}

    def __call__(self, given: K) -> V:
        """Return what is, or was, made of the object."""
        found = self._made.get(id(given))
        if found is not None:  # the entry keeps its object alive, so the id is still that object's
            return found[1]
        made = self._make(given)
        if len(self._made) >= self._limit:
            self._made = {}  # to take out the oldest is two steps, between which another thread may come
        self._made[id(given)] = (given, made)
        return made
