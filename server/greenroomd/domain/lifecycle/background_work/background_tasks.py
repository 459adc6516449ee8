"""Opens, changes, ends and loses background tasks within a step, with an event for each change. Pure.

The CLI says twice what works in the background: in a list of everything, and in lines about each task. Neither comes
first, and a line can be missing. So a task is opened by either, once, and is over when it is reported, or at the latest
when it is no longer listed. Timers are in no list; see `timers`.
"""

from __future__ import annotations

from dataclasses import replace

from greenroomd.domain.decision.step import Step
from greenroomd.domain.event_payloads import TaskNoted
from greenroomd.domain.events import Event, EventType
from greenroomd.domain.frames.background_frames import (
    BackgroundTask,
    BackgroundTasksChanged,
    TaskBegan,
    TaskChanged,
    TaskReported,
)
from greenroomd.domain.states import State
from greenroomd.domain.task import Task, TaskKind, TaskState


def follow(step: Step, frame: TaskBegan | TaskChanged | TaskReported | BackgroundTasksChanged) -> None:
    """Handle what the CLI says about its tasks."""
    match frame:
        case BackgroundTasksChanged():
            _list(step, frame)
        case TaskBegan():
            _begin(step, frame)
        case TaskChanged():
            _change(step, frame)
        case TaskReported(task_id=task_id, state=state, summary=summary):
            waited_for = {key: began for key, began in step.live.waited_for.items() if key != task_id}
            step.update_live(waited_for=waited_for)
            end(step, task_id, state, summary)


def open_listed(step: Step) -> None:
    """Open the tasks that are listed although no line has said that they began; call it when one should have come."""
    for entry in step.live.listed.values():
        if entry.task_id not in step.live.tasks:
            _open(step, entry, tool_use_id="")


def end(step: Step, task_id: str, state: TaskState, summary: str = "") -> None:
    """End a task; has no effect on one that is not open."""
    task = step.live.tasks.get(task_id)
    if task is None:
        return
    if state is TaskState.STOPPED and step.live.ending is not None and step.live.finish_by is None:
        state = TaskState.LOST  # the CLI stops its tasks because we end it
        step.update_live(lost=(*step.live.lost, task_id))
    listed = {key: entry for key, entry in step.live.listed.items() if key != task_id}
    outcomes = {key: known for key, known in step.live.outcomes.items() if key != task_id}
    step.update_live(listed=listed, outcomes=outcomes)
    ended = replace(task, state=state, summary=summary or task.summary, end_time=step.at)
    put(step, ended, EventType.TASK_ENDED)


def lose(step: Step) -> None:
    """End every open task LOST, since its process has ended; a timer of the conversation pauses, if that goes on."""
    open_listed(step)
    for task in list(step.live.tasks.values()):
        if task.kind is not TaskKind.TIMER or not task.schedule or step.session.state is State.CLOSING:
            step.update_live(lost=(*step.live.lost, task.task_id))
            end(step, task.task_id, TaskState.LOST)
        elif task.state is TaskState.SCHEDULED:
            put(step, replace(task, state=TaskState.PAUSED), EventType.TASK_UPDATED)
    lost = step.live.lost
    step.update_live(listed={}, outcomes={}, waited_for={}, lost=())
    step.update_live(woken_by=None, wakes_by=None, stirring=False, grace_over=False)
    if lost:
        step.lost_task_ids = lost
        step.update_session(lost_task_ids=lost)


def put(step: Step, task: Task, kind: EventType) -> None:
    """Store a task and tell it."""
    step.put_task(task)
    turn_id = step.session.current_turn_id
    step.emit(Event(type=kind, time=step.at, turn_id=turn_id, payload=TaskNoted(task=task)))
    step.update_session(background_task_count=len(step.live.tasks))


def _list(step: Step, frame: BackgroundTasksChanged) -> None:
    listed = {entry.task_id: entry for entry in frame.tasks if not entry.housekeeping}
    gone = [
        task_id
        for task_id, task in step.live.tasks.items()
        if task.kind is not TaskKind.TIMER and task_id not in listed
    ]
    for task_id in gone:
        end(step, task_id, step.live.outcomes.get(task_id, TaskState.COMPLETED))
    step.update_live(listed=listed)
    for task_id, began in step.live.waited_for.items():
        if task_id in listed:
            _begin(step, replace(began, background=True))


def _begin(step: Step, frame: TaskBegan) -> None:
    if frame.housekeeping:
        return
    waited_for = {key: began for key, began in step.live.waited_for.items() if key != frame.task_id}
    if not frame.background and frame.task_id not in step.live.listed:
        step.update_live(waited_for={**waited_for, frame.task_id: frame})
        return
    step.update_live(waited_for=waited_for)
    known = step.live.tasks.get(frame.task_id)
    if known is None:
        _open(step, frame, tool_use_id=frame.tool_use_id)
    elif frame.tool_use_id and not known.tool_use_id:
        put(step, replace(known, tool_use_id=frame.tool_use_id), EventType.TASK_UPDATED)


def _change(step: Step, frame: TaskChanged) -> None:
    known = step.live.tasks.get(frame.task_id)
    if known is None:
        began = step.live.waited_for.get(frame.task_id)
        if began is not None and frame.background:
            _begin(step, replace(began, background=True))
        return
    changed = replace(
        known,
        description=frame.description or known.description,
        summary=frame.summary or known.summary,
    )
    if changed != known:
        put(step, changed, EventType.TASK_UPDATED)
    if (
        frame.state is not None and frame.state.final
    ):  # its report follows, with the CLI's words, or it is unlisted
        step.update_live(outcomes={**step.live.outcomes, frame.task_id: frame.state})


def _open(step: Step, entry: TaskBegan | BackgroundTask, *, tool_use_id: str) -> None:
    task = Task(
        task_id=entry.task_id,
        session_id=step.session.session_id,
        turn_id=step.session.current_turn_id,
        kind=entry.kind,
        state=TaskState.RUNNING,
        description=entry.description,
        tool_use_id=tool_use_id,
        parent_task_id=entry.parent_task_id,
        create_time=step.at,
    )
    put(step, task, EventType.TASK_STARTED)
