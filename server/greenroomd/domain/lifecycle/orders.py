"""What callers can order a session to do: one function per order, which decides within a step. Pure.

An order that the current state does not allow raises before it changes the step.
"""

from __future__ import annotations

from datetime import timedelta

from greenroomd.domain.decision.actions import AbandonLaunch, EndProcess, StopTask
from greenroomd.domain.decision.live import Ending, Purpose
from greenroomd.domain.decision.step import Step
from greenroomd.domain.errors import (
    IllegalTransition,
    NoTurnRunning,
    TaskNotFound,
    TaskNotStoppable,
    TurnNotFound,
    TurnRunning,
)
from greenroomd.domain.event_payloads import SessionNoted
from greenroomd.domain.events import Event, EventType
from greenroomd.domain.lifecycle import turn_queue
from greenroomd.domain.lifecycle.background_work import background_tasks
from greenroomd.domain.lifecycle.messages.frame_events import turn_event
from greenroomd.domain.session import Session
from greenroomd.domain.states import (
    DRAINING,
    REQUESTED,
    TRANSITIONS,
    WAITING_FOR_PROCESS,
    Signal,
    State,
    allowed,
)
from greenroomd.domain.task import Task, TaskKind
from greenroomd.domain.turn import Problem, Turn, TurnState, aborted


def start(step: Step, *, actor: str = "") -> None:
    """Start a session that never ran or has failed; raises IllegalTransition for any other."""
    _require(step, Signal.START, State.CREATED, State.ERROR)
    turn_queue.wake(step, reason=WAITING_FOR_PROCESS, actor=actor)


def resume(step: Step, *, actor: str = "") -> None:
    """Give a suspended session a process again; raises IllegalTransition for any other."""
    _require(step, Signal.START, State.SUSPENDED)
    turn_queue.wake(step, reason=WAITING_FOR_PROCESS, actor=actor)


def suspend(step: Step, *, reason: str = REQUESTED, force: bool = False, actor: str = "") -> None:
    """End the process and keep the conversation; has no effect on a suspended session.

    Raises TurnRunning if a turn is open and `force` is False, IllegalTransition if there is nothing to suspend.
    """
    if step.session.state is State.SUSPENDED:
        return
    _stop(step, Signal.SUSPEND, Ending(purpose=Purpose.SUSPEND, reason=reason, actor=actor), force)


def drain(step: Step, *, grace: timedelta = timedelta()) -> None:
    """Suspend the session because the server stops; one that waits for its first process stays in CREATED.

    A running turn may finish within `grace`; then it is interrupted. Queued turns are kept for the server's next run.
    Raises IllegalTransition if there is nothing to end.
    """
    ending = Ending(purpose=Purpose.DRAIN, reason=DRAINING)
    if step.session.state is State.CREATED:
        if step.live.launching:
            _end(step, ending)
    elif step.session.state is not State.SUSPENDED:
        _require_stoppable(step, Signal.SUSPEND)
        if not _fails(step):
            _finish(step, ending, grace)


def restart(step: Step, *, reason: str = REQUESTED, force: bool = False, actor: str = "") -> None:
    """End the process and start another one, which takes over the queued turns; raises as `suspend` does."""
    _stop(step, Signal.RESTART, Ending(purpose=Purpose.RESTART, reason=reason, actor=actor), force)


def close(
    step: Step,
    *,
    reason: str = REQUESTED,
    grace: timedelta = timedelta(),
    force: bool = False,
    actor: str = "",
) -> None:
    """End the session for good; has no effect on a closing or closed one.

    Queued turns are dropped. A running turn may finish within `grace`; then, or at once with `force`, it is
    interrupted.
    """
    if step.session.state in (State.CLOSING, State.CLOSED):
        return
    ending = Ending(purpose=Purpose.CLOSE, reason=reason, actor=actor)
    step.transition(Signal.CLOSE, reason=reason, actor=actor)
    dropped = Problem(reason="TURN_INTERRUPTED", message="the session was closed")
    turn_queue.cancel_queued(step, dropped, TurnState.INTERRUPTED)
    if not step.live.hosted:
        background_tasks.lose(step)
        step.transition(Signal.ENDED, reason=reason, actor=actor)
    else:
        _finish(step, ending, timedelta() if force else grace)


def interrupt(step: Step, turn_id: str, *, actor: str = "", reason: str = "") -> Turn:
    """Stop the running turn, or take a queued one off the queue; raises NoTurnRunning, TurnNotFound."""
    turn = step.live.turn if not turn_id else next((t for t in step.live.turns if t.turn_id == turn_id), None)
    if turn is None:
        raise NoTurnRunning("no such turn runs or waits") if not turn_id else TurnNotFound(turn_id)
    by = f" by {actor}" if actor else ""
    cause = Problem(reason="TURN_INTERRUPTED", message=reason or f"the turn was interrupted{by}")
    if turn.state is TurnState.QUEUED:
        turn = aborted(turn, at=step.at, error=cause)
        step.put_turn(turn)
        step.emit(turn_event(turn, at=step.at, actor=actor))
    elif step.live.cause is None:
        turn_queue.interrupt(step, cause)
    return turn


def stop_task(step: Step, task_id: str) -> Task:
    """Stop a background task; it ends when the CLI says so.

    Raises TaskNotFound if it is not open, TaskNotStoppable for a timer.
    """
    task = step.live.tasks.get(task_id)
    if task is None:
        raise TaskNotFound(task_id)
    if task.kind is TaskKind.TIMER:
        raise TaskNotStoppable(task_id)
    step.put_task(task)
    step.schedule(StopTask(task_id))
    return task


def delete(step: Step, *, actor: str = "") -> None:
    """Delete a closed session and everything that belongs to it; raises IllegalTransition for any other."""
    require_closed(step.session)
    step.deletes = True
    noted = SessionNoted(session=step.session)
    step.emit(Event(type=EventType.SESSION_DELETED, time=step.at, actor=actor, payload=noted))


def require_closed(session: Session) -> None:
    """Raise IllegalTransition if the session is not CLOSED, and so cannot be deleted."""
    if session.state is not State.CLOSED:
        raise IllegalTransition(session.state.value, "delete", allowed(session.state))


def _stop(step: Step, signal: Signal, ending: Ending, force: bool) -> None:
    _require_stoppable(step, signal)
    if step.live.turns and not force:
        raise TurnRunning(step.live.turns[0].turn_id)
    if _fails(step):
        return
    if ending.purpose is not Purpose.RESTART:
        dropped = Problem(reason="TURN_INTERRUPTED", message="the session was stopped")
        turn_queue.cancel_queued(step, dropped, TurnState.INTERRUPTED)
    _finish(step, ending, timedelta())


def _finish(step: Step, ending: Ending, grace: timedelta) -> None:
    """End the process after its running turn, which is interrupted if it takes longer than `grace`."""
    if step.live.turn is None and not (grace and ending.waits and step.live.works_on):
        _end(step, ending)
    elif not grace:
        _interrupt_for(step, ending)
    else:
        step.update_live(ending=ending, finish_by=step.moment + grace)


def _interrupt_for(step: Step, ending: Ending) -> None:
    """Interrupt the turn; the process ends after the turn, or when the interrupt is not obeyed in time."""
    step.update_live(ending=ending)
    if step.live.cause is None:
        turn_queue.interrupt(step, turn_queue.told_to(ending))


def _end(step: Step, ending: Ending) -> None:
    under_way = step.live.ending is not None
    step.update_live(ending=ending)
    if not under_way:
        step.schedule(AbandonLaunch() if step.live.launching else EndProcess())


def _fails(step: Step) -> bool:
    """Whether the process is ending because of an error, which must not be overwritten."""
    return step.live.ending is not None and step.live.ending.purpose is Purpose.FAIL


def _require_stoppable(step: Step, signal: Signal) -> None:
    states = {state for state, signals in TRANSITIONS.items() if signal in signals}
    _require(step, signal, *states, State.ACTIVE)  # ACTIVE is left first, when its turn ends


def _require(step: Step, signal: Signal, *states: State) -> None:
    state = step.session.state
    if state not in states:
        raise IllegalTransition(state.value, signal.value, allowed(state))
