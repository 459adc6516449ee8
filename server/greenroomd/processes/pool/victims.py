"""Chooses the idle processes to evict while sessions wait for a slot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar


class Held(Protocol):
    """A slot that a workspace holds."""

    workspace_id: str


H = TypeVar("H", bound=Held)


def choose_victims(
    waiting: Mapping[str, int],
    allowance: Callable[[str], int],
    idle: Sequence[H],
    asked: Mapping[str, int],
    free: int = 0,
) -> list[H]:
    """Return the slots to ask back, one for each session that waits, of those that are `idle`, longest first.

    `waiting` is the number of waiters by workspace, `asked` the number of slots that were asked back already,
    `allowance` how many more slots a workspace may have. One that may have no more gets back only what is its own.
    The others first get the `free` slots: for these, no idle slot has to go.
    """
    still_asked = Counter(asked)
    victims: list[H] = []
    of_anybody = 0
    for name, count in waiting.items() if idle else ():
        of_its_own = max(0, count - allowance(name))
        of_anybody += count - of_its_own
        known = min(of_its_own, still_asked[name])
        still_asked[name] -= known
        its_own = (held for held in idle if held.workspace_id == name)
        victims += [held for held, _ in zip(its_own, range(of_its_own - known), strict=False)]
    others = (held for held in idle if held not in victims)
    wanted = range(of_anybody - free - still_asked.total())
    victims += [held for _, held in zip(wanted, others, strict=False)]
    return victims
