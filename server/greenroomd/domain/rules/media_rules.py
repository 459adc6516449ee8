"""Checks that the bytes of an image or document match their media type, by their structure.

The CLI (2.1.330) replaces an image that it cannot read by a sentence, and the turn succeeds without the image; the
model's API refuses one that it can only partly read. So an image is checked here by its header and its frame, which
must be complete in its format. The pixels are not decoded.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Callable, Mapping
from typing import NamedTuple

MAX_PIXELS_A_SIDE = 8000
"""The largest width or height in pixels that the model's API accepts."""

MAX_PARTS = 4096
"""The most chunks or segments that are read; an image of 4 MiB has a few hundred."""

PDF_HEADER_WITHIN = 1024
"""PDF readers look for the header within this many first bytes."""


class Size(NamedTuple):
    """Width and height of an image in pixels."""

    width: int
    height: int


class _NotThat(Exception):
    """The bytes do not have the format; the text says why."""


def media_problem(media_type: str, encoded: str) -> tuple[str, str] | None:
    """Return the wrong field (`data` or `media_type`) and why it is wrong; None if the base64 data has its type."""
    try:
        data = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        return "data", "must be base64"
    if media_type == "text/plain":  # text is sent as text, unless it is not UTF-8
        return "data", "must be text in UTF-8"
    found = kind_of(data)
    if found is None:
        return "data", f"must be {media_type}: the bytes begin like no format that is taken"
    if found != media_type:
        return "media_type", f"must be what the bytes are: they are {found}, not {media_type}"
    read = _SIZES.get(media_type)
    if read is None:
        return None
    try:
        size = read(data)
    except _NotThat as problem:
        return "data", f"must be a whole picture: {problem}"
    if min(size) < 1:
        return "data", f"must be a picture, has {size.width} x {size.height} pixels"
    if max(size) > MAX_PIXELS_A_SIDE:
        text = f"must have at most {MAX_PIXELS_A_SIDE} pixels a side, has {size.width} x {size.height}"
        return "data", text
    return None


def kind_of(data: bytes) -> str | None:
    """Return the media type that the first bytes show; None if it is not a supported one."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return "application/pdf" if b"%PDF-" in data[:PDF_HEADER_WITHIN] else None


def _png(data: bytes) -> Size:
    """Read the chunks from IHDR to IEND, and verify the checksums of those that a decoder needs."""
    size, at = None, 8
    for _ in range(MAX_PARTS):
        length, name = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        body, checksum = data[at + 8 : at + 8 + length], data[at + 8 + length : at + 12 + length]
        if len(checksum) < 4:
            raise _NotThat("the PNG ends too early")
        if name[:1].isupper() and zlib.crc32(body, zlib.crc32(name)) != int.from_bytes(checksum, "big"):
            raise _NotThat("a checksum of the PNG is wrong")
        if size is None:
            if name != b"IHDR" or length != 13:
                raise _NotThat("the PNG has no header")
            size = Size(int.from_bytes(body[:4], "big"), int.from_bytes(body[4:8], "big"))
        if name == b"IEND":
            return size
        at += 12 + length
    raise _NotThat(f"the PNG has more than {MAX_PARTS} chunks")


_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})  # markers without a segment


def _jpeg(data: bytes) -> Size:
    """Read the segments up to the frame and its first scan, which the end of the image must follow."""
    size, at = None, 2
    for _ in range(MAX_PARTS):
        if data[at : at + 1] != b"\xff" or at + 4 > len(data):
            break
        marker = data[at + 1]
        if marker == 0xFF or marker in _JPEG_ALONE:
            at += 1 if marker == 0xFF else 2
            continue
        if marker == 0xDA and size is not None:
            if data.rfind(b"\xff\xd9") < at:
                raise _NotThat("the JPEG ends too early")
            return size
        if marker in _JPEG_FRAMES and at + 9 <= len(data):
            height, width = data[at + 5 : at + 7], data[at + 7 : at + 9]
            size = Size(int.from_bytes(width, "big"), int.from_bytes(height, "big"))
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    raise _NotThat("the JPEG has no frame with a scan")


def _gif(data: bytes) -> Size:
    if len(data) < 14 or data.rstrip(b"\0")[-1:] != b";":
        raise _NotThat("the GIF ends too early")
    return Size(int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little"))


def _webp(data: bytes) -> Size:
    if len(data) < 30 or int.from_bytes(data[4:8], "little") + 8 > len(data):
        raise _NotThat("the WebP ends too early")
    chunk, body = data[12:16], data[20:]
    if chunk == b"VP8X":
        return Size(*(int.from_bytes(body[i : i + 3], "little") + 1 for i in (4, 7)))
    if chunk == b"VP8L" and body[0] == 0x2F:
        bits = int.from_bytes(body[1:5], "little")
        return Size((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if chunk == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        return Size(*(int.from_bytes(body[i : i + 2], "little") & 0x3FFF for i in (6, 8)))
    raise _NotThat("the WebP has no frame")


_SIZES: Mapping[str, Callable[[bytes], Size]] = {
    "image/png": _png,
    "image/jpeg": _jpeg,
    "image/gif": _gif,
    "image/webp": _webp,
}
