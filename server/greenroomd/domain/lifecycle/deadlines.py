"""Everything that time does to a live session: one table of deadlines and their consequences. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from greenroomd.domain.clocks import Moment, Now
from greenroomd.domain.config import OnIdle
from greenroomd.domain.decision.actions import EndProcess
from greenroomd.domain.decision.live import Ending, Live, Purpose, TurnTimeouts
from greenroomd.domain.decision.step import Step
from greenroomd.domain.event_payloads import Expiring, LimitReached
from greenroomd.domain.events import Event, EventType
from greenroomd.domain.lifecycle import approval_flow, expiry, orders, turn_queue
from greenroomd.domain.lifecycle.background_work import background_grace
from greenroomd.domain.lifecycle.limits import api_retries
from greenroomd.domain.lifecycle.process import crash_recovery, mcp_tracking, waking
from greenroomd.domain.lifecycle.process.process_end import end_for
from greenroomd.domain.lifecycle.required_servers import look
from greenroomd.domain.states import IDLE_TIMEOUT, Signal, State
from greenroomd.domain.turn import Problem

MAX_DURATION = "MAX_DURATION"


LOOK_AGAIN = timedelta(minutes=1)
"""The longest wait for a time of the wall clock, which can be set, and runs on while the machine is suspended."""

_OVERDUE = timedelta()


@dataclass(frozen=True, slots=True)
class Deadline:
    """`when` returns the time at which `then` is due, None while it does not apply.

    A wait inside this process ends at a Moment; a promised calendar time is a datetime.
    """

    when: Callable[[Live, TurnTimeouts], Moment | datetime | None]
    then: Callable[[Step], None]


def next_due(live: Live, timeouts: TurnTimeouts, now: Now) -> timedelta | None:
    """Return the time until the next `tick` is due, negative if it is overdue; None if there is no deadline."""
    dues = (deadline.when(live, timeouts) for deadline in DEADLINES)
    return min((_wait(due, now) for due in dues if due is not None), default=None)


def _wait(due: Moment | datetime, now: Now) -> timedelta:
    wait = now.until(due)
    return wait if isinstance(due, Moment) else min(wait, LOOK_AGAIN)


def tick(step: Step) -> None:
    """Carry out every deadline that is due now."""
    for deadline in DEADLINES:
        due = deadline.when(step.live, step.timeouts)
        if due is not None and step.now.until(due) <= _OVERDUE:
            deadline.then(step)


def _question(live: Live, timeouts: TurnTimeouts) -> Moment | None:
    return min(live.answer_by.values(), default=None)


def _obedience(live: Live, timeouts: TurnTimeouts) -> Moment | None:
    return live.obey_by


def _disobeyed(step: Step) -> None:
    step.update_live(obey_by=None)
    if step.live.ending is not None:
        step.schedule(EndProcess(gently=False))
        return
    error = Problem(reason="PROCESS_EXITED", message="the process did not obey an interrupt and was ended")
    end_for(step, Ending(purpose=Purpose.FAIL, error=error), gently=False)


def _finish(live: Live, timeouts: TurnTimeouts) -> Moment | None:
    return live.finish_by if live.cause is None else None


def _unfinished(step: Step) -> None:
    step.update_live(finish_by=None)
    if step.live.turn is None:  # it waited for work in the background
        step.schedule(EndProcess())
        return
    draining = step.live.ending is not None and step.live.ending.purpose is Purpose.DRAIN
    message = "the server is shutting down" if draining else "the session is being closed"
    turn_queue.interrupt(step, Problem(reason="TURN_INTERRUPTED", message=message))


def _turn(live: Live, timeouts: TurnTimeouts) -> Moment | None:
    turn = live.turn
    if turn is None or live.turn_began is None or live.cause is not None:
        return None
    limit = turn.timeout or live.session.config.limits.turn_timeout or timeouts.turn_timeout
    return live.turn_began + limit


def _turn_overdue(step: Step) -> None:
    turn_queue.interrupt(
        step, Problem(reason="TURN_TIMEOUT", message="the turn took longer than its timeout")
    )


def _stall(live: Live, timeouts: TurnTimeouts) -> Moment | None:
    """Return when silence counts as a hang; None while a tool runs or an approval is pending."""
    unheard = live.turn is None or live.heard_at is None or live.cause is not None
    if unheard or live.open_tools or live.approvals or live.heard_at is None:
        return None
    return live.heard_at + timeouts.stall_timeout


def _stalled(step: Step) -> None:
    silence = step.timeouts.stall_timeout.total_seconds()
    turn_queue.interrupt(
        step, Problem(reason="PROCESS_SILENT", message=f"the process was silent for {silence:g} s")
    )


def _background_over(step: Step) -> None:
    step.update_live(grace_over=True)
    turn_queue.rest(step)


def _grace(live: Live, timeouts: TurnTimeouts) -> Moment | None:
    if live.session.state is not State.READY or live.ending is not None or live.state_since is None:
        return None
    return live.state_since + timeouts.ready_grace


def _grace_passed(step: Step) -> None:
    step.transition(Signal.GRACE_PASSED)


def _idle(live: Live, timeouts: TurnTimeouts) -> Moment | None:
    config = live.session.config
    if not live.evictable or config.on_idle is OnIdle.KEEP or live.heard_at is None:
        return None
    return live.heard_at + (config.limits.idle_timeout or timeouts.idle_timeout)


def _unused(step: Step) -> None:
    if step.session.config.on_idle is OnIdle.CLOSE:
        orders.close(step, reason=IDLE_TIMEOUT)
    else:
        orders.suspend(step, reason=IDLE_TIMEOUT)


def _lifetime(live: Live, timeouts: TurnTimeouts) -> datetime | None:
    return expiry.end_time(live.session)


def _expired(step: Step) -> None:
    payload = LimitReached(limit="limits.max_duration", detail="the session has lived as long as it may")
    step.emit(Event(type=EventType.SESSION_LIMIT_REACHED, time=step.at, payload=payload))
    orders.close(step, reason=MAX_DURATION, force=True)


def _notice(live: Live, timeouts: TurnTimeouts) -> datetime | None:
    return expiry.notice_time(live.session)


def _expiring(step: Step) -> None:
    end = step.session.expire_time
    assert end is not None
    step.update_session(expiry_told=end)
    step.emit(Event(type=EventType.SESSION_EXPIRING, time=step.at, payload=Expiring(at=end)))


def _mcp(live: Live, timeouts: TurnTimeouts) -> Moment | None:
    return mcp_tracking.look_due(live)


def _recovery(live: Live, timeouts: TurnTimeouts) -> Moment | None:
    return live.restart_at if live.recovering else None


DEADLINES = (
    Deadline(_question, approval_flow.expire),
    Deadline(_obedience, _disobeyed),
    Deadline(_finish, _unfinished),
    Deadline(_turn, _turn_overdue),
    Deadline(api_retries.deadline, api_retries.overdue),
    Deadline(_stall, _stalled),
    Deadline(_lifetime, _expired),
    Deadline(_recovery, crash_recovery.attempt),  # after _lifetime: a closed session does not restart
    Deadline(_notice, _expiring),  # after _lifetime: an end that has come is not announced
    Deadline(_grace, _grace_passed),
    Deadline(background_grace.due, _background_over),
    Deadline(waking.due, waking.passed),
    Deadline(_idle, _unused),
    Deadline(_mcp, look),
)
