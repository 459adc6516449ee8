"""The plan language: what the stand-in answers, one step for each model request of a turn.

A plan is a JSON list of steps (or one step). It comes from the prompt itself, as `[[stub STEPS]]` in the newest user
text that has one; else from what was pushed for the session, or for `*` (whichever asks first); else it is one plain
reply. A step's index in the prompt's plan is the number of assistant messages after that text: the stand-in keeps no
state for it, and any number of sessions can share one. After a plan's last step the answer is the text `done`.
"""

import json
import re
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Self

JsonObject = Mapping[str, Any]

PLAIN = "hello from stub"
MARK = re.compile(r"\[\[stub\s+(.*?)\]\]\s*(?:$|\n|<)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One answer; everything is optional and combines."""

    text: str = ""
    """A text block, streamed in pieces."""
    fill: int = 0
    """Text of that many bytes more, for long lines."""
    thinking: str = ""
    """A thinking block before the text."""
    tools: Sequence[JsonObject] = ()
    """Tool calls `{"name": ..., "input": {...}}`."""
    tool: str = ""
    """One more tool call, with `input`."""
    input: JsonObject = field(default_factory=dict)
    before: float = 0
    """Seconds before the head of the response."""
    first: float = 0
    """Seconds after the head, before the first event."""
    gap: float = 0
    """Seconds between deltas, which are words then."""
    hang: bool = False
    """Never answer, until the client goes away."""
    stall: bool = False
    """Send `after` deltas, then nothing, until the client goes away."""
    cut: bool = False
    """Drop the connection after `after` deltas."""
    sse_error: str | bool = False
    """End the stream after `after` deltas with an error event of this type (true: overloaded_error)."""
    after: int = 1
    """How many deltas come before the stream breaks; they are of all blocks, a short text being one."""
    status: int = 0
    """Answer with this HTTP error instead; `error` is its type, `message` its text, `headers` come along."""
    error: str = ""
    message: str = ""
    headers: JsonObject = field(default_factory=dict)
    limits: Mapping[str, JsonObject] = field(default_factory=dict)
    """How much of a subscription is used, by limit, as in `failure.plan_headers`; told with any answer."""
    times: int = 0
    """Only the first so many attempts of this step fail; later ones take `then`."""
    then: JsonObject = field(default_factory=lambda: {"text": "ok after errors"})
    stop: str = ""
    """The stop_reason, if not `tool_use` or `end_turn`."""
    usage: JsonObject = field(default_factory=dict)
    """Merged over the default numbers."""

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Read a step; ValueError if it is not an object, or has a key that no step has."""
        if not isinstance(value, Mapping):
            raise ValueError("a step is a JSON object")
        if unknown := value.keys() - {known.name for known in fields(cls)}:
            raise ValueError(f"no such key in a step: {', '.join(sorted(map(str, unknown)))}")
        return cls(**value)

    @property
    def calls(self) -> Sequence[JsonObject]:
        """All tool calls of the step."""
        return [*self.tools, *([{"name": self.tool, "input": self.input}] if self.tool else [])]

    @property
    def fails(self) -> bool:
        """Whether the step is one that `times` limits."""
        return bool(self.status or self.cut or self.sse_error or self.hang or self.stall)


def steps_from_json(value: object) -> list[Step]:
    """Read a plan: a list of steps or a single one; ValueError if it is neither."""
    return [Step.from_json(step) for step in (value if isinstance(value, list) else [value])]


@dataclass(frozen=True, slots=True)
class Chosen:
    """A step, and a key that is the same for each attempt at it."""

    step: Step
    key: str


def scripted(messages: Sequence[JsonObject]) -> Chosen | None:
    """Find the step that the conversation's newest mark asks for; a plan that cannot be read is answered as text."""
    after = 0
    for message in reversed(messages):
        if message.get("role") == "assistant":
            after += 1
            continue
        for text in reversed(texts(message)):
            if found := MARK.findall(text):
                try:
                    steps = steps_from_json(json.loads(found[-1]))
                except (ValueError, TypeError) as error:
                    return Chosen(Step(text=f"stub: bad plan: {error}"), "bad")
                step = steps[after] if after < len(steps) else Step(text="done")
                return Chosen(step, f"{len(messages)}:{after}:{found[-1][:200]}")
    return None


def _compacts(request: JsonObject) -> bool:
    """Return whether the CLI asks for a summary, with which it begins its conversation anew."""
    messages = request.get("messages") or [{}]
    return any("a <summary> block" in text for text in texts(messages[-1]))


def texts(message: JsonObject) -> list[str]:
    """Return the texts of a message, whose content is a string or a list of blocks."""
    content = message.get("content") or []
    if isinstance(content, str):
        return [content]
    return [block.get("text", "") for block in content if block.get("type") == "text"]


class Plans:
    """Chooses the step for each request; safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pushed: dict[str, list[Step]] = {}
        self._attempts: Counter[str] = Counter()
        self._serial = 0

    def push(self, session: str, steps: Sequence[Step]) -> None:
        """Give a session its next steps, in place of what is left of earlier ones."""
        with self._lock:
            self._pushed[session] = list(steps)

    def reset(self) -> None:
        """Forget all pushed steps and counted attempts."""
        with self._lock:
            self._pushed.clear()
            self._attempts.clear()

    def choose(self, request: JsonObject, session: str) -> Step:
        """Return the step that answers *request*, and use it up."""
        if _compacts(request):
            return Step(text="<summary>so far, so good</summary>")
        chosen = (
            scripted(request.get("messages") or []) or self._pop(session) or Chosen(Step(text=PLAIN), "plain")
        )
        step = chosen.step
        if step.calls and not request.get("tools"):
            return Step(text="aux")  # titles and summaries: no tools there
        if step.fails and step.times and self._attempt(session + chosen.key) > step.times:
            return Step.from_json(step.then)
        return step

    def _pop(self, session: str) -> Chosen | None:
        with self._lock:
            for name in (session, "*"):
                if self._pushed.get(name):
                    self._serial += 1
                    return Chosen(self._pushed[name].pop(0), f"pushed:{self._serial}")
        return None

    def _attempt(self, key: str) -> int:
        with self._lock:
            self._attempts[key] += 1
            return self._attempts[key]
