"""A client of HTTP/2 that does next to nothing: many gRPC streams of one request, whose messages nobody decodes.

A grpc.aio client spends as much on a message as the server that sends it, so on one machine it would be measured as
well. This one cuts what the socket gives into messages, and gives back flow control as it does so. It does not decode
headers: a stream that was refused ends, and its messages are missing.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from typing import cast

WINDOW = 1 << 20
"""What the server may send ahead on a stream that is read; about what gRPC clients come to allow on a fast one."""
UNREAD = (1 << 16) - 1
"""The same of a stream that nobody reads: what HTTP/2, and a gRPC client, allow at first."""

_DATA, _HEADERS, _SETTINGS, _PING, _WINDOW_UPDATE = 0, 1, 4, 6, 8
_END_STREAM, _ACK, _END_HEADERS = 1, 1, 4
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_INITIAL_WINDOW = struct.Struct(">HL")  # the setting's number, which is 4, and its value
_HEAD = struct.Struct(">HBBBL")  # a frame's length (16 and 8 bits), type, flags, stream
_LENGTH = struct.Struct(">L")


class Streams(asyncio.Protocol):
    """One connection with `count` streams of one method; `take` is called with each message, as its bytes.

    `on` is done once the server has answered all of them with headers, `over` once it has ended them all; both fail if
    the connection is lost before. Unless `reading`, the streams behave as if nobody took what they have received.
    """

    def __init__(
        self,
        authority: str,
        method: str,
        request: bytes,
        count: int,
        take: Callable[[bytes], None],
        *,
        reading: bool = True,
    ) -> None:
        loop = asyncio.get_running_loop()
        self.on: asyncio.Future[None] = loop.create_future()
        self.over: asyncio.Future[None] = loop.create_future()
        self._opening = _opening(authority, method, request, count, WINDOW if reading else UNREAD)
        self._take = take
        self._reading = reading
        self._rest = b""
        self._partial = {2 * number + 1: bytearray() for number in range(count)}
        self._silent = set(self._partial)
        self._used = dict.fromkeys((0, *self._partial), 0)  # of each window; 0 is the connection's
        self._answers = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Open the streams."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._opening)

    def connection_lost(self, exc: Exception | None) -> None:
        """Give up what is not over."""
        for future in (self.on, self.over):
            if not future.done():
                future.set_exception(exc or ConnectionResetError("the server has closed the connection"))

    def data_received(self, data: bytes) -> None:
        """Take frames apart."""
        data, at = self._rest + data, 0
        while len(data) - at >= _HEAD.size:
            high, low, kind, flags, stream = _HEAD.unpack_from(data, at)
            end = at + _HEAD.size + (high << 8 | low)
            if end > len(data):
                break
            self._frame(kind, flags, stream, data[at + _HEAD.size : end])
            at = end
        self._rest = data[at:]
        if self._answers:
            self._transport.write(bytes(self._answers))
            self._answers.clear()

    def _frame(self, kind: int, flags: int, stream: int, body: bytes) -> None:
        if kind == _DATA:
            self._use(0, len(body))
            if self._reading:
                self._use(stream, len(body))
            self._cut(stream, body)
        elif kind == _HEADERS:
            self._silent.discard(stream)
            if not self._silent and not self.on.done():
                self.on.set_result(None)
        elif kind in (_SETTINGS, _PING) and not flags & _ACK:
            self._answers += _frame(kind, _ACK, 0, body if kind == _PING else b"")
        if kind in (_DATA, _HEADERS) and flags & _END_STREAM:
            del self._partial[stream]
            if not self._partial:
                self.over.set_result(None)

    def _use(self, window: int, size: int) -> None:
        """Give a window back once much of it is used."""
        used = self._used[window] + size
        if used > UNREAD // 2:
            self._answers += _frame(_WINDOW_UPDATE, 0, window, _LENGTH.pack(used))
            used = 0
        self._used[window] = used

    def _cut(self, stream: int, body: bytes) -> None:
        """Cut messages out of a stream's data; each follows a byte of flags and its length."""
        partial = self._partial[stream]
        partial += body
        while len(partial) >= 5 and len(partial) >= (end := 5 + _LENGTH.unpack_from(partial, 1)[0]):
            self._take(bytes(partial[5:end]))
            del partial[:end]


def _opening(authority: str, method: str, request: bytes, count: int, window: int) -> bytes:
    """Return all that is sent at first; header fields refer to HPACK's static table or are literals."""
    headers = b"".join(
        (
            b"\x83\x86",  # POST over http
            b"\x01" + _text(authority.encode()),
            b"\x04" + _text(method.encode()),
            b"\x0f\x10" + _text(b"application/grpc"),
            b"\x00" + _text(b"te") + _text(b"trailers"),
        )
    )
    message = b"\0" + _LENGTH.pack(len(request)) + request
    frames = [
        _PREFACE,
        _frame(_SETTINGS, 0, 0, _INITIAL_WINDOW.pack(4, window)),
        _frame(_WINDOW_UPDATE, 0, 0, _LENGTH.pack(count * window)),  # the streams' windows are the limit
    ]
    for stream in range(1, 2 * count, 2):
        frames += [
            _frame(_HEADERS, _END_HEADERS, stream, headers),
            _frame(_DATA, _END_STREAM, stream, message),
        ]
    return b"".join(frames)


def _text(value: bytes) -> bytes:
    if len(value) > 126:
        raise ValueError("longer literals need a length of several bytes")
    return bytes([len(value)]) + value


def _frame(kind: int, flags: int, stream: int, body: bytes) -> bytes:
    return _HEAD.pack(len(body) >> 8, len(body) & 255, kind, flags, stream) + body
