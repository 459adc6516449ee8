"""Small checks of one value, each built from its bounds; the tables of rules consist of them.

A check takes a value and returns None or the problem: a sentence with the rule and the given value. The value is
shortened; text that may be long or confidential is only shown by its size.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

Check = Callable[[Any], str | None]

KIB = 1024
SHOWN = 60

_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1000), ("ms", 1))


def between(low: float, high: float) -> Check:
    """Allow numbers from `low` to `high`, inclusive; never NaN."""

    def check(value: float) -> str | None:
        return None if low <= value <= high else f"must be from {low} to {high}, is {value}"

    return check


def at_least(low: int, meaning: str = "") -> Check:
    """Allow integers from `low` on; `meaning` is the bound in words."""
    bound = f"{low} ({meaning})" if meaning else str(low)

    def check(value: int) -> str | None:
        return None if value >= low else f"must be at least {bound}, is {value}"

    return check


def above_zero(value: float) -> str | None:
    """Allow finite numbers greater than zero."""
    return None if value > 0 and math.isfinite(value) else f"must be a finite number above 0, is {value}"


def lasting(low: timedelta, high: timedelta) -> Check:
    """Allow durations from `low` to `high`, inclusive."""

    def check(value: timedelta) -> str | None:
        if low <= value <= high:
            return None
        return f"must be from {spelled(low)} to {spelled(high)}, is {spelled(value)}"

    return check


def text(*, at_most: int) -> Check:
    """Allow text of at most `at_most` bytes of UTF-8 without NUL; the problem never shows the text."""

    def check(value: str) -> str | None:
        if "\0" in value:
            return "must not hold the NUL character"
        size = size_of(value)
        return None if size <= at_most else f"must be at most {at_most} bytes, is {size}"

    return check


def matching(pattern: str, rule: str) -> Check:
    """Allow text that `pattern` matches completely; `rule` is the pattern in words, after "must be"."""
    compiled = re.compile(pattern)

    def check(value: str) -> str | None:
        return None if compiled.fullmatch(value) else f"must be {rule}, is {shown(value)}"

    return check


def json_object(*, at_most: int) -> Check:
    """Allow JSON objects of at most `at_most` bytes, written in ASCII; NaN and infinity are not JSON."""

    def check(value: object) -> str | None:
        try:
            size = len(json.dumps(value, allow_nan=False, default=dict))
        except ValueError:
            return "must be JSON, which has neither NaN nor infinity"
        return None if size <= at_most else f"must be at most {at_most} bytes as JSON, is {size}"

    return check


def size_of(value: str) -> int:
    """Return the number of bytes of `value` in UTF-8."""
    return len(value.encode("utf-8", "surrogatepass"))


def shown(value: str) -> str:
    """Return `value` in quotes, shortened for an error message."""
    return json.dumps(value if len(value) <= SHOWN else value[:SHOWN] + "…", ensure_ascii=False)


def key(path: str, name: str) -> str:
    """Return the field path of one entry of a map, such as `labels["team"]`."""
    return f"{path}[{shown(name)}]"


def spelled(span: timedelta) -> str:
    """Return `span` in the largest unit that divides it evenly, such as `10 min`."""
    milliseconds = span / timedelta(milliseconds=1)
    unit, size = next(((u, s) for u, s in _UNITS if milliseconds % s == 0), _UNITS[-1])
    return f"{milliseconds / size:g} {unit}"
