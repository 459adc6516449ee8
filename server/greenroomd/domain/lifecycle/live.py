"""A live session as its owner sees it, and one step of it in the making. Pure: nothing here waits or writes.

The owner (app/supervision/supervisor.py) begins a `Step`, lets the functions of `orders` and `process_…` decide in it,
commits what the step changed and told, and only then performs its actions. A commit that fails leaves the old `Live`
in force.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from enum import StrEnum
from operator import attrgetter

from greenroomd.domain.approval import Approval, ApprovalState
from greenroomd.domain.config import JsonObject, Secret, SessionConfig
from greenroomd.domain.enforcement import OptionReport
from greenroomd.domain.events import EPHEMERAL, Event
from greenroomd.domain.fast_replace import evolve
from greenroomd.domain.frames import TurnResult
from greenroomd.domain.lifecycle.transition import decide
from greenroomd.domain.session import Session
from greenroomd.domain.states import Signal, State
from greenroomd.domain.turn import Problem, Turn, TurnState


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnTimeouts:
    """How long the owner waits for what; a session's own limits come before these."""

    turn_timeout: timedelta = timedelta(hours=1)
    stall_timeout: timedelta = timedelta(minutes=6)
    interrupt_grace: timedelta = timedelta(seconds=5)
    approval_timeout: timedelta = timedelta(minutes=10)
    ready_grace: timedelta = timedelta(minutes=1)
    idle_timeout: timedelta = timedelta(minutes=10)


class Purpose(StrEnum):
    """What a process is being ended for."""

    SUSPEND = "suspend"
    DRAIN = "drain"
    RESTART = "restart"
    CLOSE = "close"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """A process is on its way out; once it is gone, `purpose` says what becomes of the session.

    After DRAIN it is suspended as after SUSPEND, but turns that wait bring it back only with the server's next run.
    """

    purpose: Purpose
    reason: str = ""
    error: Problem | None = None
    actor: str = ""


@dataclass(frozen=True, slots=True)
class LaunchProcess:
    """Get a slot and start a process."""


@dataclass(frozen=True, slots=True)
class AbandonLaunch:
    """Stop waiting for a slot, or end what is starting."""


@dataclass(frozen=True, slots=True)
class EndProcess:
    """Walk the end ladder; without `gently`, begin at SIGTERM."""

    gently: bool = True


@dataclass(frozen=True, slots=True)
class SayPrompt:
    """Send a turn's prompt."""

    turn: Turn


@dataclass(frozen=True, slots=True)
class InterruptCli:
    """Tell the CLI to stop what it does."""


@dataclass(frozen=True, slots=True)
class AnswerPermission:
    """Answer the CLI's question: allow with this input, or (None) deny with a message."""

    approval_id: str
    tool_input: JsonObject | None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Reconfigure:
    """Bring the running process to a generation by changing these options (model, permission_mode) in it."""

    config: SessionConfig
    generation: int
    options: frozenset[str]


Action = (
    LaunchProcess | AbandonLaunch | EndProcess | SayPrompt | InterruptCli | AnswerPermission | Reconfigure
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What the owner knows beyond the row.

    `turns` are the open ones, oldest first; the first may be running. `result` is the running turn's, while the CLI is
    not idle yet. `cause` says why we interrupted it; `obey_by` is when we stop waiting for that. `finish_by` is until
    when it may go on though the process is to end. `open_tools` are tool calls without a result. `output_bytes` counts
    what the process said in the running turn. `spent_usd` is what this process has cost up to the last result.
    `busy` is the CLI's own word for having something to do.

    `restarting` is why another process is being started in place of one, "" if none is.

    `running_config` and its generation are what the process was started with or brought to. `follow_config` says that
    a newer generation is to reach it as soon as possible, `renew_process` that this takes another process whatever
    changed (a new token), `reconfiguring` that a change is under way; no turn begins before it is done. `enforcement`
    is how the host of the process enforces what depends on it.
    """

    session: Session
    turns: tuple[Turn, ...] = ()
    approvals: Mapping[str, Approval] = field(default_factory=dict)
    result: TurnResult | None = None
    cause: Problem | None = None
    obey_by: datetime | None = None
    finish_by: datetime | None = None
    open_tools: frozenset[str] = frozenset()
    busy: bool = False
    resetting: bool = False
    output_bytes: int = 0
    spent_usd: float = 0.0
    launching: bool = False
    running: bool = False
    launched_at: datetime | None = None
    heard_at: datetime | None = None
    ending: Ending | None = None
    restarting: str = ""
    running_config: SessionConfig | None = None
    running_generation: int = 0
    follow_config: bool = False
    renew_process: bool = False
    reconfiguring: bool = False
    enforcement: Sequence[OptionReport] = ()

    @property
    def turn(self) -> Turn | None:
        """The running turn."""
        return self.turns[0] if self.turns and self.turns[0].state is TurnState.RUNNING else None

    @property
    def evictable(self) -> bool:
        """Whether its process may be taken away without harm."""
        at_rest = self.session.state in (State.READY, State.IDLE)
        return at_rest and self.running and not self.turns and not self.busy and self.ending is None

    @property
    def hosted(self) -> bool:
        """Whether a process is there or on its way."""
        return self.launching or self.running

    @property
    def recovering(self) -> bool:
        """Whether it has failed and will be started again by itself."""
        return self.session.recovery.next_attempt_time is not None

    @property
    def at_rest(self) -> bool:
        """Whether nothing is left to own: no process, and none that will be wanted without an order."""
        return not self.hosted and not self.recovering


STORED_LATER = frozenset({"last_active_time", "usage", "update_time"})
"""Fields of a session that do not cost a commit of their own: they change with every piece that the CLI streams."""

_stored_now: Callable[[Session], tuple[object, ...]] = attrgetter(
    *(field.name for field in fields(Session) if field.name not in STORED_LATER)
)


class Step:
    """One decision in the making: the live session as it becomes, what is told, and what is to be done after."""

    def __init__(self, live: Live, *, at: datetime, patience: TurnTimeouts) -> None:
        self._before = live.session
        self.live = live
        self.at = at
        self.patience = patience
        self.events: list[Event] = []
        self.ephemeral: list[Event] = []
        self.turns: dict[str, Turn] = {}
        self.approvals: dict[str, Approval] = {}
        self.actions: list[Action] = []
        self.configures = False
        self.deletes = False
        self.oauth_token: Secret | None = None

    @property
    def session(self) -> Session:
        """The session as it is by now."""
        return self.live.session

    @property
    def changed(self) -> bool:
        """Whether there is anything to commit."""
        if self.events or self.turns or self.approvals or self.configures:
            return True
        return self.session is not self._before and _stored_now(self.session) != _stored_now(self._before)

    def update_live(self, **facts: object) -> None:
        """Change what the owner knows."""
        self.live = evolve(self.live, **facts)

    def update_session(self, **facts: object) -> None:
        """Change facts of the session's record that are no move of its state."""
        self.update_live(session=evolve(self.session, update_time=self.at, **facts))

    def transition(
        self, signal: Signal, *, reason: str = "", error: Problem | None = None, actor: str = ""
    ) -> None:
        """Make a move of the state table and tell it; raises IllegalTransition."""
        session, events = decide(self.session, signal, at=self.at, reason=reason, error=error, actor=actor)
        self.update_live(session=session)
        self.events += events

    def emit(self, event: Event | None) -> None:
        """Add an event to the log, or to the live stream only if it is ephemeral."""
        if event is not None:
            (self.ephemeral if event.type in EPHEMERAL else self.events).append(event)

    def schedule(self, action: Action) -> None:
        """Have something done after the commit."""
        self.actions.append(action)

    def put_turn(self, turn: Turn) -> None:
        """Store a turn, and keep it among the open ones as long as it is not final."""
        self.turns[turn.turn_id] = turn
        others = [other for other in self.live.turns if other.turn_id != turn.turn_id]
        kept = others if turn.state.final else [*others, turn]
        self.update_live(turns=tuple(sorted(kept, key=lambda each: each.number)))

    def put_approval(self, approval: Approval) -> None:
        """Store an approval, and keep it among the pending ones as long as it is."""
        self.approvals[approval.approval_id] = approval
        pending = {key: each for key, each in self.live.approvals.items() if key != approval.approval_id}
        if approval.state is ApprovalState.PENDING:
            pending[approval.approval_id] = approval
        self.update_live(approvals=pending)


def waiting(turns: Sequence[Turn]) -> list[Turn]:
    """Return the turns that have not begun."""
    return [turn for turn in turns if turn.state is TurnState.QUEUED]
