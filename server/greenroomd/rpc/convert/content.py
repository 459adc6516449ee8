"""Content blocks: the API's JSON shape here, typed messages on the wire.

Every block of an answer is converted: one of an unknown kind or shape becomes `other`. The blocks of a prompt are
converted as they are; the domain's rules decide which kinds and values a prompt may have.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from greenroom.v1 import turn_pb2 as pb
from greenroomd.domain.config import JsonObject
from greenroomd.rpc.convert.structs import struct, wire_text


def block_message(block: JsonObject) -> pb.ContentBlock:
    """Return a block as a message, with all of its text."""
    try:
        return _WRITERS[block["type"]](block)
    except (KeyError, TypeError, AttributeError, ValueError):  # a shape that the API does not have today
        return pb.ContentBlock(other=struct(block))


def block_messages(blocks: Iterable[JsonObject]) -> list[pb.ContentBlock]:
    """Return blocks as messages."""
    return [block_message(block) for block in blocks]


def blocks_of(content: Sequence[pb.ContentBlock]) -> tuple[JsonObject, ...]:
    """Return the blocks of a prompt in the API's shape, including kinds that a prompt may not have."""
    return tuple(_block_of(message) for message in content)


def _text(block: JsonObject) -> pb.ContentBlock:
    return pb.ContentBlock(text=wire_text(block["text"]))


def _thinking(block: JsonObject) -> pb.ContentBlock:
    signature = wire_text(block.get("signature") or "")
    return pb.ContentBlock(
        thinking=pb.ThinkingBlock(thinking=wire_text(block["thinking"]), signature=signature)
    )


def _image(block: JsonObject) -> pb.ContentBlock:
    return pb.ContentBlock(image=_media(block))


def _document(block: JsonObject) -> pb.ContentBlock:
    return pb.ContentBlock(document=_media(block))


def _media(block: JsonObject) -> pb.MediaBlock:
    source, title = block["source"], wire_text(block.get("title") or "")
    if source["type"] == "url":
        return pb.MediaBlock(url=wire_text(source["url"]), title=title)
    if source["type"] == "base64":
        data = base64.b64decode(source["data"], validate=True)
    elif source["type"] == "text":
        data = source["data"].encode("utf-8", "replace")
    else:
        raise ValueError("a source of another kind")
    return pb.MediaBlock(media_type=wire_text(source["media_type"]), data=data, title=title)


def _tool_use(block: JsonObject) -> pb.ContentBlock:
    if not isinstance(block["input"], Mapping):
        raise TypeError("the input is no object")
    use = pb.ToolUseBlock(
        tool_use_id=wire_text(block["id"]), name=wire_text(block["name"]), input=struct(block["input"])
    )
    return pb.ContentBlock(tool_use=use)


def _tool_result(block: JsonObject) -> pb.ContentBlock:
    content = block.get("content") or []
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    result = pb.ToolResultBlock(
        tool_use_id=wire_text(block["tool_use_id"]),
        content=block_messages(content),
        is_error=bool(block.get("is_error")),
    )
    return pb.ContentBlock(tool_result=result)


_WRITERS = {
    "text": _text,
    "thinking": _thinking,
    "image": _image,
    "document": _document,
    "tool_use": _tool_use,
    "tool_result": _tool_result,
}


def _block_of(message: pb.ContentBlock) -> JsonObject:
    kind = message.WhichOneof("block")
    if kind == "text":
        return {"type": "text", "text": message.text}
    if kind == "image":
        return {"type": "image", "source": _source_of(message.image)}
    if kind == "document":
        block: dict[str, Any] = {"type": "document", "source": _source_of(message.document)}
        if message.document.title:
            block["title"] = message.document.title
        return block
    return {"type": kind} if kind else {}


def _source_of(media: pb.MediaBlock) -> JsonObject:
    if media.WhichOneof("source") == "url":
        return {"type": "url", "url": media.url}
    if media.WhichOneof("source") is None:
        return {}
    if media.media_type == "text/plain" and (text := _utf8(media.data)) is not None:
        return {"type": "text", "media_type": media.media_type, "data": text}  # the API has no other form
    data = binascii.b2a_base64(media.data, newline=False).decode()
    return {"type": "base64", "media_type": media.media_type, "data": data}


def _utf8(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None
