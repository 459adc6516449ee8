"""Frames of a turn: how it goes on, what its requests to the model use, and its result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from greenroomd.domain.costs.usage import Usage
from greenroomd.domain.frames.frame import Frame, StreamMarker, SystemNoted


class Activity(StrEnum):
    """What the CLI says that it is doing."""

    RUNNING = "running"
    REQUIRES_ACTION = "requires_action"
    IDLE = "idle"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityChanged(Frame):
    """`system/session_state_changed`; only IDLE says that the CLI will write nothing more for this turn."""

    activity: Activity


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageProgressed(Frame):
    """`command_lifecycle`: our user message `message_uuid` is queued, started, completed or cancelled."""

    message_uuid: str
    progress: str
    wakeup: str = ""
    """What gave the CLI a message that is not ours, such as `schedule_wakeup`; "" for ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptRefused(SystemNoted):
    """`system` with a `prompt_submit_outcome`: a hook refused the prompt of the turn; the model is not asked.

    The turn's result is a success all the same, with the words of the hook.
    """

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationReset(Frame):
    """`conversation_reset`: the CLI began a new conversation in the same process (`/clear`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestProgressed(StreamMarker):
    """A `stream_event` with the tokens of a model request: of its beginning, its end, or both."""

    message_id: str
    """The id of the message that answers the request."""
    model: str = ""
    """The model that answers; "" in the frame of the end."""
    usage: Usage = Usage()
    """The tokens so far, of the request alone; those of the end replace those of the beginning."""
    ended: bool = False
    """Whether the answer is complete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnResult(Frame):
    """`result`: the CLI has answered a prompt, or given up.

    Its cost is cumulative: a resumed process begins with the cost of earlier ones, if the transcript has recorded it.
    """

    subtype: str
    """`success`, or the kind of error, such as `error_max_turns`."""
    is_error: bool
    """Whether it failed, which an API error with subtype `success` also sets."""
    terminal_reason: str
    """Why the CLI stopped."""
    text: str
    """The final text, or the text of an API error."""
    errors: Sequence[str]
    """The texts of errors."""
    stop_reason: str
    """Why the model stopped, such as `end_turn`."""
    api_error_status: int | None
    """The HTTP status of an API error; None for none."""
    num_turns: int
    """The rounds with the model."""
    usage: Usage
    """The tokens of all requests since the last result, whoever made them: the conversation, agents, compaction."""
    total_cost_usd: float
    """The cumulative cost, in US dollars."""
    message_uuids: Sequence[str]
    """The user messages that it answers; empty if it answers none (a background task has ended)."""
    own_cost_usd: float | None = None
    """The cost since the last result, in US dollars; None if the CLI does not say."""

    @property
    def succeeded(self) -> bool:
        """Whether it has subtype `success` and no error flag (an API error has subtype `success` too)."""
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
