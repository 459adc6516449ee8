"""Protobuf by hand, where a message is put together from bytes that exist already.

A message is the concatenation of its fields, and fields may be appended to a serialized message at any time. So an
event is serialized once, its numbers are appended when the store gives them, and a frame of a stream is its events'
records joined.
"""

from __future__ import annotations

VARINT = 0
LEN = 2

_ONE_BYTE = tuple(bytes((value,)) for value in range(128))
_MORE = tuple(bytes((value & 127 | 128, value >> 7 | 128)) for value in range(1 << 14))


def varint(value: int) -> bytes:
    """Return a number from 0 on as a varint."""
    if value < 128:
        return _ONE_BYTE[value]
    if value < 1 << 14:
        return b"%c%c" % (value & 127 | 128, value >> 7)
    return _MORE[value & 0x3FFF] + varint(value >> 14)


def tag(field: int, wire_type: int) -> bytes:
    """Return what stands before the value of a field."""
    return varint(field << 3 | wire_type)


def record(prefix: bytes, value: bytes) -> bytes:
    """Return a field of bytes, text or a message; `prefix` is its tag."""
    return b"%b%b%b" % (prefix, varint(len(value)), value)
