"""A session's owner without its task: keeps time, decides step by step, and remembers what was told and done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from greenroomd.domain.approval import Approval, ApprovalState
from greenroomd.domain.clocks import Moment, Now
from greenroomd.domain.config import PermissionMode, SessionConfig
from greenroomd.domain.decision.actions import Action
from greenroomd.domain.decision.live import Live, TurnTimeouts, taken_over
from greenroomd.domain.decision.step import Step
from greenroomd.domain.events import Event, EventType
from greenroomd.domain.frames.frame import Frame
from greenroomd.domain.frames.turn_frames import Activity
from greenroomd.domain.in_force import mode_of
from greenroomd.domain.lifecycle import deadlines, orders, turn_queue
from greenroomd.domain.lifecycle.process import process_end, process_output, process_start
from greenroomd.domain.session import Session
from greenroomd.domain.states import State
from greenroomd.domain.task import Task
from greenroomd.domain.turn import Turn, TurnKind, TurnState
from greenroomd.store.schema.documents import config_text
from greenroomd.store.schema.rows import approval_of, approval_row, turn_of, turn_row
from greenroomd.store.schema.session_rows import session_of, session_row
from greenroomd.store.schema.task_rows import task_of, task_row
from unit.live import says

T = TypeVar("T")

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SESSION_ID = "5c6f0f4e-7a52-4d9e-9d0b-0c8a3f1e2d4b"

TIMEOUTS = TurnTimeouts(
    turn_timeout=timedelta(minutes=30),
    stall_timeout=timedelta(minutes=6),
    mcp_connect_timeout=timedelta(seconds=30),
    interrupt_grace=timedelta(seconds=5),
    approval_timeout=timedelta(minutes=10),
    ready_grace=timedelta(minutes=1),
    idle_timeout=timedelta(minutes=10),
    api_retry_timeout=timedelta(minutes=2),
    api_max_retries=4,
    background_grace=timedelta(minutes=20),
    max_background_grace=timedelta(hours=2),
)


def a_session(**facts: Any) -> Session:
    """Return a new session; `config` may be given as its options."""
    config = {"working_dir": "/srv/project", **facts.pop("config", {})}
    return Session(
        session_id=SESSION_ID,
        workspace_id="default",
        config=SessionConfig(**config),
        state_time=NOON,
        cli_session_id=SESSION_ID,
        create_time=NOON,
        update_time=NOON,
        last_active_time=NOON,
        **facts,
    )


MAY_BE_STORED_LATER = ("last_active_time", "update_time")
"""Written out here: taken from the server, whatever the server forgets to store would be allowed to be lost."""


def as_stored(stored: Session, decided: Session) -> Session:
    """Return a session as stored, but for what may be stored later, with the next change."""
    later = {name: getattr(decided, name) for name in MAY_BE_STORED_LATER}
    return replace(stored, **later)


class Rows:
    """What is stored of one session, as rows: nothing is read back that was not written."""

    def __init__(self, session: Session) -> None:
        self._configs: dict[int, str] = {}
        self._generation = session.config_generation
        self._session: Sequence[Any] = ()
        self._turns: dict[str, Sequence[Any]] = {}
        self._approvals: dict[str, Sequence[Any]] = {}
        self._tasks: dict[str, Sequence[Any]] = {}
        self.put(session, configures=True)

    def put(self, session: Session, *, configures: bool) -> None:
        if configures:
            self._configs[session.config_generation] = config_text(session.config)
        self._generation = session.config_generation
        self._session = session_row(session)

    def commit(self, step: Step) -> None:
        """Store what a step says that there is to store."""
        if not step.changed:
            return
        self.put(step.session, configures=step.configures)
        self._turns |= {key: turn_row(1, turn) for key, turn in step.turns.items()}
        self._approvals |= {key: approval_row(1, each) for key, each in step.approvals.items()}
        self._tasks |= {key: task_row(1, each) for key, each in step.tasks.items()}

    @property
    def session(self) -> Session:
        return session_of((1, *self._session, self._configs[self._generation]))

    @property
    def open_turns(self) -> tuple[Turn, ...]:
        turns = map(turn_of, self._turns.values())
        return tuple(sorted((t for t in turns if not t.state.final), key=lambda turn: turn.number))

    @property
    def pending(self) -> dict[str, Approval]:
        approvals = map(approval_of, self._approvals.values())
        return {each.approval_id: each for each in approvals if each.state is ApprovalState.PENDING}

    @property
    def open_tasks(self) -> tuple[Task, ...]:
        tasks = map(task_of, self._tasks.values())
        return tuple(task for task in tasks if not task.state.final)


class Owner:
    """Carries out decisions at once, as if every commit succeeded; what it decides without storing it is lost."""

    def __init__(self, *, timeouts: TurnTimeouts = TIMEOUTS, **facts: Any) -> None:
        self.live = Live(session=a_session(**facts))
        self.rows = Rows(self.live.session)
        self.decided = self.live
        """What the last decision was, stored or not."""
        self.timeouts = timeouts
        self.at = NOON
        self.moment = Moment(1000.0)
        self.events: list[Event] = []
        self.ephemeral: list[Event] = []
        self.actions: list[Action] = []
        self.turns: dict[str, Turn] = {}
        """Every turn as last stored."""
        self.approvals: dict[str, Approval] = {}
        self.tasks: dict[str, Task] = {}
        """Every question as last stored."""

    @property
    def now(self) -> Now:
        return Now(self.at, self.moment)

    @property
    def due(self) -> timedelta | None:
        """How long it is until time changes something."""
        return deadlines.next_due(self.live, self.timeouts, self.now)

    @property
    def overdue(self) -> bool:
        """Whether time should have changed something by now."""
        return (due := self.due) is not None and due <= timedelta()

    def pass_time(self, span: timedelta) -> None:
        """Let both clocks go on, and nothing happen."""
        self.at += span
        self.moment += span

    @property
    def session(self) -> Session:
        return self.live.session

    @property
    def state(self) -> State:
        return self.live.session.state

    def decide(self, decision: Callable[[Step], T]) -> T:
        """Have something decided now; whatever it raises leaves everything as it was."""
        step = Step(self.live, self.now, self.timeouts)
        result = decision(step)
        self.rows.commit(step)
        self.decided = step.live
        self.live = replace(
            step.live,
            session=as_stored(self.rows.session, step.session),
            turns=self.rows.open_turns,
            approvals=self.rows.pending,
            tasks={task.task_id: task for task in self.rows.open_tasks},
        )
        self.events += step.events
        self.ephemeral += [placed.event for placed in step.ephemeral]
        self.actions += step.actions
        self.turns |= step.turns
        self.approvals |= step.approvals
        self.tasks |= step.tasks
        return result

    def told(self) -> list[EventType]:
        """Return the types of the events since the last call."""
        kinds = [event.type for event in self.events]
        self.events.clear()
        return kinds

    def done(self) -> list[Action]:
        """Return the actions since the last call."""
        actions = list(self.actions)
        self.actions.clear()
        return actions

    def forget(self) -> Owner:
        """Look only at what comes from here on."""
        self.told()
        self.done()
        self.ephemeral.clear()
        return self

    def lose_memory(self) -> Owner:
        """Let another owner take over, which knows only what was stored."""
        rows = self.rows
        self.live = taken_over(
            rows.session, self.now, turns=rows.open_turns, approvals=rows.pending, tasks=rows.open_tasks
        )
        return self

    def wait(self, span: timedelta) -> None:
        """Let time pass, and everything happen at the moment when it is due."""
        while (due := self.due) is not None and due <= span:
            due = max(due, timedelta())
            self.pass_time(due)
            span -= due
            self.decide(deadlines.tick)
        self.pass_time(span)

    # What happens to it.

    def launched(self, **facts: Any) -> Owner:
        """Order a start (if none is under way) and let it come to a process that is ready."""
        if not self.live.launching:
            self.decide(orders.resume if self.state is State.SUSPENDED else orders.start)
        self.slot_granted()
        self.spawned(**facts)
        return self.ready()

    def slot_granted(self) -> None:
        self.decide(process_start.slot_granted)

    def spawned(self, *, pid: int = 4711) -> None:
        facts = replace(self.session.process, pid=pid, node_id="node", start_time=self.at)
        session = self.session
        self.decide(
            lambda step: process_start.spawned(
                step, facts, session.effective_config, session.config_generation
            )
        )

    def ready(self) -> Owner:
        startup = timedelta(milliseconds=200)
        config = self.live.running_config or self.session.config
        self.decide(
            lambda step: process_start.ready(
                step,
                cli_version="2.1.330",
                startup=startup,
                model=config.model or "opus",
                mode=mode_of(config),
            )
        )
        return self

    def says(self, *frames: Frame) -> None:
        self.decide(lambda step: process_output.said(step, frames))

    @property
    def unprompted(self) -> list[Turn]:
        """The turns that the CLI began, in their order."""
        return [turn for turn in self.turns.values() if turn.kind is TurnKind.UNPROMPTED]

    def a_turn(self, text: str = "go", *, timeout: timedelta | None = None) -> Turn:
        """Return the next turn, not yet given to anybody."""
        number = self.session.turn_count + 1
        return Turn(
            turn_id=self.turn_id(number),
            session_id=SESSION_ID,
            number=number,
            state=TurnState.QUEUED,
            prompt=text,
            timeout=timeout,
            actor="ann",
            create_time=self.at,
        )

    @staticmethod
    def turn_id(number: int) -> str:
        """Return the id of a turn by its number."""
        return f"00000000-0000-4000-8000-{number:012}"

    def prompt(self, text: str = "go", *, queue: bool = False, timeout: timedelta | None = None) -> Turn:
        """Order a turn and return it as accepted."""
        turn = self.a_turn(text, timeout=timeout)
        self.decide(lambda step: turn_queue.accept(step, turn, queue=queue))
        return self.turns[turn.turn_id]

    def answers(self, turn: Turn, **result: Any) -> Turn:
        """Have the CLI answer a turn and be idle, and return the turn as it is then."""
        in_force = self.session.in_force
        mode = in_force.permission_mode or PermissionMode.DEFAULT
        self.says(
            says.activity(Activity.RUNNING),
            says.init(in_force.model, mode.value),
            says.text("well"),
            says.result(turn.turn_id, **result),
            says.activity(Activity.IDLE),
        )
        return self.turns[turn.turn_id]

    def exits(
        self,
        *,
        code: int | None = 0,
        signal: int | None = None,
        group_gone: bool = True,
        stderr_tail: str = "",
    ) -> None:
        if signal is not None:
            code = None
        self.decide(
            lambda step: process_end.exited(
                step, code=code, signal=signal, group_gone=group_gone, stderr_tail=stderr_tail
            )
        )


def an_owner(**facts: Any) -> Owner:
    """Return the owner of a session that has a process ready."""
    return Owner(**facts).launched().forget()


def payloads(events: Sequence[Event], kind: type[T]) -> list[T]:
    """Return the payloads of a kind, in order."""
    return [event.payload for event in events if isinstance(event.payload, kind)]
