"""What the real API refuses with status 400. Pure.

A stand-in that takes everything would hide the faults of those who ask.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from standin.plan import JsonObject

CACHED_BLOCKS = 4
_EFFORTS = ("low", "medium", "high", "xhigh", "max")
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_TOOL_USE_ID = re.compile(r"[a-zA-Z0-9_-]+")
_MAGIC = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/webp": (b"RIFF",),
}


def fault_of(request: object) -> str:
    """Return why the API refuses a request of `/v1/messages`; "" if it takes it."""
    if not isinstance(request, Mapping):
        return "the body must be a JSON object"
    return next(_faults(request), "")


def _faults(request: JsonObject) -> Iterator[str]:
    yield from _faults_of_options(request)
    yield from _faults_of_tools(request.get("tools"))
    system = request.get("system")
    if system is not None and not isinstance(system, str):
        yield from _faults_of_content("system", system, allowed=("text",))
    messages = request.get("messages")
    if not isinstance(messages, list) or not messages:
        yield "messages: at least one message is required"
        return
    yield from _faults_of_messages(messages)
    marked = sum(_marks(part) for part in (request.get("tools"), request.get("system"), messages))
    if marked > CACHED_BLOCKS:
        yield f"A maximum of {CACHED_BLOCKS} blocks with cache_control may be provided. Found {marked}."


def _faults_of_options(request: JsonObject) -> Iterator[str]:
    most = request.get("max_tokens")
    if not isinstance(request.get("model"), str) or not request["model"]:
        yield "model: Field required"
    if "max_tokens" not in request:
        yield "max_tokens: Field required"
    if not isinstance(most, int) or isinstance(most, bool) or most < 1:
        yield "max_tokens: Input should be greater than or equal to 1"
        return
    thinking = request.get("thinking")
    budget = thinking.get("budget_tokens") if isinstance(thinking, Mapping) else None
    if isinstance(budget, int) and budget >= most:
        yield "`max_tokens` must be greater than `thinking.budget_tokens`."
    temperature = request.get("temperature")
    if temperature is not None and not (isinstance(temperature, int | float) and 0 <= temperature <= 1):
        yield "temperature: range: 0..1"


def _faults_of_tools(tools: object) -> Iterator[str]:
    if tools is None:
        return
    if not isinstance(tools, list):
        yield "tools: Input should be a valid list"
        return
    names = [tool.get("name") for tool in tools]
    for number, (tool, name) in enumerate(zip(tools, names, strict=True)):
        if not isinstance(name, str) or not _TOOL_NAME.fullmatch(name):
            yield f"tools.{number}.name: String should match pattern '{_TOOL_NAME.pattern}'"
        schema = tool.get("input_schema")
        if tool.get("type") in (None, "custom") and not (
            isinstance(schema, Mapping) and schema.get("type") == "object"
        ):
            yield f"tools.{number}.custom.input_schema.type: Input should be 'object'"
    if len(set(names)) != len(names):
        yield "tools: Tool names must be unique."


def _faults_of_messages(messages: Sequence[Any]) -> Iterator[str]:
    for number, message in enumerate(messages):
        role = message.get("role") if isinstance(message, Mapping) else None
        if role not in ("user", "assistant", "system"):
            yield f'messages: Unexpected role "{role}". Allowed roles are "user", "assistant" or "system"'
            return
        last = number == len(messages) - 1
        # The CLI tells a change of effort in a message of the system that has nothing else (beta per-turn-control).
        sets_effort = role == "system" and _effort_of(message) is not None
        empty = sets_effort or (last and role == "assistant")
        yield from _faults_of_content(f"messages.{number}", message.get("content"), may_be_empty=empty)
    if messages[0]["role"] != "user":
        yield "messages: first message must use the user role"
    asked: Sequence[str] = ()
    spoken = [message for message in messages if message["role"] != "system"]
    for role, group in groupby(spoken, key=itemgetter("role")):  # messages of one role are one to the API
        blocks = [block for message in group for block in blocks_of(message)]
        if role == "user":
            yield from _faults_of_answers(blocks, asked)
            asked = ()
        else:
            asked = [str(block.get("id")) for block in blocks if block["type"] == "tool_use"]
            if len(set(asked)) != len(asked):
                yield "messages: `tool_use` ids must be unique"
            if any(block["type"] == "tool_result" for block in blocks):
                yield "messages: `tool_result` blocks can only be in `user` messages"
    final = blocks_of(messages[-1]) if messages[-1]["role"] == "assistant" else ()
    if final and final[-1]["type"] == "text" and final[-1]["text"] != final[-1]["text"].rstrip():
        yield "messages: final assistant content cannot end with trailing whitespace"


def _effort_of(message: JsonObject) -> str | None:
    """Return the effort that a message of the system sets from there on; None if it sets none."""
    config = message.get("output_config")
    effort = config.get("effort") if isinstance(config, Mapping) else None
    return effort if isinstance(effort, str) and effort in _EFFORTS else None


def _faults_of_answers(blocks: Sequence[JsonObject], asked: Sequence[str]) -> Iterator[str]:
    """Yield what is wrong with a user's blocks after a message that called these tools."""
    answers = [str(block.get("tool_use_id")) for block in blocks if block["type"] == "tool_result"]
    for each in answers:
        if each not in asked:
            yield (
                f"messages: unexpected `tool_use_id` found in `tool_result` blocks: {each}. Each `tool_result` block "
                "must have a corresponding `tool_use` block in the previous message."
            )
    if len(set(answers)) != len(answers):
        yield "messages: each tool_use must have a single result. Found multiple `tool_result` blocks"
    if missing := [each for each in asked if each not in answers]:
        yield (
            "messages: `tool_use` ids were found without `tool_result` blocks immediately after: "
            f"{', '.join(missing)}. Each `tool_use` block must have a corresponding `tool_result` block."
        )
    if any(block["type"] in ("tool_use", "thinking") for block in blocks):
        yield "messages: `tool_use` and `thinking` blocks can only be in `assistant` messages"


def _faults_of_content(
    where: str, content: object, *, may_be_empty: bool = False, allowed: Sequence[str] = ()
) -> Iterator[str]:
    if isinstance(content, str):
        if not content.strip() and not may_be_empty:
            yield f"{where}: text content must be non-empty"
        return
    if not isinstance(content, list):
        yield f"{where}: Input should be a valid list"
        return
    if not content and not may_be_empty:
        yield f"{where}: all messages must have non-empty content except for the optional final assistant message"
    for number, block in enumerate(content):
        kind = block.get("type") if isinstance(block, Mapping) else None
        place = f"{where}.{number}"
        if not kind or (allowed and kind not in allowed):
            yield f"{place}: Input tag '{kind}' found using 'type' does not match any of the expected tags"
            return
        yield from _faults_of_block(place, block)


def _faults_of_block(place: str, block: JsonObject) -> Iterator[str]:
    match block["type"]:
        case "text":
            yield from _faults_of_text(place, block.get("text"))
        case "tool_use":
            yield from _faults_of_call(place, block)
        case "tool_result" if isinstance(block.get("content"), list):
            for number, part in enumerate(block["content"]):
                yield from _faults_of_block(f"{place}.content.{number}", part)
        case "image":
            yield from _faults_of_picture(place, block.get("source"))
        case "thinking" if not block.get("signature"):
            yield f"{place}.thinking.signature: Field required"


def _faults_of_text(place: str, text: object) -> Iterator[str]:
    if not isinstance(text, str) or not text:
        yield f"{place}: text content blocks must be non-empty"
    elif not text.strip():
        yield f"{place}: text content blocks must contain non-whitespace text"


def _faults_of_call(place: str, block: JsonObject) -> Iterator[str]:
    if not _TOOL_USE_ID.fullmatch(str(block.get("id", ""))):
        yield f"{place}.tool_use.id: String should match pattern '{_TOOL_USE_ID.pattern}'"
    if not isinstance(block.get("input"), Mapping):
        yield f"{place}.tool_use.input: Input should be a valid dictionary"


def _faults_of_picture(place: str, source: object) -> Iterator[str]:
    if not isinstance(source, Mapping) or source.get("type") not in ("base64", "url", "file"):
        yield f"{place}.source: Field required"
        return
    if source["type"] != "base64":
        return
    kind = source.get("media_type")
    if kind not in _MAGIC:
        yield f"{place}.source.base64.media_type: Input should be {', '.join(_MAGIC)}"
        return
    try:
        data = base64.b64decode(str(source.get("data", "")), validate=True)
    except binascii.Error:
        yield f"{place}.source.base64: invalid base64 data"
        return
    if not data:
        yield f"{place}.source.base64.data: image cannot be empty"
    elif not data.startswith(_MAGIC[kind]):
        yield "Could not process image"


def blocks_of(message: JsonObject) -> Sequence[JsonObject]:
    """Return the blocks of a message; a text is one block."""
    content = message.get("content") or []
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [block for block in content if isinstance(block, Mapping)]


def _marks(part: object) -> int:
    if isinstance(part, Mapping):
        return bool(part.get("cache_control")) + sum(map(_marks, part.values()))
    return sum(map(_marks, part)) if isinstance(part, list) else 0
