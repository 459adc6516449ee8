"""Rules of a prompt: text, or blocks of text, images and documents in the shape of the model's API.

Paths are those of the protobuf message, which is flatter than the API: `content[0].image.media_type` is the API's
`source.media_type` of the first block.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from greenroomd.domain.config import JsonObject
from greenroomd.domain.errors import Violation
from greenroomd.domain.rules.checks import KIB, lasting, shown, size_of
from greenroomd.domain.rules.media_rules import media_problem

MAX_PROMPT_BYTES = 4096 * KIB
MAX_BLOCKS = 256

MEDIA_TYPES: Mapping[str, frozenset[str]] = {
    "image": frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"}),
    "document": frozenset({"application/pdf", "text/plain"}),
}

_URL = re.compile(r"https://[^\s/]\S*")
_turn_timeout = lasting(timedelta(seconds=1), timedelta(days=7))


def prompt_violations(
    prompt: str, content: Sequence[JsonObject], *, turn_timeout: timedelta | None = None
) -> list[Violation]:
    """Return every rule that the prompt of a turn, or its timeout, breaks."""
    found = list(_blocks(content)) if content else list(_text(prompt))
    if content and prompt:
        found.append(Violation("prompt", "must not be given together with content"))
    problem = None if turn_timeout is None else _turn_timeout(turn_timeout)
    if problem is not None:
        found.append(Violation("turn_timeout", problem))
    return found


def _text(prompt: str) -> Iterator[Violation]:
    size = size_of(prompt)
    if size > MAX_PROMPT_BYTES:
        yield Violation("prompt", f"must be at most {MAX_PROMPT_BYTES} bytes, is {size}")
    elif not prompt.strip():  # the API refuses text that is only white space
        yield Violation("prompt", "is required unless content is given, and must not be blank")


def _blocks(content: Sequence[JsonObject]) -> Iterator[Violation]:
    if len(content) > MAX_BLOCKS:
        yield Violation("content", f"must have at most {MAX_BLOCKS} blocks, has {len(content)}")
        return
    size = sum(map(_weight, content))
    if size > MAX_PROMPT_BYTES:
        yield Violation("content", f"must be at most {MAX_PROMPT_BYTES} bytes in all, is {size}")
        return  # do not decode data that is too large
    for index, block in enumerate(content):
        path = f"content[{index}]"
        kind = block.get("type")
        if kind == "text":
            if not str(block.get("text") or "").strip():
                yield Violation(f"{path}.text", "must not be blank")
        elif isinstance(kind, str) and kind in MEDIA_TYPES:
            yield from _media(kind, block, f"{path}.{kind}")
        else:
            given = shown(str(kind)) if kind else "nothing"
            yield Violation(path, f"must be text, image or document, is {given}")


def _media(kind: str, block: JsonObject, path: str) -> Iterator[Violation]:
    source = _source(block)
    if "url" in source:
        if not _URL.fullmatch(str(source["url"])):
            yield Violation(
                f"{path}.url", "must be an https address"
            )  # not shown: it may contain a signature
    elif "data" in source:
        media_type, data = str(source.get("media_type", "")), str(source["data"])
        allowed = MEDIA_TYPES[kind]
        if not data:
            yield Violation(f"{path}.data", "must not be empty")
        if media_type not in allowed:
            text = f"must be one of {', '.join(sorted(allowed))}, is {shown(media_type)}"
            yield Violation(f"{path}.media_type", text)
        elif data and source.get("type") == "base64":
            problem = media_problem(media_type, data)
            if problem is not None:
                yield Violation(f"{path}.{problem[0]}", problem[1])
    else:
        yield Violation(path, "must have data or url")


def _weight(block: JsonObject) -> int:
    """Return the number of bytes in a block; four characters of base64 are three bytes."""
    source = _source(block)
    data = str(source.get("data", ""))
    carried = len(data.rstrip("=")) * 3 // 4 if source.get("type") == "base64" else size_of(data)
    return size_of(str(block.get("text", ""))) + carried


def _source(block: JsonObject) -> Mapping[str, Any]:
    source = block.get("source")
    return source if isinstance(source, Mapping) else {}
