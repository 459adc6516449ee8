"""Which bytes are the picture or document that they are called."""

from __future__ import annotations

import base64
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenroomd.domain.rules.media_rules import MAX_PARTS, MAX_PIXELS_A_SIDE, kind_of, media_problem
from unit.domain.pictures import GIF, JPEG, LOSSLESS_WEBP, PNG, TRANSPARENT_WEBP, WEBP

PICTURES = {
    "png": ("image/png", PNG),
    "jpeg": ("image/jpeg", JPEG),
    "gif": ("image/gif", GIF),
    "webp": ("image/webp", WEBP),
    "lossless webp": ("image/webp", LOSSLESS_WEBP),
    "transparent webp": ("image/webp", TRANSPARENT_WEBP),
}
PDF = b"%PDF-1.7\n1 0 obj"


def problem(media_type: str, data: bytes) -> tuple[str, str] | None:
    return media_problem(media_type, base64.b64encode(data).decode())


def field(media_type: str, data: bytes) -> str:
    found = problem(media_type, data)
    return found[0] if found else ""


def chunk(name: bytes, body: bytes = b"") -> bytes:
    return len(body).to_bytes(4, "big") + name + body + zlib.crc32(name + body).to_bytes(4, "big")


def png(width: int, height: int, *chunks: bytes) -> bytes:
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 0, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunks) + chunk(b"IEND")


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_what_it_is_called(name: str) -> None:
    media_type, data = PICTURES[name]
    assert problem(media_type, data) is None
    assert problem(media_type, data + b"\0" * 9) is None, "some programs pad"


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_of_another_type_is_told_by_its_media_type(name: str) -> None:
    media_type, data = PICTURES[name]
    for other in {each for each, _ in PICTURES.values()} - {media_type}:
        assert problem(other, data) == (
            "media_type",
            f"must be what the bytes are: they are {media_type}, not {other}",
        )


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_that_was_cut_is_none(name: str) -> None:
    media_type, data = PICTURES[name]
    whole = len(data.rstrip(b"\0")) if name == "gif" else len(data)
    assert [size for size in range(whole) if field(media_type, data[:size]) != "data"] == []


@pytest.mark.parametrize(
    ("media_type", "data"),
    [
        ("image/png", b"junk"),
        ("image/png", PNG[:8] + b"junk" * 20),
        ("image/png", PNG.replace(b"IHDR", b"IHDX")),
        ("image/png", PNG[:40] + bytes([PNG[40] ^ 1]) + PNG[41:]),
        ("image/png", png(0, 5)),
        ("image/jpeg", b"\xff\xd8\xff\xe0" + b"x" * 100),
        ("image/jpeg", b"\xff\xd8" + b"\xff" * 100),
        ("image/gif", b"GIF89a" + b"x" * 100),
        ("image/webp", b"RIFF\x10\0\0\0WEBPVP8 xxxx"),
        ("image/webp", b"RIFF\x20\0\0\0WEBPJUNK" + b"x" * 40),
        ("application/pdf", b"junk"),
        ("application/pdf", b" " * 1020 + b"%PDF-1.4"),
        ("text/plain", b"\xff\xfe"),
    ],
)
def test_what_is_no_picture_is_told_by_its_data(media_type: str, data: bytes) -> None:
    assert field(media_type, data) == "data"


def test_a_document_begins_with_its_header() -> None:
    assert problem("application/pdf", PDF) is None
    assert problem("application/pdf", b"\n" * 9 + PDF) is None
    assert field("application/pdf", PNG) == "media_type"


def test_a_picture_has_at_most_the_pixels_that_the_api_takes() -> None:
    assert problem("image/png", png(MAX_PIXELS_A_SIDE, 1)) is None
    assert problem("image/png", png(1, MAX_PIXELS_A_SIDE + 1)) == (
        "data",
        "must have at most 8000 pixels a side, has 1 x 8001",
    )


def test_a_picture_is_not_walked_for_ever() -> None:
    assert problem("image/png", png(1, 1, *[chunk(b"tEXt")] * (MAX_PARTS - 2))) is None
    assert field("image/png", png(1, 1, *[chunk(b"tEXt")] * MAX_PARTS)) == "data"


def test_what_is_no_base64_is_told() -> None:
    assert media_problem("image/png", "!") == ("data", "must be base64")


@given(st.sampled_from(list(PICTURES.values())), st.binary(max_size=64), st.integers(0, 80))
def test_any_bytes_are_judged(picture: tuple[str, bytes], more: bytes, at: int) -> None:
    media_type, data = picture
    changed = data[:at] + more
    assert field(media_type, changed) in {"", "data", "media_type"}
    assert kind_of(changed) in {None, "application/pdf", *(each for each, _ in PICTURES.values())}
