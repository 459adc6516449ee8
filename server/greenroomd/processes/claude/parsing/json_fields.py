"""Reads fields of the CLI's JSON: one that is missing or of another type counts as empty. Pure; never raises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from greenroomd.domain.config import JsonObject


def text(value: Any) -> str:
    """Return a string, or "" for anything else."""
    return value if isinstance(value, str) else ""


def whole(value: Any) -> int:
    """Return a number without its fraction, or 0 for anything else."""
    return int(number(value))


def number(value: Any) -> float:
    """Return a number, or 0 for anything else."""
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return value if known and abs(value) < 2**63 else 0  # not NaN, nor a number too large for a column


def json_object(value: Any) -> JsonObject:
    """Return an object, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def json_objects(value: Any) -> Sequence[JsonObject]:
    """Return the objects in a list; none for anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def texts(value: Any) -> Sequence[str]:
    """Return the strings in a list; none for anything else."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def blocks(content: Any) -> Sequence[JsonObject]:
    """Return a message's content blocks; plain text becomes one block."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else json_objects(content)
