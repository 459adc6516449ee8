"""What the model's API says, in its own shapes: a message, and the server-sent events that stream it. Pure."""

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from standin.plan import PLAIN, JsonObject, Step

USAGE = {
    "input_tokens": 100,
    "output_tokens": 20,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 0,
}

_serial = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event. After a delta the stream may pause or break, as the step says."""

    kind: str
    data: JsonObject

    @property
    def is_delta(self) -> bool:
        """Whether the event carries a piece of a block."""
        return self.kind == "content_block_delta"

    def encoded(self) -> bytes:
        """Return the event as it goes over the wire."""
        return f"event: {self.kind}\ndata: {json.dumps({'type': self.kind, **self.data})}\n\n".encode()


def message(step: Step, model: object, usage: JsonObject = USAGE) -> dict[str, Any]:
    """Return the whole message that the step stands for, as a request without streaming gets it.

    *usage* is for what the step does not say itself.
    """
    return {
        "id": f"msg_stub{next(_serial):08d}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": list(_blocks(step)),
        "stop_reason": step.stop or ("tool_use" if step.calls else "end_turn"),
        "stop_sequence": None,
        "usage": {**usage, **step.usage},
    }


def events(whole: Mapping[str, Any], *, by_word: bool) -> Iterator[Event]:
    """Yield the events that stream a message; *by_word* makes each word of a text a delta."""
    usage = {**whole["usage"], "output_tokens": 1}
    yield Event("message_start", {"message": {**whole, "content": [], "stop_reason": None, "usage": usage}})
    for index, block in enumerate(whole["content"]):
        empty, deltas = _pieces(block, by_word=by_word)
        yield Event("content_block_start", {"index": index, "content_block": empty})
        for delta in deltas:
            yield Event("content_block_delta", {"index": index, "delta": delta})
        yield Event("content_block_stop", {"index": index})
    ending = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    yield Event("message_delta", {"delta": ending, "usage": whole["usage"]})
    yield Event("message_stop", {})


def _blocks(step: Step) -> Iterator[JsonObject]:
    if step.thinking:
        yield {"type": "thinking", "thinking": step.thinking, "signature": "stub"}
    text = step.text + ("0123456789abcde " * (step.fill // 16 + 1))[: step.fill]
    if text or not (step.calls or step.thinking):
        yield {"type": "text", "text": text or PLAIN}
    for call in step.calls:
        call_id = call.get("id") or f"toolu_stub{next(_serial):08d}"
        yield {"type": "tool_use", "id": call_id, "name": call["name"], "input": call.get("input", {})}


def _pieces(block: JsonObject, *, by_word: bool) -> tuple[JsonObject, list[JsonObject]]:
    """Return the block as it starts, and the deltas that fill it."""
    if block["type"] == "text":
        text = block["text"]
        size = max(64, len(text) // 200)
        parts = re.findall(r"\S+\s*", text) if by_word else _cut(text, size)
        return {**block, "text": ""}, [{"type": "text_delta", "text": part} for part in parts]
    if block["type"] == "thinking":
        return {**block, "thinking": "", "signature": ""}, [
            {"type": "thinking_delta", "thinking": block["thinking"]},
            {"type": "signature_delta", "signature": block["signature"]},
        ]
    parts = _cut(json.dumps(block["input"]), 4096)
    return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": part} for part in parts]


def _cut(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]
