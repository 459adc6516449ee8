"""Queues, begins and ends turns within a step: one at a time, in order, with exactly one event for each end. Pure."""

from __future__ import annotations

from dataclasses import replace

from greenroomd.domain.api_failure import NO_FAILURE
from greenroomd.domain.decision.actions import EndProcess, InterruptCli, LaunchProcess, SayPrompt
from greenroomd.domain.decision.live import Ending, Live, waiting
from greenroomd.domain.decision.step import Step
from greenroomd.domain.errors import IllegalTransition, TurnRunning
from greenroomd.domain.lifecycle import approval_flow, book, reconfiguration, required_servers
from greenroomd.domain.lifecycle.background_work import background_grace
from greenroomd.domain.lifecycle.messages import partial_messages
from greenroomd.domain.lifecycle.messages.frame_events import answered, prompted, turn_event, without_result
from greenroomd.domain.retryable_errors import QueueFull
from greenroomd.domain.states import TURN_ARRIVED, Signal, State, allowed
from greenroomd.domain.turn import (
    Problem,
    Turn,
    TurnCause,
    TurnKind,
    TurnState,
    aborted,
    begun,
    unprompted,
)

MAX_WAITING_TURNS = 16

_NO_TURNS = (State.ERROR, State.CLOSING, State.CLOSED)


def accept(step: Step, turn: Turn, *, queue: bool) -> None:
    """Accept a turn: begin it if the CLI is free, otherwise queue it; start a session that has no process.

    Raises IllegalTransition if the session's state takes no turns, TurnRunning if it has an open turn and `queue` is
    False, QueueFull beyond MAX_WAITING_TURNS.
    """
    session = step.session
    if session.state in _NO_TURNS:
        raise IllegalTransition(session.state.value, "turn", allowed(session.state))
    if step.live.turns and not queue:
        raise TurnRunning(step.live.turns[0].turn_id)
    if len(waiting(step.live.turns)) >= MAX_WAITING_TURNS:
        raise QueueFull(MAX_WAITING_TURNS)
    step.update_session(turn_count=turn.number, last_active_time=step.at)
    step.put_turn(turn)
    step.emit(turn_event(turn, at=step.at, actor=turn.actor))
    if session.state in (State.CREATED, State.SUSPENDED):
        wake(step, reason=TURN_ARRIVED)
    else:
        begin_next(step)


def wake(step: Step, *, reason: str, actor: str = "") -> None:
    """Start the session; if it waits for a slot already, it keeps waiting."""
    step.transition(Signal.START, reason=reason, actor=actor)
    if not step.live.launching:
        step.update_live(launching=True, launched_at=step.moment)
        step.schedule(LaunchProcess())


def begin_next(step: Step) -> None:
    """Send the oldest queued turn if the CLI is free."""
    live = step.live
    free = live.running and live.turn is None and live.ending is None
    free = free and not live.busy and not live.reconfiguring and live.wakes_by is None
    if not free or not live.turns or live.session.state not in (State.READY, State.IDLE, State.ACTIVE):
        return
    unavailable = required_servers.unavailable(step, live.turns[0])
    if unavailable is None:  # the answer of the process comes back here
        return
    if unavailable:
        _end_queued(step, live.turns[0], required_servers.problem_of(unavailable), TurnState.FAILED)
        begin_next(step)
        return
    turn = begun(live.turns[0], at=step.at)
    _begin(step, turn)
    step.emit(prompted(turn, at=step.at))
    step.schedule(SayPrompt(turn))


def begin_unprompted(step: Step, cause: TurnCause) -> None:
    """Begin a turn for work that the CLI has begun by itself."""
    number = step.session.turn_count + 1
    step.update_session(turn_count=number)
    _begin(step, unprompted(step.session.session_id, number, cause, at=step.at))
    if (ending := step.live.ending) is not None and step.live.finish_by is None:  # the process is being ended
        step.update_live(cause=told_to(ending))


def told_to(ending: Ending) -> Problem:
    """Return why a turn is cut that is in the way of an end of its process."""
    return Problem(reason="TURN_INTERRUPTED", message=f"the session was told to {ending.purpose}")


def _begin(step: Step, turn: Turn) -> None:
    if step.session.state in (State.READY, State.IDLE):
        step.transition(Signal.TURN_BEGAN)
    step.update_session(current_turn_id=turn.turn_id, last_active_time=step.at, lost_task_ids=())
    step.put_turn(turn)
    _forget_how_it_went(step)
    step.update_live(
        woken_by=None,
        wakes_by=None,
        stirring=False,
        turn_rounds=0,
        turn_models=(),
        turn_began=step.moment,
        heard_at=step.moment,
        output_bytes=0,
    )
    step.emit(turn_event(turn, at=step.at))


def end_answered(step: Step) -> None:
    """End the running turn with its result; the CLI is idle now. One that the CLI began may come to no result."""
    live, turn = step.live, step.live.turn
    if turn is None:
        return
    if live.result is None:
        if turn.kind is TurnKind.UNPROMPTED:
            _close(step, without_result(turn, cause=live.cause, at=step.at))
        return
    ended = answered(
        turn,
        live.result,
        rounds=live.turn_rounds,
        at=step.at,
        cause=live.cause,
        refusal=live.refusal,
        failure=live.api_failure,
        cut=live.cut,
    )
    _close(step, ended)


def abort(step: Step, error: Problem) -> None:
    """End the running turn without a result; it is unknown what its tools did."""
    if (turn := step.live.turn) is not None:
        cause = step.live.cause or error
        failed = (
            step.live.cause is not None and cause.reason != "TURN_INTERRUPTED"
        )  # as if the CLI had obeyed
        state = TurnState.FAILED if failed else TurnState.INTERRUPTED
        ended = aborted(turn, at=step.at, error=cause, state=state)
        _close(step, replace(ended, rounds=step.live.turn_rounds))


def cancel_queued(step: Step, error: Problem, state: TurnState = TurnState.FAILED) -> None:
    """End every queued turn."""
    for turn in waiting(step.live.turns):
        _end_queued(step, turn, error, state)


def _end_queued(step: Step, turn: Turn, error: Problem, state: TurnState) -> None:
    ended = aborted(turn, at=step.at, error=error, state=state)
    step.put_turn(ended)
    step.emit(turn_event(ended, at=step.at))


def interrupt(step: Step, cause: Problem) -> None:
    """Tell the CLI to stop the running turn, after cancelling its pending approvals."""
    approval_flow.cancel(step)
    step.update_live(
        cause=cause, cut=bool(step.live.agents), obey_by=step.moment + step.timeouts.interrupt_grace
    )
    step.schedule(InterruptCli())


def _close(step: Step, turn: Turn) -> None:
    approval_flow.cancel(step)
    partial_messages.retract_all(step)
    turn = replace(turn, models=step.live.turn_models, plan_limits=step.session.plan_limits)
    turn = book.close_turn(step, turn)
    step.put_turn(turn)
    step.update_session(current_turn_id="", last_active_time=step.at)
    _forget_how_it_went(step)
    background_grace.begin(step)
    step.emit(turn_event(turn, at=step.at))


def _forget_how_it_went(step: Step) -> None:
    """Forget what was noted about one turn alone: how it failed or was cut, and what it still waited for."""
    step.update_live(
        result=None,
        cause=None,
        refusal=None,
        api_failure=NO_FAILURE,
        retrying_since=None,
        cut=False,
        obey_by=None,
        open_tools=frozenset(),
    )


def rest(step: Step) -> None:
    """Continue after a turn: apply a newer config, begin the next turn, become idle, or end the process."""
    reconfiguration.follow(step)
    begin_next(step)
    if step.live.turn is None and step.session.state is State.ACTIVE:
        step.transition(Signal.TURN_ENDED)
    if step.live.ending is not None and step.live.turn is None and not waits_for_tasks(step.live):
        step.update_live(finish_by=None)
        if EndProcess() not in step.actions:
            step.schedule(EndProcess())


def waits_for_tasks(live: Live) -> bool:
    """Whether an end of the process that can wait is put off for work in the background."""
    return live.finish_by is not None and live.ending is not None and live.ending.waits and live.works_on
