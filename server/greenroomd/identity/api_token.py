"""The form of an API token: `gr_`, the id of its key, and 256 random bits.

The prefix lets scanners of source code find tokens. Only the SHA-256 of the secret is stored: a slow hash protects
secrets that can be guessed, and these cannot.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import NamedTuple

PREFIX = "gr_"

_TOKEN = re.compile(r"gr_([0-9a-f]{12})_([0-9a-f]{64})")
_LENGTH = len(PREFIX) + 12 + 1 + 64


class NewToken(NamedTuple):
    """A token that nobody has seen yet."""

    text: str
    """What its bearer sends; it is shown once, and stored nowhere."""
    key_id: str
    """The part that names its key."""
    digest: bytes
    """What is stored of its secret."""


def new_token() -> NewToken:
    """Return a token like no other."""
    key_id, secret = secrets.token_hex(6), secrets.token_hex(32)
    return NewToken(f"{PREFIX}{key_id}_{secret}", key_id, _digest(secret))


def parse_token(text: str) -> tuple[str, bytes] | None:
    """Return the id of a token's key and the digest of its secret; None if it has not the form of a token."""
    if len(text) != _LENGTH:  # however long it is, it takes no time
        return None
    parsed = _TOKEN.fullmatch(text)
    return None if parsed is None else (parsed[1], _digest(parsed[2]))


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
