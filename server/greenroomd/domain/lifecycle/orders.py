"""What a session does when it is told to: one function for each order, deciding within a step. Pure.

An order that the present state does not allow raises and leaves the step unused.
"""

from __future__ import annotations

from datetime import timedelta

from greenroomd.domain.errors import IllegalTransition, NoTurnRunning, TurnNotFound, TurnRunning
from greenroomd.domain.events import Event, EventType, SessionNoted
from greenroomd.domain.lifecycle import turn_queue
from greenroomd.domain.lifecycle.frame_events import turn_event
from greenroomd.domain.lifecycle.live import AbandonLaunch, Ending, EndProcess, Purpose, Step
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
from greenroomd.domain.turn import Problem, Turn, TurnState, aborted


def start(step: Step, *, actor: str = "") -> None:
    """Start a session that never ran or has failed; raises IllegalTransition elsewhere."""
    _require(step, Signal.START, State.CREATED, State.ERROR)
    turn_queue.wake(step, reason=WAITING_FOR_PROCESS, actor=actor)


def resume(step: Step, *, actor: str = "") -> None:
    """Give a suspended session a process again; raises IllegalTransition elsewhere."""
    _require(step, Signal.START, State.SUSPENDED)
    turn_queue.wake(step, reason=WAITING_FOR_PROCESS, actor=actor)


def suspend(step: Step, *, reason: str = REQUESTED, force: bool = False, actor: str = "") -> None:
    """End the process and keep the conversation; on a suspended session without effect.

    Raises TurnRunning if a turn is open and `force` is not given, IllegalTransition where there is nothing to suspend.
    """
    if step.session.state is State.SUSPENDED:
        return
    _stop(step, Signal.SUSPEND, Ending(purpose=Purpose.SUSPEND, reason=reason, actor=actor), force)


def drain(step: Step, *, grace: timedelta = timedelta()) -> None:
    """Let the session's process end with its server; one that only waits for its first process stays in CREATED.

    A running turn may finish within `grace`, then it is interrupted. Turns that wait are kept for the next run.
    Raises IllegalTransition where there is nothing to end.
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
    """End the process and start another, which takes the turns that wait; raises as `suspend` does."""
    _stop(step, Signal.RESTART, Ending(purpose=Purpose.RESTART, reason=reason, actor=actor), force)


def close(
    step: Step,
    *,
    reason: str = REQUESTED,
    grace: timedelta = timedelta(),
    force: bool = False,
    actor: str = "",
) -> None:
    """End the session for good; on a closing or closed one without effect.

    Turns that wait are dropped. A running one may finish within `grace`, then it is interrupted; with `force` at once.
    """
    if step.session.state in (State.CLOSING, State.CLOSED):
        return
    ending = Ending(purpose=Purpose.CLOSE, reason=reason, actor=actor)
    step.transition(Signal.CLOSE, reason=reason, actor=actor)
    dropped = Problem(reason="TURN_INTERRUPTED", message="the session was closed")
    turn_queue.cancel_queued(step, dropped, TurnState.INTERRUPTED)
    if not step.live.hosted:
        step.transition(Signal.ENDED, reason=reason, actor=actor)
    else:
        _finish(step, ending, timedelta() if force else grace)


def interrupt(step: Step, turn_id: str, *, actor: str = "", reason: str = "") -> Turn:
    """Stop the running turn, or take a waiting one off the queue; raises NoTurnRunning, TurnNotFound."""
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


def delete(step: Step, *, actor: str = "") -> None:
    """Remove a closed session with everything of it; raises IllegalTransition for any other."""
    require_closed(step.session)
    step.deletes = True
    noted = SessionNoted(session=step.session)
    step.emit(Event(type=EventType.SESSION_DELETED, time=step.at, actor=actor, payload=noted))


def require_closed(session: Session) -> None:
    """Raise IllegalTransition for a session that is not CLOSED, and so cannot be deleted."""
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
    """End the process once its turn is over, which is interrupted if it is not within `grace`."""
    if step.live.turn is None:
        _end(step, ending)
    elif not grace:
        _interrupt_for(step, ending)
    else:
        step.update_live(ending=ending, finish_by=step.moment + grace)


def _interrupt_for(step: Step, ending: Ending) -> None:
    """Interrupt the turn; the process is ended when the turn is over, or no longer obeys."""
    step.update_live(ending=ending)
    if step.live.cause is None:
        turn_queue.interrupt(
            step, Problem(reason="TURN_INTERRUPTED", message=f"the session was told to {ending.purpose}")
        )


def _end(step: Step, ending: Ending) -> None:
    under_way = step.live.ending is not None
    step.update_live(ending=ending)
    if not under_way:
        step.schedule(AbandonLaunch() if step.live.launching else EndProcess())


def _fails(step: Step) -> bool:
    """Whether the process ends already and its error must not be lost."""
    return step.live.ending is not None and step.live.ending.purpose is Purpose.FAIL


def _require_stoppable(step: Step, signal: Signal) -> None:
    states = {state for state, signals in TRANSITIONS.items() if signal in signals}
    _require(step, signal, *states, State.ACTIVE)  # which is left first, by the end of its turn


def _require(step: Step, signal: Signal, *states: State) -> None:
    state = step.session.state
    if state not in states:
        raise IllegalTransition(state.value, signal.value, allowed(state))
