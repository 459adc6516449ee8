"""Shortens a message until it fits into a number of bytes: long texts and lists lose their ends."""

from __future__ import annotations

from collections.abc import Iterable

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

_TEXT = FieldDescriptor.TYPE_STRING
_BYTES = FieldDescriptor.TYPE_BYTES
# Limits that are tried in turn until the message fits: bytes of a text; a list or map keeps an eighth as many entries.
_STEPS = (65_536, 16_384, 4_096, 1_024, 256, 64, 8)


def shorten(message: Message, room: int) -> bool:
    """Shorten a message in place until it takes at most `room` bytes; return whether that was necessary.

    If cutting texts and lists is not enough, the message is left empty.
    """
    if message.ByteSize() <= room:
        return False
    for step in _STEPS:
        _cut(message, step)
        if message.ByteSize() <= room:
            return True
    message.Clear()
    message.SetInParent()
    return True


def shorten_fields(message: Message, room: int) -> bool:
    """Shorten every field that takes more than `room` bytes; return whether any did."""
    found = False
    for field, value in message.ListFields():
        part = type(message)(**{field.name: value})
        if shorten(part, room):
            message.ClearField(field.name)
            message.MergeFrom(part)
            found = True
    return found


def _cut(message: Message, longest: int) -> None:
    for field, value in message.ListFields():
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            _cut_map(value, field.message_type.fields_by_name["value"], longest)
        elif field.is_repeated:
            del value[max(1, longest // 8) :]
            if field.message_type is not None:
                _cut_all(value, longest)
            elif field.type == _TEXT:
                value[:] = [_shortened(text, longest) for text in value]
        elif field.message_type is not None:
            _cut(value, longest)
        elif field.type == _TEXT:
            setattr(message, field.name, _shortened(value, longest))
        elif field.type == _BYTES:
            setattr(message, field.name, value[:longest])


def _cut_all(messages: Iterable[Message], longest: int) -> None:
    for message in messages:
        _cut(message, longest)


def _cut_map(entries: dict[str, object], field: FieldDescriptor, longest: int) -> None:
    for name in list(entries)[max(1, longest // 8) :]:
        del entries[name]
    for name in list(entries):
        if len(name) > longest:
            del entries[name]
        elif field.message_type is not None:
            _cut_all([entries[name]], longest)  # type: ignore[list-item]
        elif field.type == _TEXT:
            entries[name] = _shortened(str(entries[name]), longest)


def _shortened(text: str, longest: int) -> str:
    """Return the beginning of a text, at most `longest` bytes of UTF-8."""
    if len(text) * 4 <= longest:
        return text
    return text[:longest].encode()[:longest].decode("utf-8", "ignore")
