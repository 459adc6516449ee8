"""Serializes a page: as many items as fit, and the token of the next page."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from google.protobuf.message import Message

from greenroomd.app.ports.storage import Page, Position
from greenroomd.rpc.page_token import page_token
from greenroomd.rpc.stream import wire

MAX_PAGE_BYTES = 2 * 1024 * 1024  # gRPC clients accept 4 MiB by default

T = TypeVar("T")

_ITEM = wire.tag(1, wire.LEN)
_NEXT = wire.tag(2, wire.LEN)


def page_answer(
    page: Page[T], request: Message, convert: Callable[[T], Message], place: Callable[[T], Position]
) -> bytes:
    """Return a serialized answer: the items in field 1, the next page's token in field 2.

    A page ends early at MAX_PAGE_BYTES, but holds at least one item if there is any. `place` returns the position of an
    item.
    """
    records: list[bytes] = []
    size, following = 0, page.next
    for index, item in enumerate(page.items):
        record = wire.record(_ITEM, convert(item).SerializeToString())
        size += len(record)
        if records and size > MAX_PAGE_BYTES:
            following = place(page.items[index - 1])
            break
        records.append(record)
    if following is not None:
        records.append(wire.record(_NEXT, page_token(following, request).encode()))
    return b"".join(records)
