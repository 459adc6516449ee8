"""A live session as its owner sees it: its row, and everything about its process and its turn that is not stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from greenroomd.domain.api_failure import NO_FAILURE, ApiFailure
from greenroomd.domain.approval import Approval
from greenroomd.domain.capabilities import NOTHING_OFFERED, Capabilities
from greenroomd.domain.clocks import Moment, Now
from greenroomd.domain.config import SessionConfig
from greenroomd.domain.costs.bill import Bill
from greenroomd.domain.enforcement import OptionReport
from greenroomd.domain.frames.background_frames import BackgroundTask, TaskBegan
from greenroomd.domain.frames.message_frames import ToolInputBegan
from greenroomd.domain.frames.turn_frames import TurnResult
from greenroomd.domain.mcp import NO_MCP_SERVERS, McpConnections
from greenroomd.domain.session import Session
from greenroomd.domain.states import State
from greenroomd.domain.task import Task, TaskKind, TaskState
from greenroomd.domain.turn import Problem, Turn, TurnCause, TurnState


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnTimeouts:
    """The owner's timeouts, on the monotonic clock; a session's own limits override them."""

    turn_timeout: timedelta
    """How long a turn may run."""
    stall_timeout: timedelta
    """How long a process may be silent in a turn while no tool runs and no approval is pending."""
    mcp_connect_timeout: timedelta
    """How long MCP servers may take to connect."""
    interrupt_grace: timedelta
    """How long a process may take to obey an interrupt before it is ended."""
    approval_timeout: timedelta
    """How long an approval may be pending before it is denied."""
    ready_grace: timedelta
    """How long a session without a turn is READY before it is IDLE."""
    idle_timeout: timedelta
    """How long a process without a turn is kept."""
    api_retry_timeout: timedelta
    """How long a request to the model's API may be repeated before its turn fails."""
    api_max_retries: int
    """How often a request to the model's API may be repeated before its turn fails."""
    background_grace: timedelta
    """How long work in the background keeps its process after the last turn."""
    max_background_grace: timedelta
    """The most that a session's own limit can make of it."""


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

    @property
    def waits(self) -> bool:
        """Whether it waits, as for a running turn, for work in the background: the server wants it, not a caller."""
        return self.purpose is Purpose.DRAIN


@dataclass(frozen=True, kw_only=True)  # without slots: see `evolve`
class Live:
    """Everything that the owner knows about a session; a `Moment` is a time of the monotonic clock."""

    session: Session
    """The row as last committed, plus changes that wait for the next commit (see `STORED_LATER` in step.py)."""
    turns: tuple[Turn, ...] = ()
    """The open turns by number; one of them may be running."""
    approvals: Mapping[str, Approval] = field(default_factory=dict)
    """The pending approvals by id."""
    answer_by: Mapping[str, Moment] = field(default_factory=dict)
    """When each pending approval is denied unless it is decided before."""
    result: TurnResult | None = None
    """The running turn's last result, as long as the CLI is not idle yet: more may follow from background work."""
    turn_models: tuple[str, ...] = ()
    """The models that have answered in the running turn's main conversation, in the order of their first words."""
    turn_rounds: int = 0
    """The rounds with the model of all results in the running turn."""
    tasks: Mapping[str, Task] = field(default_factory=dict)
    """The open background tasks by id, oldest first."""
    listed: Mapping[str, BackgroundTask] = field(default_factory=dict)
    """What the CLI last listed as working in the background, and has not reported since."""
    waited_for: Mapping[str, TaskBegan] = field(default_factory=dict)
    """Tasks for which a tool call waits, by id: they may move to the background."""
    lost: tuple[str, ...] = ()
    """Background tasks that the CLI has stopped because its process is being ended."""
    outcomes: Mapping[str, TaskState] = field(default_factory=dict)
    """How open tasks have ended, of which the report is still to come."""
    rested_at: Moment | None = None
    """When the last turn of this process ended, or it became ready."""
    grace_over: bool = False
    """Whether work in the background no longer keeps the process; see `background_grace`."""
    woken_by: TurnCause | None = None
    """What has happened while no turn ran that makes the CLI work; None for nothing."""
    wakes_by: Moment | None = None
    """Until when the CLI is expected to work because of it."""
    stirring: bool = False
    """Whether the CLI has said that it runs, without a turn, and nothing yet that shows why."""
    agents: frozenset[str] = frozenset()
    """The ids of the agents that work in the background."""
    cut: bool = False
    """Whether we have interrupted the running turn while agents worked in the background."""
    cause: Problem | None = None
    """Why we interrupted the running turn; None if we did not."""
    refusal: Problem | None = None
    """Why a hook refused the running turn's prompt; None if none did."""
    api_failure: ApiFailure = NO_FAILURE
    """What the CLI has told of the running turn's last request that failed; empty since one has succeeded."""
    retrying_since: Moment | None = None
    """When the request that the CLI repeats now has failed first; None if it repeats none."""
    binding_limit: str = ""
    """The CLI's word for the limit of the subscription that decides now; "" if it has named none."""
    obey_by: Moment | None = None
    """Deadline for the interrupt to take effect; then the process is ended."""
    finish_by: Moment | None = None
    """Deadline for the running turn once an end was requested; then it is interrupted."""
    turn_began: Moment | None = None
    """When the running turn, or the last one of this process, began."""
    open_tools: frozenset[str] = frozenset()
    """The ids of tool calls that have no result yet."""
    unfinished: Mapping[str, str] = field(default_factory=dict)
    """The ids of messages of which pieces have come that no whole block has repeated yet.

    The key is the tool call of the subagent that writes the message, "" for the main conversation.
    """
    writing: Mapping[str, ToolInputBegan] = field(default_factory=dict)
    """The tool call that the model began last in each conversation, by the same key."""
    busy: bool = False
    """Whether the CLI says that it is working."""
    resetting: bool = False
    """Whether the CLI has begun a new conversation whose id is not known yet."""
    output_bytes: int = 0
    """Bytes that the process has written in the running turn."""
    bill: Bill = Bill()
    """What the process has used and no turn has been charged with."""
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
    capabilities: Capabilities = NOTHING_OFFERED
    """What the process offers."""
    tools: tuple[str, ...] = ()
    """The CLI's own tools, as its last turn began with them; empty before the process's first turn."""
    mcp: McpConnections = NO_MCP_SERVERS
    """The MCP servers of the running process."""
    enforcement: Sequence[OptionReport] = ()
    """How the process's host enforces the options that depend on it."""

    @property
    def turn(self) -> Turn | None:
        """The running turn, if there is one."""
        for turn in self.turns:  # a generator would cost three times as much, and every line of the CLI asks
            if turn.state is TurnState.RUNNING:
                return turn
        return None

    @property
    def agents_cut(self) -> bool:
        """Whether agents worked when we interrupted the turn, or still do: nobody will tell of their last requests."""
        kinds = {task.kind for task in self.tasks.values()} | {
            began.kind for began in self.waited_for.values()
        }
        return self.cut or TaskKind.AGENT in kinds

    @property
    def held(self) -> bool:
        """Whether work in the background, or what must follow from it, keeps the process from being taken."""
        return (bool(self.tasks) and not self.grace_over) or self.wakes_by is not None

    @property
    def works_on(self) -> bool:
        """Whether something works in the background that keeps the process; a timer that waits does not work."""
        return self.held and any(task.state is TaskState.RUNNING for task in self.tasks.values())

    @property
    def evictable(self) -> bool:
        """Whether its process may be ended for another session."""
        if self.session.state not in (State.READY, State.IDLE) or self.held:
            return False
        return self.running and not self.turns and not self.busy and self.ending is None

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


def taken_over(
    session: Session,
    now: Now,
    *,
    turns: Sequence[Turn] = (),
    approvals: Mapping[str, Approval] | None = None,
    tasks: Sequence[Task] = (),
) -> Live:
    """Return what a new owner knows about a session: only what is stored."""
    return Live(
        session=session,
        turns=tuple(turns),
        approvals=approvals or {},
        tasks={task.task_id: task for task in tasks},
        restart_at=_moment_of_restart(session, now),
    )


def _moment_of_restart(session: Session, now: Now) -> Moment | None:
    """Return when the planned restart is due; at most `max_backoff` from now, even if the clock was set back."""
    planned = session.recovery.next_attempt_time
    if planned is None:
        return None
    wait = min(max(now.until(planned), timedelta()), session.config.recovery.max_backoff)
    return now.moment + wait


def waiting(turns: Sequence[Turn]) -> list[Turn]:
    """Return the queued turns."""
    return [turn for turn in turns if turn.state is TurnState.QUEUED]
