"""How large a status may be, and texts cut so that it is not larger.

A status travels in HTTP/2 trailers twice: its message percent-encoded in `grpc-message`, all of it in base64 in
`grpc-status-details-bin`. A proxy reads all trailers into one buffer: that of nginx has 4 KiB by default, and nginx
answers 502 if they are longer. A client takes that for an outage and repeats the call.
"""

from __future__ import annotations

MAX_STATUS_BYTES = 2_400
"""The most that a serialized `google.rpc.Status` takes; 3,200 bytes in base64."""

MAX_MESSAGE_BYTES = 400
"""The most that a message takes as `grpc-message`, where all but printable ASCII takes three bytes for one."""

MAX_TEXT_BYTES = 300
"""The most that one text of the details takes in UTF-8, before the mark of a cut."""

_CUT = " …"
_CUT_BYTES = 10  # as `grpc-message`
_AS_THEY_ARE = frozenset(range(0x20, 0x7F)) - {ord("%")}


def short_text(text: str) -> str:
    """Return a text of the details, cut and marked if it is too long."""
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= MAX_TEXT_BYTES:
        return encoded.decode()
    return encoded[:MAX_TEXT_BYTES].decode("utf-8", "ignore") + _CUT


def short_message(text: str) -> str:
    """Return the message of a status, cut and marked if it is too long as `grpc-message`."""
    encoded = text[:MAX_MESSAGE_BYTES].encode("utf-8", "replace")
    size, end = 0, 0
    for index, byte in enumerate(encoded):
        size += 1 if byte in _AS_THEY_ARE else 3
        if size <= MAX_MESSAGE_BYTES - _CUT_BYTES:
            end = index + 1
        if size > MAX_MESSAGE_BYTES:
            break
    if size <= MAX_MESSAGE_BYTES and len(text) <= MAX_MESSAGE_BYTES:
        return encoded.decode()
    return encoded[:end].decode("utf-8", "ignore") + _CUT
