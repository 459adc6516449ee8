"""Hand-written protobuf encoding, for messages assembled from serialized parts.

A message is the concatenation of its fields, and fields can be appended to a serialized message at any time. So an
event is serialized once, the store's numbers are appended later, and a stream's frame is the concatenation of its
events' records.
"""

from __future__ import annotations

VARINT = 0
LEN = 2

_ONE_BYTE = tuple(bytes((value,)) for value in range(128))
_MORE = tuple(bytes((value & 127 | 128, value >> 7 | 128)) for value in range(1 << 14))


def varint(value: int) -> bytes:
    """Return a number >= 0 as a varint."""
    if value < 128:
        return _ONE_BYTE[value]
    if value < 1 << 14:
        return b"%c%c" % (value & 127 | 128, value >> 7)
    return _MORE[value & 0x3FFF] + varint(value >> 14)


def tag(field: int, wire_type: int) -> bytes:
    """Return the tag that precedes the value of a field."""
    return varint(field << 3 | wire_type)


def record(prefix: bytes, value: bytes) -> bytes:
    """Return a length-delimited field (bytes, text or a message); `prefix` is its tag."""
    return b"%b%b%b" % (prefix, varint(len(value)), value)
