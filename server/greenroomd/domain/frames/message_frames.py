"""Frames of the conversation: whole messages, and the pieces of a message that is being written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from greenroomd.domain.config import JsonObject
from greenroomd.domain.costs.usage import Usage
from greenroomd.domain.frames.frame import Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistantSpoke(Frame):
    """`assistant`: finished content blocks of one API message, in the API's shape (text, thinking, tool_use …)."""

    message_id: str
    """The API's id of the message."""
    model: str
    """The model that wrote it."""
    blocks: Sequence[JsonObject]
    """Its content blocks, in the API's shape."""
    parent_tool_use_id: str = ""
    """The tool call of the subagent that wrote it; "" for none."""
    usage: Usage = Usage()
    """The tokens of its request; as long as it is not `ended`, as they were when the message began."""
    ended: bool = False
    """Whether nothing of the message is missing; where it streams, RequestProgressed says so instead."""
    api_error: str = ""
    """The CLI's word for the failure of the API that it reports, such as `rate_limit`; "" for none."""
    request_id: str = ""
    """The API's id of the request; "" if the CLI gives none."""

    @property
    def synthetic(self) -> bool:
        """Whether the CLI made up the message itself, to report an API error."""
        return self.model == "<synthetic>"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserEchoed(Frame):
    """`user`: tool results, or notes of the CLI (`synthetic`); never the caller's prompt."""

    blocks: Sequence[JsonObject]
    parent_tool_use_id: str = ""
    synthetic: bool = False
    replay: bool = False
    outcome: JsonObject = field(default_factory=dict)
    """What the tool says of its result in a form of its own; empty if it does not."""
    agent_usage: Usage = Usage()
    """The tokens of the last request of the agent whose result this is; none if it is not an agent's."""
    agent_model: str = ""
    """The model that answered that request."""


class DeltaKind(StrEnum):
    """The kind of content that a delta adds to."""

    TEXT = "text"
    THINKING = "thinking"
    TOOL_INPUT = "tool_input"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta(Frame):
    """A `stream_event` with a content delta. It may be dropped, since the finished block repeats it."""

    kind: DeltaKind
    """What it is a piece of."""
    text: str
    """The piece."""
    block_index: int
    """The place of its block in the message, from 0."""
    message_id: str = ""
    """The API's id of the message."""
    parent_tool_use_id: str = ""
    """The tool call of the subagent that writes it; "" for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolInputBegan(Frame):
    """A `stream_event` with which the model begins to write a tool call; its `Delta`s name the same block."""

    tool_use_id: str
    """The id of the tool call."""
    tool_name: str
    """The tool's name."""
    block_index: int
    """The place of its block in the message, from 0."""
    message_id: str = ""
    """The API's id of the message."""
    parent_tool_use_id: str = ""
    """The tool call of the subagent that writes it; "" for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageAbandoned(Frame):
    """A `stream_event` that ends a message of which blocks will never be finished."""

    message_id: str
    parent_tool_use_id: str = ""
