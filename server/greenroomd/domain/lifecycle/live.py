"""A live session as its owner sees it, and one step of it in the making. Pure: nothing here waits or writes.

The owner (app/supervision/supervisor.py) begins a `Step`, lets the functions of `orders` and `process_…` decide in it,
commits what the step changed and told, and only then performs its actions. A commit that fails leaves the old `Live`
in force.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import timedelta
from enum import StrEnum
from operator import attrgetter

from greenroomd.domain.approval import Approval, ApprovalState
from greenroomd.domain.clocks import Moment, Now
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
    """How long the owner waits for what; a session's own limits come before these. All run on the monotonic clock."""

    turn_timeout: timedelta
    """How long a turn may run."""
    stall_timeout: timedelta
    """How long a process may be silent in a turn in which no tool runs and nobody is asked."""
    interrupt_grace: timedelta
    """How long a process may take to obey an interrupt before it is ended."""
    approval_timeout: timedelta
    """How long a question of the CLI waits for an answer before it is denied."""
    ready_grace: timedelta
    """How long a session without a turn is READY before it is IDLE."""
    idle_timeout: timedelta
    """How long an unused process is kept."""


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
    """What the owner of a session knows beyond its row; a `Moment` is a time of the monotonic clock."""

    session: Session
    """The row as last committed, with what is stored only with the next change (see STORED_LATER)."""
    turns: tuple[Turn, ...] = ()
    """The open turns, oldest first; the first may be running."""
    approvals: Mapping[str, Approval] = field(default_factory=dict)
    """The pending questions of the CLI by their id."""
    answer_by: Mapping[str, Moment] = field(default_factory=dict)
    """When each pending question is denied if nobody has answered it."""
    result: TurnResult | None = None
    """The running turn's result, while the CLI is not idle yet."""
    cause: Problem | None = None
    """Why we interrupted the running turn; None: we did not."""
    obey_by: Moment | None = None
    """When the process is ended if it has not obeyed the interrupt."""
    finish_by: Moment | None = None
    """When the running turn is interrupted because the process is to end."""
    turn_began: Moment | None = None
    """When the running turn, or the last one of this process, began."""
    open_tools: frozenset[str] = frozenset()
    """The ids of the tool calls without a result."""
    busy: bool = False
    """Whether the CLI says that it has something to do."""
    resetting: bool = False
    """Whether the CLI has begun a new conversation whose id is still to come."""
    output_bytes: int = 0
    """Bytes that the process has written in the running turn."""
    spent_usd: float = 0.0
    """What this process has cost up to its last result, in US dollars."""
    launching: bool = False
    """Whether a process is wanted that is not ready yet."""
    running: bool = False
    """Whether there is a process."""
    launched_at: Moment | None = None
    """When the process was asked for."""
    heard_at: Moment | None = None
    """When the process last said something, or was last waited for by a person."""
    state_since: Moment | None = None
    """When the session came to its state; None: before this owner had it."""
    restart_at: Moment | None = None
    """When a failed session is started again, if that is planned; the row has the same as a time."""
    ending: Ending | None = None
    """Why the process is being ended; None: it is not."""
    restarting: str = ""
    """Why another process is being started in place of one; "": none is."""
    running_config: SessionConfig | None = None
    """The configuration that the process was started with or brought to."""
    running_generation: int = 0
    """The generation of `running_config`."""
    follow_config: bool = False
    """Whether a newer generation is to reach the process as soon as possible."""
    renew_process: bool = False
    """Whether following takes another process whatever has changed, as for a new token."""
    reconfiguring: bool = False
    """Whether the process is being brought to another generation; no turn begins before that is done."""
    enforcement: Sequence[OptionReport] = ()
    """How the process' host enforces what depends on it."""

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


def taken_over(
    session: Session, now: Now, *, turns: Sequence[Turn] = (), approvals: Mapping[str, Approval] | None = None
) -> Live:
    """Return what a new owner knows of a session: what is stored of it."""
    return Live(
        session=session,
        turns=tuple(turns),
        approvals=approvals or {},
        restart_at=_moment_of_restart(session, now),
    )


def _moment_of_restart(session: Session, now: Now) -> Moment | None:
    """Return when the planned restart is due; no later than it can have been planned, however the clock was set."""
    planned = session.recovery.next_attempt_time
    if planned is None:
        return None
    wait = min(max(now.until(planned), timedelta()), session.config.recovery.max_backoff)
    return now.moment + wait


class Step:
    """One decision in the making: the live session as it becomes, what is told, and what is to be done after."""

    def __init__(self, live: Live, now: Now, patience: TurnTimeouts) -> None:
        self._before = live.session
        self.live = live
        self.now = now
        self.at = now.time
        """The time of what is told and stored."""
        self.moment = now.moment
        """The moment from which to wait."""
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
        self.update_live(session=session, state_since=self.moment)
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
        answer_by = {key: each for key, each in self.live.answer_by.items() if key != approval.approval_id}
        if approval.state is ApprovalState.PENDING:
            pending[approval.approval_id] = approval
            answer_by[approval.approval_id] = self.moment + self.patience.approval_timeout
        self.update_live(approvals=pending, answer_by=answer_by)


def waiting(turns: Sequence[Turn]) -> list[Turn]:
    """Return the turns that have not begun."""
    return [turn for turn in turns if turn.state is TurnState.QUEUED]
