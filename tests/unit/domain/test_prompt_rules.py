"""What a turn may be started with."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest

from greenroomd.domain.rules.prompt_rules import MAX_BLOCKS, MAX_PROMPT_BYTES, prompt_violations
from unit.domain.pictures import PNG

TEXT = {"type": "text", "text": "look"}
PDF = b"%PDF-1.4\n%%EOF"


def inline(kind: str, media_type: str, data: bytes = b"") -> dict[str, Any]:
    data = data or {"image/png": PNG, "application/pdf": PDF}.get(media_type, b"bytes")
    encoded = base64.b64encode(data).decode()
    return {"type": kind, "source": {"type": "base64", "media_type": media_type, "data": encoded}}


def linked(kind: str, url: str) -> dict[str, Any]:
    return {"type": kind, "source": {"type": "url", "url": url}}


def fields(prompt: str, *content: dict[str, Any], **arguments: Any) -> list[str]:
    return [violation.field for violation in prompt_violations(prompt, content, **arguments)]


@pytest.mark.parametrize("prompt", ["hello", " a ", "a\0b", "é" * (MAX_PROMPT_BYTES // 2)])
def test_a_text_is_a_prompt(prompt: str) -> None:
    assert fields(prompt) == []


@pytest.mark.parametrize("prompt", ["", "  \n", "é" * (MAX_PROMPT_BYTES // 2) + "a"])
def test_a_text_is_neither_blank_nor_above_4_mib(prompt: str) -> None:
    assert fields(prompt) == ["prompt"]


@pytest.mark.parametrize(
    "block",
    [
        TEXT,
        inline("image", "image/png"),
        inline("document", "application/pdf"),
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "words"}},
        linked("image", "https://example.com/a.png"),
        linked("document", "https://example.com/a.pdf?sig=x"),
    ],
)
def test_texts_images_and_documents_are_a_prompt(block: dict[str, Any]) -> None:
    assert fields("", block, TEXT) == []


@pytest.mark.parametrize(
    ("block", "path"),
    [
        ({}, "content[1]"),
        ({"type": "tool_use", "id": "x"}, "content[1]"),
        ({"type": ["text"]}, "content[1]"),
        ({"type": "text"}, "content[1].text"),
        ({"type": "text", "text": " "}, "content[1].text"),
        ({"type": "image"}, "content[1].image"),
        ({"type": "image", "source": {}}, "content[1].image"),
        (inline("image", ""), "content[1].image.media_type"),
        (inline("image", "image/tiff"), "content[1].image.media_type"),
        (inline("document", "image/png"), "content[1].document.media_type"),
        (
            {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": ""}},
            "content[1].document.data",
        ),
        (inline("document", "text/plain", b"\xff"), "content[1].document.data"),
        (linked("image", "http://example.com/a.png"), "content[1].image.url"),
        (linked("image", "https:///a.png"), "content[1].image.url"),
        (linked("document", ""), "content[1].document.url"),
    ],
)
def test_any_other_block_is_refused_by_its_place(block: dict[str, Any], path: str) -> None:
    assert fields("", TEXT, block) == [path]


def test_a_prompt_is_text_or_blocks() -> None:
    assert fields("hello", TEXT) == ["prompt"]


def test_blocks_are_counted() -> None:
    assert fields("", *[TEXT] * MAX_BLOCKS) == []
    assert fields("", *[TEXT] * (MAX_BLOCKS + 1)) == ["content"]


def test_blocks_are_weighed_by_what_the_caller_sent() -> None:
    half = MAX_PROMPT_BYTES // 2
    scan = inline("document", "application/pdf", PDF.ljust(half))
    assert fields("", scan, {"type": "text", "text": "x" * half}) == []
    assert fields("", scan, {"type": "text", "text": "x" * (half + 1)}) == ["content"]
    plain = {"type": "text", "media_type": "text/plain", "data": "x" * MAX_PROMPT_BYTES}
    assert fields("", {"type": "document", "source": plain}) == []
    assert fields("", {"type": "document", "source": plain}, TEXT) == ["content"]


def test_a_description_shows_the_kind_that_was_given() -> None:
    nothing, tool_use, tiff = prompt_violations("", [{}, {"type": "tool_use"}, inline("image", "image/tiff")])
    assert nothing.description == "must be text, image or document, is nothing"
    assert tool_use.description == 'must be text, image or document, is "tool_use"'
    assert tiff.description == 'must be one of image/gif, image/jpeg, image/png, image/webp, is "image/tiff"'


def test_a_signed_address_is_not_shown() -> None:
    assert "hunter2" not in repr(prompt_violations("", [linked("image", "http://example.com/?sig=hunter2")]))


def test_a_turns_timeout_is_from_1_second_to_7_days() -> None:
    for good in (timedelta(seconds=1), timedelta(days=7), None):
        assert fields("hello", turn_timeout=good) == []
    for bad in (timedelta(0), timedelta(milliseconds=999), timedelta(days=8)):
        assert fields("hello", turn_timeout=bad) == ["turn_timeout"]
