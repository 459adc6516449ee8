"""A turn: one prompt and everything the CLI does until it is free again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from greenroomd.domain.config import JsonObject


class TurnState(StrEnum):
    """Where a turn stands; the last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    INTERRUPTED = "interrupted"

    @property
    def final(self) -> bool:
        """Whether nothing more will happen to the turn."""
        return self not in (TurnState.QUEUED, TurnState.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What the model consumed: tokens, and the cost that the CLI computes from them, in US dollars."""

    turns: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_creation_tokens: int = 0
    cache_read_tokens: int = 0
    cost_usd: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            turns=self.turns + other.turns,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cache_creation_tokens=self.cache_creation_tokens + other.cache_creation_tokens,
            cache_read_tokens=self.cache_read_tokens + other.cache_read_tokens,
            cost_usd=self.cost_usd + other.cost_usd,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a turn or a session failed: a reason of `error_reason.proto` without its prefix, and a text safe to show."""

    reason: str
    message: str
    exit_code: int | None = None
    signal: int | None = None
    stderr_tail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One prompt to a session. `turn_id` (UUID v4) is also the uuid of the CLI's user message.

    `prompt` is the plain text; `content` the blocks (API shape) when the caller sent blocks instead. `rounds` counts
    the CLI's rounds with the model.
    `side_effects_unknown` is set when the turn ended without the CLI saying so: tools may or may not have run.
    """

    turn_id: str
    session_id: str
    number: int
    state: TurnState
    prompt: str
    content: Sequence[JsonObject] = ()
    timeout: timedelta | None = None
    request_id: str = ""
    actor: str = ""
    rounds: int = 0
    result_text: str = ""
    stop_reason: str = ""
    usage: Usage = Usage()
    error: Problem | None = None
    side_effects_unknown: bool = False
    create_time: datetime
    start_time: datetime | None = None
    end_time: datetime | None = None


def begun(turn: Turn, *, at: datetime) -> Turn:
    """Return a queued turn that is sent to the CLI now."""
    return replace(turn, state=TurnState.RUNNING, start_time=at)


def aborted(turn: Turn, *, at: datetime, error: Problem, state: TurnState = TurnState.INTERRUPTED) -> Turn:
    """Return a turn that ends without a result of the CLI; what its tools did is unknown if it had begun."""
    began = turn.state is TurnState.RUNNING
    return replace(turn, state=state, error=error, end_time=at, side_effects_unknown=began)
