"""Truncates an event that is too large for a stream until it fits."""

from __future__ import annotations

from google.protobuf.message import Message

from greenroom.v1.event_pb2 import Event
from greenroomd.rpc.convert.shortening import shorten


def truncated(event: Event, limit: int) -> Event:
    """Return a copy of an event, marked `truncated`, that takes at most `limit` bytes.

    The CLI's raw frame is dropped first, since the typed blocks say the same. Then long texts and lists are cut off.
    """
    short = Event()
    short.CopyFrom(event)
    short.truncated = True
    name = short.WhichOneof("payload")
    if name is None:
        return short
    payload: Message = getattr(short, name)
    if "raw_frame" in payload.DESCRIPTOR.fields_by_name and payload.DESCRIPTOR.fields[0].name != "frame_type":
        payload.ClearField("raw_frame")
    shorten(payload, limit - (short.ByteSize() - payload.ByteSize()))
    return short
