"""The size of a list's pages, and the opaque token that asks for the next page.

A token is bound to its query: one made for another query is refused, since it would skip or repeat rows.
"""

from __future__ import annotations

import base64
import binascii
import struct

from google.protobuf.message import Message

from greenroomd.app.ports.storage import Position
from greenroomd.domain.errors import InvalidPageToken, Violation
from greenroomd.rpc.fingerprint import fingerprint

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 1000

_BINDING_BYTES = 8
_KEY = struct.Struct(">q")


def page_size(asked: int, problems: list[Violation]) -> int:
    """Return how many items a page holds: 50 for 0, at most 1,000; a negative size becomes a problem."""
    if asked < 0:
        problems.append(Violation("page_size", f"must not be negative, is {asked}"))
    return min(asked, MAX_PAGE_SIZE) if asked > 0 else DEFAULT_PAGE_SIZE


def page_token(position: Position, request: Message) -> str:
    """Return the token of the page that follows `position` in the list that `request` asks for."""
    raw = _binding(request) + _KEY.pack(position.key) + position.id.encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def position_of(token: str, request: Message) -> Position | None:
    """Return the position after which a token's page begins, None for the first page; raises InvalidPageToken."""
    if not token:
        return None
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        binding, key, name = (
            raw[:_BINDING_BYTES],
            raw[_BINDING_BYTES:][: _KEY.size],
            raw[_BINDING_BYTES:][_KEY.size :],
        )
        position = Position(_KEY.unpack(key)[0], name.decode())
    except (binascii.Error, struct.error, UnicodeError, ValueError):
        raise InvalidPageToken from None
    if binding != _binding(request):
        raise InvalidPageToken
    return position


def _binding(request: Message) -> bytes:
    return fingerprint(request, "page_token", "page_size")[:_BINDING_BYTES]
