"""A turn: one prompt, or a cause of the CLI's own, and everything that the CLI does until it is idle again."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from greenroomd.domain.config import JsonObject
from greenroomd.domain.costs.usage import Usage
from greenroomd.domain.plan_limit import PlanLimit


class TurnState(StrEnum):
    """The state of a turn; the last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    INTERRUPTED = "interrupted"

    @property
    def final(self) -> bool:
        """Whether the turn has ended."""
        return self not in (TurnState.QUEUED, TurnState.RUNNING)


class TurnKind(StrEnum):
    """What began a turn: a caller's prompt, or the CLI itself."""

    PROMPT = "prompt"
    UNPROMPTED = "unprompted"


class CauseKind(StrEnum):
    """What wakes a CLI that has no prompt."""

    TASK = "task"
    TIMER = "timer"
    HOOK = "hook"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnCause:
    """Why the CLI began to work without a prompt; `task_id` is "" if it does not say which task woke it."""

    kind: CauseKind
    task_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a turn or a session failed."""

    reason: str
    """A reason of `error_reason.proto`, without its prefix."""
    message: str
    """What happened, for people; safe to show."""
    exit_code: int | None = None
    """The exit status of the process whose end is the reason; None if there is none."""
    signal: int | None = None
    """The signal that ended that process; None if there is none."""
    stderr_tail: str = ""
    """The end of what that process wrote to its stderr, without secrets."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """What else the reason tells, by the keys that `error_reason.proto` names for it."""
    retry_after: timedelta | None = None
    """How long to wait before the same is tried again; None if nothing says so, or if waiting does not help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One prompt to a session, or work of the CLI without a prompt, and its outcome.

    `prompt` is the plain text; `content` the blocks (API shape) when the caller sent blocks instead. `rounds` counts
    the CLI's rounds with the model.
    `side_effects_unknown` is set when the turn ended without the CLI saying so: tools may or may not have run.
    """

    turn_id: str
    """Its id, a UUID of version 4; also the uuid of the user message for the CLI, if there is one."""
    session_id: str
    """Its session."""
    number: int
    """Its number in the session, from 1, in the order of acceptance."""
    state: TurnState
    """Its state."""
    kind: TurnKind = TurnKind.PROMPT
    """What began it."""
    cause: TurnCause | None = None
    """Why the CLI began it; None if a prompt did."""
    prompt: str = ""
    """The prompt as text; "" if there is `content`, or no prompt at all."""
    content: Sequence[JsonObject] = ()
    """The prompt as content blocks, in the API's shape."""
    timeout: timedelta | None = None
    """How long it may run; None: as long as the session's limits or the server's setting allow."""
    request_id: str = ""
    """The request_id with which it was started; "" for none."""
    actor: str = ""
    """The principal that started it."""
    rounds: int = 0
    """The rounds with the model that it took."""
    result_text: str = ""
    """The final text."""
    stop_reason: str = ""
    """Why the model stopped, such as `end_turn`."""
    usage: Usage = Usage()
    """Tokens and cost of this turn."""
    error: Problem | None = None
    """Why it FAILED or was INTERRUPTED; None otherwise."""
    side_effects_unknown: bool = False
    """Whether it ended without a result from the CLI: tools may or may not have run."""
    plan_limits: Sequence[PlanLimit] = ()
    """The limits of the subscription that paid for it, as they were told by its end; empty before."""
    models: Sequence[str] = ()
    """The models that answered in the main conversation, in the order of their first words."""
    create_time: datetime
    """When it was accepted."""
    start_time: datetime | None = None
    """When its prompt was sent to the process; None while QUEUED."""
    end_time: datetime | None = None
    """When it ended; None before."""


def begun(turn: Turn, *, at: datetime) -> Turn:
    """Return a queued turn as RUNNING, since it is being sent to the CLI."""
    return replace(turn, state=TurnState.RUNNING, start_time=at)


def aborted(turn: Turn, *, at: datetime, error: Problem, state: TurnState = TurnState.INTERRUPTED) -> Turn:
    """Return a turn that ends without a result from the CLI; if it had begun, it is unknown what its tools did."""
    began = turn.state is TurnState.RUNNING
    return replace(turn, state=state, error=error, end_time=at, side_effects_unknown=began)


def unprompted(session_id: str, number: int, cause: TurnCause, *, at: datetime) -> Turn:
    """Return a turn that the CLI has begun by itself. Its id follows from session and number, which never return."""
    digest = hashlib.sha256(f"{session_id}/{number}".encode()).digest()
    return Turn(
        turn_id=str(uuid.UUID(bytes=digest[:16], version=4)),
        session_id=session_id,
        number=number,
        state=TurnState.RUNNING,
        kind=TurnKind.UNPROMPTED,
        cause=cause,
        actor="cli",
        create_time=at,
        start_time=at,
    )
