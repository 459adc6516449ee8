"""Enforces a session's budget over all its processes. Pure.

The CLI knows only the budget of one process, and checks it after spending. So each process starts with the rest of the
session's budget, and the session is closed once nothing is left. What a process has spent counts at once, and also if
it dies before it has told the cost.
"""

from __future__ import annotations

from greenroomd.domain.decision.step import Step
from greenroomd.domain.event_payloads import LimitReached
from greenroomd.domain.events import Event, EventType
from greenroomd.domain.frames.message_frames import AssistantSpoke
from greenroomd.domain.lifecycle import book, orders, turn_queue
from greenroomd.domain.session import Session
from greenroomd.domain.states import State
from greenroomd.domain.turn import Problem

BUDGET_EXHAUSTED = "BUDGET_EXHAUSTED"

_ROUNDING_USD = 1e-6  # tolerance in US dollars, since costs are sums of floats


def spent(session: Session) -> bool:
    """Whether the session's budget is used up."""
    budget = session.config.max_budget_usd
    return budget is not None and session.spent_usd >= budget - _ROUNDING_USD


def enforce(step: Step) -> None:
    """Close the session if its budget is spent, and emit the reason; queued turns are dropped."""
    session = step.session
    if not spent(session) or session.state in (State.CLOSING, State.CLOSED):
        return
    payload = LimitReached(limit="max_budget_usd", detail=_detail(session))
    step.emit(Event(type=EventType.SESSION_LIMIT_REACHED, time=step.at, payload=payload))
    orders.close(step, reason=BUDGET_EXHAUSTED, force=True)


def stop_turn(step: Step, frame: AssistantSpoke) -> None:
    """Interrupt the running turn when its budget is spent and the model wants to go on: the CLI lets agents do so."""
    if step.session.config.max_budget_usd is None:
        return
    book.write_up(step)
    live = step.live
    goes_on = any(block.get("type") == "tool_use" for block in frame.blocks)
    if goes_on and live.turn is not None and live.cause is None and spent(live.session):
        turn_queue.interrupt(step, Problem(reason=BUDGET_EXHAUSTED, message=_detail(live.session)))


def _detail(session: Session) -> str:
    return f"the session has cost {session.spent_usd:.6f} of {session.config.max_budget_usd} US dollars"
