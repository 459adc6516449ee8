"""Enforces a session's limits. Pure. Those that are deadlines are in `deadlines`, the budget is in `budget`."""

from __future__ import annotations

from greenroomd.domain.decision.step import Step
from greenroomd.domain.event_payloads import LimitReached
from greenroomd.domain.events import Event, EventType
from greenroomd.domain.frames.frame import Frame, StderrWritten
from greenroomd.domain.frames.tool_frames import ToolOutputWritten
from greenroomd.domain.lifecycle import turn_queue
from greenroomd.domain.turn import Problem


def tell(step: Step, limit: str, detail: str) -> None:
    """Emit an event: a limit took effect; `limit` is its field path in the config."""
    payload = LimitReached(limit=limit, detail=detail)
    step.emit(Event(type=EventType.SESSION_LIMIT_REACHED, time=step.at, payload=payload))


def count_output(step: Step, frame: Frame) -> None:
    """Count the output of the running turn, and interrupt it, once, if it exceeds the limit."""
    live = step.live
    if live.turn is None or isinstance(frame, StderrWritten | ToolOutputWritten):
        return
    step.update_live(output_bytes=live.output_bytes + len(frame.raw))
    most = step.session.config.limits.output_bytes
    if (
        most is None
        or step.live.output_bytes <= most
        or live.cause is not None
        or (live.result and not live.agents)
    ):
        return
    detail = f"the turn's output is longer than the {most} bytes that it may be"
    tell(step, "limits.output_bytes", detail)
    turn_queue.interrupt(
        step, Problem(reason="LIMIT_REACHED", message=detail, facts={"limit": "limits.output_bytes"})
    )
