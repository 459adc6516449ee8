"""Varints by hand are those of protobuf."""

import pytest
from google.protobuf.wrappers_pb2 import UInt64Value

from greenroomd.rpc.stream import wire

EDGES = [1, *(2**bits + step for bits in range(1, 62) for step in (-1, 0, 1))]


@pytest.mark.parametrize("value", EDGES)
def test_a_varint_is_protobuf_s(value: int) -> None:
    field = wire.tag(1, wire.VARINT) + wire.varint(value)
    assert field == UInt64Value(value=value).SerializeToString()


def test_zero_is_one_byte() -> None:
    assert wire.varint(0) == b"\0"
