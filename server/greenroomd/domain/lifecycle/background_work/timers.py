"""Sets, fires and clears timers, the background tasks that give the CLI a prompt at set times. Pure.

A timer belongs to the conversation: the CLI has it again when the conversation is resumed in another process. In
between it cannot fire, and is PAUSED; one that fires once is LOST if its time passes meanwhile, since the CLI drops it.
A wakeup, which has no schedule, belongs to its process, and is LOST with it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from greenroomd.domain.decision.step import Step
from greenroomd.domain.event_payloads import TaskNoted
from greenroomd.domain.events import Event, EventType
from greenroomd.domain.frames.background_frames import TimerCleared, TimerSet, TimersListed
from greenroomd.domain.lifecycle.background_work import background_tasks
from greenroomd.domain.task import Task, TaskKind, TaskState

_EARLY: Final = timedelta(seconds=5)
"""How much earlier than announced a timer may fire; more than any difference of clocks on one machine."""
_WAKEUP_EARLY: Final = timedelta(minutes=2)
"""The same for a wakeup: the CLI announces a whole minute, and fires some seconds earlier."""


def follow(step: Step, frame: TimerSet | TimerCleared | TimersListed) -> None:
    """Handle what the CLI says about its timers."""
    match frame:
        case TimerSet():
            _set(step, frame)
        case TimerCleared(task_id=task_id):
            background_tasks.end(step, task_id, TaskState.STOPPED)
        case TimersListed(task_ids=listed):
            for task in _timers(step):
                if task.task_id not in listed:
                    background_tasks.end(step, task.task_id, TaskState.STOPPED)


def schedule_again(step: Step) -> None:
    """Let the timers of the conversation wait again: it has another process, which has taken them over."""
    for task in _timers(step):
        if not task.recurring and task.next_time is not None and task.next_time <= step.at:
            background_tasks.end(step, task.task_id, TaskState.LOST)
        elif task.state is TaskState.PAUSED:
            background_tasks.put(step, replace(task, state=TaskState.SCHEDULED), EventType.TASK_UPDATED)


def taken_along(timer: Task, session_id: str, *, at: datetime) -> Task:
    """Return a timer of a conversation as a copy of the conversation has it, in a session without a process so far."""
    return replace(timer, session_id=session_id, turn_id="", state=TaskState.PAUSED, create_time=at)


def task_started(timer: Task) -> Event:
    """Return the event that tells of a timer in a new session."""
    return Event(type=EventType.TASK_STARTED, time=timer.create_time, payload=TaskNoted(task=timer))


def _timers(step: Step) -> list[Task]:
    return [task for task in step.live.tasks.values() if task.kind is TaskKind.TIMER]


def _set(step: Step, frame: TimerSet) -> None:
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
    timers = _timers(step)
    due = [task for task in timers if _may_fire(task, step.at)]
    if due:
        return min(due, key=lambda task: task.next_time or step.at)
    again = [task for task in timers if task.next_time is None]
    return again[0] if len(again) == 1 else None


def _may_fire(task: Task, at: datetime) -> bool:
    early = _EARLY if task.schedule else _WAKEUP_EARLY
    return task.next_time is not None and task.next_time <= at + early


def fired(step: Step) -> None:
    """Record that a timer has fired: one that does not fire again has ended."""
    task = firing(step)
    if task is None:
        return
    if task.recurring:
        background_tasks.put(step, replace(task, next_time=None), EventType.TASK_UPDATED)
    else:
        background_tasks.end(step, task.task_id, TaskState.COMPLETED)
