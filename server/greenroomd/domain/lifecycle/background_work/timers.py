"""Sets, fires and clears timers, the background tasks that give the CLI a prompt at set times. Pure.

A timer belongs to the conversation: the CLI has it again when the conversation is resumed in another process. In
between it cannot fire, and is PAUSED.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

from greenroomd.domain.decision.step import Step
from greenroomd.domain.events import EventType
from greenroomd.domain.frames.background_frames import TimerCleared, TimerSet
from greenroomd.domain.lifecycle.background_work import background_tasks
from greenroomd.domain.task import Task, TaskKind, TaskState

_EARLY: Final = timedelta(seconds=5)
"""How much earlier than announced a timer may fire; more than any difference of clocks on one machine."""


def follow(step: Step, frame: TimerSet | TimerCleared) -> None:
    """Handle what the CLI says about a timer."""
    if isinstance(frame, TimerCleared):
        background_tasks.end(step, frame.task_id, TaskState.STOPPED)
        return
    known = step.live.tasks.get(frame.task_id)
    if known is not None:
        if known.next_time != frame.next_time:
            background_tasks.put(step, replace(known, next_time=frame.next_time), EventType.TASK_UPDATED)
        return
    task = Task(
        task_id=frame.task_id,
        session_id=step.session.session_id,
        turn_id=step.session.current_turn_id,
        kind=TaskKind.TIMER,
        state=TaskState.SCHEDULED,
        description=frame.prompt,
        schedule=frame.schedule,
        recurring=frame.recurring,
        next_time=frame.next_time,
        tool_use_id=frame.tool_use_id,
        create_time=step.at,
    )
    background_tasks.put(step, task, EventType.TASK_STARTED)


def firing(step: Step) -> Task | None:
    """Return the timer that has just fired; None if that cannot be told."""
    timers = [task for task in step.live.tasks.values() if task.kind is TaskKind.TIMER]
    due = [task for task in timers if task.next_time is not None and task.next_time <= step.at + _EARLY]
    if due:
        return min(due, key=lambda task: task.next_time or step.at)
    again = [task for task in timers if task.next_time is None]
    return again[0] if len(again) == 1 else None


def fired(step: Step) -> None:
    """Record that a timer has fired: one that does not fire again has ended."""
    task = firing(step)
    if task is None:
        return
    if task.recurring:
        background_tasks.put(step, replace(task, next_time=None), EventType.TASK_UPDATED)
    else:
        background_tasks.end(step, task.task_id, TaskState.COMPLETED)
