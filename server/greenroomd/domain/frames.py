"""What a `claude` process says, as values: one frame for each line of its stream-json output.

Source of all shapes: the CLI 2.1.330 as observed. `raw` is the line as it came (JSON, UTF-8, no newline), so that
nothing the CLI said is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from greenroomd.domain.config import JsonObject
from greenroomd.domain.turn import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Any line. `cli_session_id` is the conversation the line belongs to ("" if it does not say); it can change."""

    raw: bytes
    cli_session_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnInitialized(Frame):
    """`system/init`: printed at the start of every turn, with the settings in effect."""

    model: str
    permission_mode: str
    cwd: str
    cli_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistantSpoke(Frame):
    """`assistant`: finished content blocks (API shape: text, thinking, tool_use …) of one API message."""

    message_id: str
    model: str
    blocks: Sequence[JsonObject]
    parent_tool_use_id: str = ""

    @property
    def synthetic(self) -> bool:
        """Whether the CLI made the message up itself, to report an API failure."""
        return self.model == "<synthetic>"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserEchoed(Frame):
    """`user`: tool results, or synthetic notes of the CLI (`synthetic`); never the caller's own prompt."""

    blocks: Sequence[JsonObject]
    parent_tool_use_id: str = ""
    synthetic: bool = False
    replay: bool = False


class DeltaKind(StrEnum):
    """What a partial message adds to."""

    TEXT = "text"
    THINKING = "thinking"
    TOOL_INPUT = "tool_input"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta(Frame):
    """`stream_event` that carries a content delta; may be dropped, the finished block repeats it all."""

    kind: DeltaKind
    text: str
    block_index: int
    message_id: str = ""
    parent_tool_use_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamMarker(Frame):
    """`stream_event` or `system/status` without content: proof of life, nothing to show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnResult(Frame):
    """`result`: one prompt was answered, or gave up.

    `total_cost_usd` is cumulative; a resumed process begins at what the transcript recorded of earlier ones, if it did.
    `own_cost_usd` is the cost since the last result, None if the CLI does not say.
    `message_uuids` are the user messages it answers; empty when nobody asked (a background task came back).
    """

    subtype: str
    is_error: bool
    terminal_reason: str
    text: str
    errors: Sequence[str]
    stop_reason: str
    api_error_status: int | None
    num_turns: int
    usage: Usage
    total_cost_usd: float
    message_uuids: Sequence[str]
    own_cost_usd: float | None = None

    @property
    def succeeded(self) -> bool:
        """Success is both: subtype `success` and no error flag (an API failure has subtype `success` too)."""
        return self.subtype == "success" and not self.is_error

    def cost_after(self, spent_usd: float) -> float:
        """Return the cost since the last result, whose cumulative cost was `spent_usd`."""
        return (
            self.own_cost_usd if self.own_cost_usd is not None else max(0.0, self.total_cost_usd - spent_usd)
        )

    @property
    def aborted(self) -> bool:
        """Whether the turn was interrupted."""
        return self.terminal_reason.startswith("aborted")


class Activity(StrEnum):
    """What the CLI says it is doing."""

    RUNNING = "running"
    REQUIRES_ACTION = "requires_action"
    IDLE = "idle"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityChanged(Frame):
    """`system/session_state_changed`; IDLE is the one sign that the CLI owes nothing more."""

    activity: Activity


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionAsked(Frame):
    """`control_request can_use_tool`: the CLI waits, without limit, for a decision on `request_id`.

    A process gives every question a UUID of its own for that.
    """

    request_id: str
    tool_name: str
    tool_use_id: str
    tool_input: JsonObject
    display_name: str = ""
    description: str = ""
    blocked_path: str = ""
    requires_user_interaction: bool = False
    suggestions: Sequence[JsonObject] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionWithdrawn(Frame):
    """`control_cancel_request`: the question of `request_id` is moot and must not be answered."""

    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageProgressed(Frame):
    """`command_lifecycle`: our user message `message_uuid` is queued, started, completed or cancelled."""

    message_uuid: str
    progress: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationReset(Frame):
    """`conversation_reset`: the CLI began a new conversation in the same process (`/clear`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemNoted(Frame):
    """Any other `system` frame and every type that this version does not know; kept, never an error."""

    type: str
    subtype: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Garbage(Frame):
    """A line that is not a JSON object, or longer than the limit (then `raw` is its beginning)."""

    reason: str
