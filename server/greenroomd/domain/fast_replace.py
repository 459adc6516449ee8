"""A faster `dataclasses.replace` for large frozen records with slots."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import fields
from functools import cache
from itertools import repeat
from operator import attrgetter, call
from typing import Any, TypeVar, cast

T = TypeVar("T")

_exhaust = deque[object](maxlen=0).extend  # the fastest way to exhaust an iterator for its side effects


def evolve(record: T, **changes: object) -> T:
    """Return a copy of a frozen dataclass with slots, with the named fields changed.

    Like `dataclasses.replace`, but without `__init__`, which sets each field by `object.__setattr__`: a session with
    forty fields takes a quarter of the time. Raises TypeError for a name that is not a field.
    """
    kind: type[Any] = type(record)
    names, read, setters = _layout(cast(Hashable, kind))
    twin: T = object.__new__(kind)
    _exhaust(map(call, setters, repeat(twin), read(record)))
    for name, value in changes.items():
        if name not in names:
            raise TypeError(f"{kind.__name__} has no field {name!r}")
        setters[names[name]](twin, value)
    return twin


@cache
def _layout(
    kind: type,
) -> tuple[dict[str, int], Callable[[object], tuple[Any, ...]], list[Callable[[object, object], None]]]:
    """Return the fields' indexes by name, a getter of all fields, and each field's setter (that of its slot)."""
    names = [field.name for field in fields(kind)]
    setters = [getattr(kind, name).__set__ for name in names]
    reader = cast(Callable[[object], tuple[Any, ...]], attrgetter(*names))
    return {name: place for place, name in enumerate(names)}, reader, setters
