"""What the stand-in bills: the tokens of each answer, as far as it was sent.

An entry of the log has them as `billed`, in the API's words; None if nothing was answered.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from standin.answer import USAGE, Event
from standin.plan import JsonObject

_MOST = {  # tokens of each kind; small enough that no conversation seems full
    "input_tokens": 9_000,
    "output_tokens": 900,
    "cache_creation_input_tokens": 4_000,
    "cache_read_input_tokens": 20_000,
}


class DefaultUsage:
    """The usage of answers whose step names none: always the same, or drawn so that no two are alike."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._chance: random.Random | None = None

    def vary(self, seed: object) -> None:
        """Draw from now on; None: no more."""
        with self._lock:
            self._chance = None if seed is None else random.Random(str(seed))

    def next(self) -> JsonObject:
        """Return the usage of one answer."""
        with self._lock:
            if self._chance is None:
                return USAGE
            return {kind: self._chance.randrange(1, most) for kind, most in _MOST.items()}


@contextmanager
def billed(entry: dict[str, Any], event: Event) -> Iterator[None]:
    """Bill an event of a stream while it is sent: what the client cannot have read is not billed."""
    before = entry["billed"]
    entry["billed"] = _usage_in(event.data) or before
    try:
        yield
    except OSError:
        entry["billed"] = before
        raise


def _usage_in(data: Mapping[str, Any]) -> JsonObject | None:
    """Return the usage that an event tells of; a later one replaces it."""
    usage: JsonObject | None = data.get("usage") or data.get("message", {}).get("usage")
    return usage
