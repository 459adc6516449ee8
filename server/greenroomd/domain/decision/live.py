"""A live session as its owner sees it, and one step of deciding about it. Pure: nothing here waits or writes.

The owner (app/supervision/supervisor.py) creates a `Step`, lets the functions of `orders` and `process_…` decide in it,
commits its changes and events, and only then performs its actions. If the commit fails, the old `Live` stays in force.
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
from greenroomd.domain.decision.transition import decide
from greenroomd.domain.enforcement import OptionReport
from greenroomd.domain.events import EPHEMERAL, Event, PlacedEvent
from greenroomd.domain.fast_replace import evolve
from greenroomd.domain.frames import TurnResult
from greenroomd.domain.session import Session
from greenroomd.domain.states import Signal, State
from greenroomd.domain.turn import Problem, Turn, TurnState, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnTimeouts:
    """The owner's timeouts, on the monotonic clock; a session's own limits override them."""

    turn_timeout: timedelta
    """How long a turn may run."""
    stall_timeout: timedelta
    """How long a process may be silent in a turn while no tool runs and no approval is pending."""
    interrupt_grace: timedelta
    """How long a process may take to obey an interrupt before it is ended."""
    approval_timeout: timedelta
    """How long an approval may be pending before it is denied."""
    ready_grace: timedelta
    """How long a session without a turn is READY before it is IDLE."""
    idle_timeout: timedelta
    """How long a process without a turn is kept."""


class Purpose(StrEnum):
    """Why a process is being ended, which decides what happens to the session afterwards."""

    SUSPEND = "suspend"
    DRAIN = "drain"
    RESTART = "restart"
    CLOSE = "close"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The process is being ended; once it is gone, `purpose` decides what happens to the session.

    DRAIN suspends it like SUSPEND, but queued turns restart it only in the server's next run.
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
    """Stop waiting for a slot, or end the process that is starting."""


@dataclass(frozen=True, slots=True)
class EndProcess:
    """End the process: close its stdin, then SIGTERM, then SIGKILL; without `gently`, begin with SIGTERM."""

    gently: bool = True


@dataclass(frozen=True, slots=True)
class SayPrompt:
    """Send a turn's prompt."""

    turn: Turn


@dataclass(frozen=True, slots=True)
class InterruptCli:
    """Tell the CLI to stop the running turn."""


@dataclass(frozen=True, slots=True)
class AnswerPermission:
    """Answer a permission request: allow the tool with this input, or deny it (None) with a message."""

    approval_id: str
    tool_input: JsonObject | None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Reconfigure:
    """Change these options (model, permission_mode) of the running process, to bring it to a generation."""

    config: SessionConfig
    generation: int
    options: frozenset[str]


Action = (
    LaunchProcess | AbandonLaunch | EndProcess | SayPrompt | InterruptCli | AnswerPermission | Reconfigure
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """Everything that the owner knows about a session; a `Moment` is a time of the monotonic clock."""

    session: Session
    """The row as last committed, plus changes that are stored only with the next commit (see STORED_LATER)."""
    turns: tuple[Turn, ...] = ()
    """The open turns, oldest first; the first may be running."""
    approvals: Mapping[str, Approval] = field(default_factory=dict)
    """The pending approvals by id."""
    answer_by: Mapping[str, Moment] = field(default_factory=dict)
    """When each pending approval is denied unless it is decided before."""
    result: TurnResult | None = None
    """The running turn's last result, as long as the CLI is not idle yet: more may follow from background work."""
    turn_usage: Usage = Usage()
    """What all results in the running turn have counted."""
    turn_rounds: int = 0
    """The rounds with the model of all results in the running turn."""
    agents: frozenset[str] = frozenset()
    """The ids of the agents that work in the background."""
    cut: bool = False
    """Whether we have interrupted the running turn while agents worked in the background."""
    cause: Problem | None = None
    """Why we interrupted the running turn; None if we did not."""
    refusal: Problem | None = None
    """Why a hook refused the running turn's prompt; None if none did."""
    obey_by: Moment | None = None
    """Deadline for the interrupt to take effect; then the process is ended."""
    finish_by: Moment | None = None
    """Deadline for the running turn once an end was requested; then it is interrupted."""
    turn_began: Moment | None = None
    """When the running turn, or the last one of this process, began."""
    open_tools: frozenset[str] = frozenset()
    """The ids of tool calls that have no result yet."""
    busy: bool = False
    """Whether the CLI says that it is working."""
    resetting: bool = False
    """Whether the CLI has begun a new conversation whose id is not known yet."""
    output_bytes: int = 0
    """Bytes that the process has written in the running turn."""
    spent_usd: float = 0.0
    """The cost of this process up to its last result, in US dollars."""
    launching: bool = False
    """Whether a process has been requested and is not ready yet."""
    running: bool = False
    """Whether a process exists."""
    launched_at: Moment | None = None
    """When the process was requested."""
    heard_at: Moment | None = None
    """When the process last wrote something, or last stopped waiting for a decision."""
    state_since: Moment | None = None
    """When the session entered its state; None: before this owner took over."""
    restart_at: Moment | None = None
    """When a failed session restarts, if that is planned; the row has the same as a calendar time."""
    ending: Ending | None = None
    """Why the process is being ended; None if it is not."""
    restarting: str = ""
    """Why the process is being replaced by another one; "" if it is not."""
    running_config: SessionConfig | None = None
    """The configuration that the process was started with or changed to."""
    running_generation: int = 0
    """The generation of `running_config`."""
    follow_config: bool = False
    """Whether to bring the process to the newest generation as soon as possible."""
    renew_process: bool = False
    """Whether that needs another process whatever has changed, as for a new token."""
    reconfiguring: bool = False
    """Whether the process is being changed to another generation; no turn begins until that is done."""
    enforcement: Sequence[OptionReport] = ()
    """How the process's host enforces the options that depend on it."""

    @property
    def turn(self) -> Turn | None:
        """The running turn, if there is one."""
        return self.turns[0] if self.turns and self.turns[0].state is TurnState.RUNNING else None

    @property
    def evictable(self) -> bool:
        """Whether its process may be ended for another session."""
        at_rest = self.session.state in (State.READY, State.IDLE)
        return at_rest and self.running and not self.turns and not self.busy and self.ending is None

    @property
    def hosted(self) -> bool:
        """Whether there is a process, or one has been requested."""
        return self.launching or self.running

    @property
    def recovering(self) -> bool:
        """Whether it has failed and will restart automatically."""
        return self.session.recovery.next_attempt_time is not None

    @property
    def at_rest(self) -> bool:
        """Whether it needs no owner: it has no process, and will need none without an order."""
        return not self.hosted and not self.recovering


STORED_LATER = frozenset({"last_active_time", "usage", "update_time"})
"""Fields of a session that are not worth a commit of their own: they change with every delta of the CLI."""

_stored_now: Callable[[Session], tuple[object, ...]] = attrgetter(
    *(field.name for field in fields(Session) if field.name not in STORED_LATER)
)


def taken_over(
    session: Session, now: Now, *, turns: Sequence[Turn] = (), approvals: Mapping[str, Approval] | None = None
) -> Live:
    """Return what a new owner knows about a session: only what is stored."""
    return Live(
        session=session,
        turns=tuple(turns),
        approvals=approvals or {},
        restart_at=_moment_of_restart(session, now),
    )


def _moment_of_restart(session: Session, now: Now) -> Moment | None:
    """Return when the planned restart is due; at most `max_backoff` from now, even if the clock was set back."""
    planned = session.recovery.next_attempt_time
    if planned is None:
        return None
    wait = min(max(now.until(planned), timedelta()), session.config.recovery.max_backoff)
    return now.moment + wait


class Step:
    """One decision in progress: the session's new state, the events to emit, and the actions to perform afterwards."""

    def __init__(self, live: Live, now: Now, patience: TurnTimeouts) -> None:
        self._before = live.session
        self.live = live
        self.now = now
        self.at = now.time
        """The time for events and rows."""
        self.moment = now.moment
        """The moment from which deadlines count."""
        self.patience = patience
        self.events: list[Event] = []
        self.ephemeral: list[PlacedEvent] = []
        """The ephemeral events in order, each with its place among `events`."""
        self.turns: dict[str, Turn] = {}
        self.approvals: dict[str, Approval] = {}
        self.actions: list[Action] = []
        self.configures = False
        self.deletes = False
        self.oauth_token: Secret | None = None

    @property
    def session(self) -> Session:
        """The session after the changes so far."""
        return self.live.session

    @property
    def changed(self) -> bool:
        """Whether there is anything to commit."""
        if self.events or self.turns or self.approvals or self.configures:
            return True
        return self.session is not self._before and _stored_now(self.session) != _stored_now(self._before)

    def update_live(self, **facts: object) -> None:
        """Change fields of `live`."""
        self.live = evolve(self.live, **facts)

    def update_session(self, **facts: object) -> None:
        """Change fields of the session other than its state."""
        self.update_live(session=evolve(self.session, update_time=self.at, **facts))

    def transition(
        self, signal: Signal, *, reason: str = "", error: Problem | None = None, actor: str = ""
    ) -> None:
        """Change the session's state by the state table, and emit the events; raises IllegalTransition."""
        session, events = decide(self.session, signal, at=self.at, reason=reason, error=error, actor=actor)
        self.update_live(session=session, state_since=self.moment)
        self.events += events

    def emit(self, event: Event | None) -> None:
        """Add an event to the log, or only to the live stream if it is ephemeral."""
        if event is None:
            return
        if event.type in EPHEMERAL:
            self.ephemeral.append(PlacedEvent(len(self.events), event))
        else:
            self.events.append(event)

    def schedule(self, action: Action) -> None:
        """Add an action to perform after the commit."""
        self.actions.append(action)

    def put_turn(self, turn: Turn) -> None:
        """Store a turn; it stays among the open ones until it is final."""
        self.turns[turn.turn_id] = turn
        others = [other for other in self.live.turns if other.turn_id != turn.turn_id]
        kept = others if turn.state.final else [*others, turn]
        self.update_live(turns=tuple(sorted(kept, key=lambda each: each.number)))

    def put_approval(self, approval: Approval) -> None:
        """Store an approval; it stays among the pending ones until it is decided."""
        self.approvals[approval.approval_id] = approval
        pending = {key: each for key, each in self.live.approvals.items() if key != approval.approval_id}
        answer_by = {key: each for key, each in self.live.answer_by.items() if key != approval.approval_id}
        if approval.state is ApprovalState.PENDING:
            pending[approval.approval_id] = approval
            answer_by[approval.approval_id] = self.moment + self.patience.approval_timeout
        self.update_live(approvals=pending, answer_by=answer_by)


def waiting(turns: Sequence[Turn]) -> list[Turn]:
    """Return the queued turns."""
    return [turn for turn in turns if turn.state is TurnState.QUEUED]
