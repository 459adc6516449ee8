"""How a session's process ends, and what the session does then. Pure: each function decides within a step."""

from __future__ import annotations

from dataclasses import replace

from greenroomd.domain.config import RecoveryMode
from greenroomd.domain.decision.actions import EndProcess, LaunchProcess
from greenroomd.domain.decision.live import Ending, Purpose
from greenroomd.domain.decision.step import Step
from greenroomd.domain.event_payloads import Payload, ProcessExited
from greenroomd.domain.events import Event, EventType
from greenroomd.domain.lifecycle import approval_flow, book, turn_queue
from greenroomd.domain.lifecycle.background_work import background_tasks
from greenroomd.domain.lifecycle.limits import budget, output_limit
from greenroomd.domain.lifecycle.messages import partial_messages
from greenroomd.domain.lifecycle.process import crash_recovery
from greenroomd.domain.session import LastExit
from greenroomd.domain.states import NODE_LOST, REQUESTED, TURN_ARRIVED, Signal, State
from greenroomd.domain.turn import Problem, TurnState

_TOO_MUCH_MEMORY = "its processes held more memory than they may"
_MEMORY = {"limit": "limits.memory_bytes"}


def end_for(step: Step, ending: Ending, *, gently: bool = True) -> None:
    """Begin to end the process, for a purpose."""
    step.update_live(ending=ending)
    step.schedule(EndProcess(gently))


def unreachable(step: Step, error: Problem) -> None:
    """Handle a process that accepts no input: end it at once, even if it is ending already."""
    if not step.live.running:
        return
    if step.live.ending is None:
        step.update_live(ending=Ending(purpose=Purpose.FAIL, error=error))
    step.schedule(EndProcess(gently=False))


def not_started(step: Step, error: Problem, *, memory_limit_hit: bool = False) -> None:
    """Handle a start that failed: no process became ready, and none is left."""
    if step.live.running:
        _record_exit(
            step,
            code=error.exit_code,
            signal=error.signal,
            stderr_tail=error.stderr_tail,
            memory_limit_hit=memory_limit_hit,
        )
    ending = step.live.ending
    background_tasks.lose(step)
    step.update_live(launching=False, running=False, ending=None, restarting="")
    if step.session.state is State.CLOSING:
        step.transition(Signal.ENDED, reason=ending.reason if ending else "")
    elif ending is not None and ending.purpose in (Purpose.SUSPEND, Purpose.DRAIN):
        if step.session.state is not State.CREATED:  # nothing to suspend
            _suspend(step, ending)
    else:
        _fail(step, ending.error if ending is not None and ending.error else error)


def exited(
    step: Step,
    *,
    code: int | None,
    signal: int | None,
    group_gone: bool,
    stderr_tail: str,
    memory_limit_hit: bool = False,
) -> None:
    """Handle the end of the process, which depends on whether we ended it, and why."""
    live, ending = step.live, step.live.ending
    pid = step.session.process.pid
    _record_exit(step, code=code, signal=signal, stderr_tail=stderr_tail, memory_limit_hit=memory_limit_hit)
    how = f"signal {signal}" if signal is not None else f"exit code {code}"
    gone = Problem(
        reason="PROCESS_EXITED",
        message=f"the process ended by itself ({how})",
        exit_code=code,
        signal=signal,
        stderr_tail=stderr_tail,
    )
    if memory_limit_hit:
        gone = replace(gone, reason="LIMIT_REACHED", message=_TOO_MUCH_MEMORY, facts=_MEMORY)
    if ending is not None and ending.error is not None:
        # it was ended because of this, or a failed write noticed the exit first: add what is known now
        error = replace(ending.error, exit_code=code, signal=signal, stderr_tail=stderr_tail)
        ending = replace(ending, error=error)
    if live.cause is not None:
        step.update_live(cause=replace(live.cause, exit_code=code, signal=signal, stderr_tail=stderr_tail))
    if live.result is not None and not live.agents:
        turn_queue.end_answered(step)
    turn_queue.abort(step, ending.error if ending and ending.error else gone)
    book.close_bill(step)
    approval_flow.cancel(step)
    background_tasks.lose(step)
    step.update_live(running=False, launching=False, busy=False, ending=None, obey_by=None, finish_by=None)
    if not group_gone:
        message = f"the end of process {pid} and all that it started cannot be proven"
        _fail(step, Problem(reason="PROCESS_NOT_ENDED", message=message, facts={"pid": str(pid)}))
        return
    budget.enforce(step)
    if step.session.state is State.CLOSED:
        return
    if ending is None:
        _fail(step, gone)
    else:
        _after(step, ending)


def owner_lost(step: Step) -> None:
    """Handle the death of the server that ran the session; its processes have been ended since.

    The session restarts at once if it has queued turns or its recovery policy says so.
    """
    _lose_process(step, Problem(reason=NODE_LOST, message="the server ended while the session was live"))
    if step.session.state is State.CLOSED:
        return
    if step.session.config.recovery.mode is RecoveryMode.ON_CRASH:
        turn_queue.wake(step, reason=crash_recovery.RECOVERING)
    else:
        _restart_for_waiting(step)


def owner_failed(step: Step) -> None:
    """Handle a failure of the session's owner; the process ended with it.

    The owner may well fail again, so only an order restarts the session, and its queued turns become FAILED.
    """
    error = Problem(reason=NODE_LOST, message="the server lost the session by a failure of its own")
    if step.session.live:
        _lose_process(step, error)
    elif step.session.state is State.CREATED:
        _fail(step, error)
    else:
        crash_recovery.give_up(step)
    turn_queue.cancel_queued(step, error, TurnState.FAILED)


def _lose_process(step: Step, error: Problem) -> None:
    """Record the loss of process, running turn and approvals; suspend the session, or close it if it was closing."""
    if step.session.process.pid:
        _record_exit(step, code=None, signal=None, stderr_tail="")
    turn_queue.abort(step, error)
    book.close_bill(step)
    approval_flow.cancel(step)
    background_tasks.lose(step)
    if step.session.state is State.CLOSING:
        turn_queue.cancel_queued(step, error, TurnState.INTERRUPTED)
        step.transition(Signal.ENDED, reason=NODE_LOST)
    else:
        step.transition(Signal.SUSPEND, reason=NODE_LOST)


def _record_exit(
    step: Step, *, code: int | None, signal: int | None, stderr_tail: str, memory_limit_hit: bool = False
) -> None:
    """Emit the end of the process, and of the memory limit that caused it if any, and record how it ended."""
    partial_messages.retract_all(step)
    facts = step.session.process
    payload = ProcessExited(
        node_id=facts.node_id,
        pid=facts.pid,
        code=code,
        signal=signal,
        expected=step.live.ending is not None,
        stderr_tail=stderr_tail,
        memory_limit_hit=memory_limit_hit,
    )
    _emit(step, EventType.PROCESS_EXITED, payload)
    if memory_limit_hit:
        output_limit.tell(step, "limits.memory_bytes", _TOO_MUCH_MEMORY)
    last = LastExit(code=code, signal=signal, time=step.at, memory_limit_hit=memory_limit_hit)
    step.update_session(process=replace(facts, pid=0, last_exit=last))


def _after(step: Step, ending: Ending) -> None:
    match ending.purpose:
        case Purpose.CLOSE:
            step.transition(Signal.ENDED, reason=ending.reason, actor=ending.actor)
        case Purpose.FAIL:
            _fail(step, ending.error or Problem(reason="INTERNAL", message="ended without a cause"))
        case Purpose.SUSPEND | Purpose.DRAIN:
            _suspend(step, ending)
        case Purpose.RESTART:
            if step.session.state is State.ACTIVE:
                step.transition(Signal.TURN_ENDED)
            facts = replace(step.session.process, restart_count=step.session.process.restart_count + 1)
            step.update_session(process=facts)
            step.transition(Signal.RESTART, reason=ending.reason, actor=ending.actor)
            step.update_live(launching=True, launched_at=step.moment, restarting=ending.reason or REQUESTED)
            step.schedule(LaunchProcess())


def _suspend(step: Step, ending: Ending) -> None:
    step.transition(Signal.SUSPEND, reason=ending.reason, actor=ending.actor)
    if ending.purpose is Purpose.SUSPEND:
        _restart_for_waiting(step)
    elif step.live.turns:  # so that the server's next run starts it as after a crash
        step.transition(Signal.START, reason=TURN_ARRIVED)


def _restart_for_waiting(step: Step) -> None:
    if step.live.turns:
        turn_queue.wake(step, reason=TURN_ARRIVED)


def _fail(step: Step, error: Problem) -> None:
    turn_queue.abort(step, error)
    if not crash_recovery.plan(step, error):
        turn_queue.cancel_queued(step, error, TurnState.FAILED)
    step.transition(Signal.FAIL, reason=error.reason, error=error)
    crash_recovery.announce(step)


def _emit(step: Step, kind: EventType, payload: Payload) -> None:
    step.emit(Event(type=kind, time=step.at, turn_id=step.session.current_turn_id, payload=payload))
