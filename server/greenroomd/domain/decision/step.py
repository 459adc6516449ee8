"""One step of deciding about a live session. Pure: nothing here waits or writes.

The owner (app/supervision/supervisor.py) creates a `Step`, lets the functions of `orders` and `process_…` decide in it,
commits its changes and events, and only then performs its actions. If the commit fails, the old `Live` stays in force.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from operator import attrgetter

from greenroomd.domain.approval import Approval, ApprovalState
from greenroomd.domain.clocks import Now
from greenroomd.domain.config import Secret
from greenroomd.domain.costs.bill import SeenMessage
from greenroomd.domain.costs.usage import Tally, Usage
from greenroomd.domain.decision.actions import Action
from greenroomd.domain.decision.live import Live, TurnTimeouts
from greenroomd.domain.decision.transition import decide
from greenroomd.domain.events import EPHEMERAL, Event, PlacedEvent
from greenroomd.domain.fast_replace import evolve
from greenroomd.domain.session import Session
from greenroomd.domain.states import Signal
from greenroomd.domain.task import Task
from greenroomd.domain.turn import Problem, Turn

STORED_LATER = frozenset({"last_active_time", "update_time"})
"""Fields of a session that are not worth a commit of their own: they change with every delta of the CLI."""

_stored_now: Callable[[Session], tuple[object, ...]] = attrgetter(
    *(field.name for field in fields(Session) if field.name not in STORED_LATER)
)


_NOTHING = Usage()


class Step:
    """One decision in progress: the session's new state, the events to emit, and the actions to perform afterwards."""

    def __init__(self, live: Live, now: Now, timeouts: TurnTimeouts) -> None:
        self._before = live.session
        self.live = live
        self.now = now
        self.at = now.time
        """The time for events and rows."""
        self.moment = now.moment
        """The moment from which deadlines count."""
        self.timeouts = timeouts
        self.events: list[Event] = []
        self.ephemeral: list[PlacedEvent] = []
        """The ephemeral events in order, each with its place among `events`."""
        self.turns: dict[str, Turn] = {}
        self.approvals: dict[str, Approval] = {}
        self.tasks: dict[str, Task] = {}
        self.lost_task_ids: tuple[str, ...] = ()
        """The background tasks that have ended with the process in this step."""
        self.messages: list[SeenMessage] = []
        """What messages have told of their requests, and is not on the bill yet."""
        self.actions: list[Action] = []
        self.configures = False
        self.deletes = False
        self.oauth_token: Secret | None = None
        self.tells_profile = False

    @property
    def session(self) -> Session:
        """The session after the changes so far."""
        return self.live.session

    @property
    def charged(self) -> Usage:
        """What the session is charged with in this step."""
        if self.session.usage is self._before.usage:
            return _NOTHING
        more = Tally(self.session.usage)
        more.add(self._before.usage, -1)
        return more.total

    @property
    def changed(self) -> bool:
        """Whether there is anything to commit."""
        if self.events or self.turns or self.approvals or self.tasks or self.configures:
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
        session, events = decide(
            self.session,
            signal,
            at=self.at,
            reason=reason,
            error=error,
            actor=actor,
            lost_task_ids=self.lost_task_ids,
        )
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
            answer_by[approval.approval_id] = self.moment + self.timeouts.approval_timeout
        self.update_live(approvals=pending, answer_by=answer_by)

    def put_task(self, task: Task) -> None:
        """Store a background task; it stays among the open ones until it is final."""
        self.tasks[task.task_id] = task
        tasks = dict(self.live.tasks)
        if task.state.final:
            tasks.pop(task.task_id, None)
        else:
            tasks[task.task_id] = task
        self.update_live(tasks=tasks)
