"""How the CLI begins to work without a prompt, and what for. Pure.

It says only that it runs. What for, it has said before (a task has ended), says next (a timer has fired), or does not
say at all: then a monitor has seen something, or a hook that runs in the background wants the model to look.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from greenroomd.domain.clocks import Moment
from greenroomd.domain.decision.live import Live, TurnTimeouts
from greenroomd.domain.decision.step import Step
from greenroomd.domain.frames.background_frames import TaskReported
from greenroomd.domain.frames.frame import Frame, StderrWritten
from greenroomd.domain.frames.tool_frames import ToolOutputWritten
from greenroomd.domain.frames.turn_frames import Activity, ActivityChanged, MessageProgressed
from greenroomd.domain.lifecycle import turn_queue
from greenroomd.domain.lifecycle.background_work import timers
from greenroomd.domain.task import TaskKind, TaskState
from greenroomd.domain.turn import CauseKind, TurnCause

WAKES_WITHIN: Final = timedelta(seconds=5)
"""How long the CLI may take from the end of a task to its work on that; it takes 40 ms on an idle machine."""


def look(step: Step, frame: Frame) -> None:
    """Begin a turn if this frame shows that the CLI works by itself; call it before anything is made of the frame."""
    live = step.live
    if live.turn is not None or isinstance(frame, StderrWritten | ToolOutputWritten):  # no line of its own
        return
    if isinstance(frame, TaskReported):
        _expect(step, frame)
    elif isinstance(frame, ActivityChanged) and frame.activity is Activity.IDLE:
        step.update_live(woken_by=None, wakes_by=None, stirring=False)
    elif live.stirring or (isinstance(frame, ActivityChanged) and live.woken_by is not None):
        turn_queue.begin_unprompted(step, _cause(step, frame))
    elif isinstance(frame, ActivityChanged):
        step.update_live(stirring=True)


def _expect(step: Step, report: TaskReported) -> None:
    """Expect the CLI to work on the end of a task; it does not if the task was stopped, since who did that knows."""
    woken_by, wakes_by = step.live.woken_by, step.live.wakes_by
    if report.state is not TaskState.STOPPED:
        woken_by = woken_by or TurnCause(kind=CauseKind.TASK, task_id=report.task_id)
        wakes_by = step.moment + WAKES_WITHIN
    step.update_live(woken_by=woken_by, wakes_by=wakes_by or step.moment)


def due(live: Live, timeouts: TurnTimeouts) -> Moment | None:
    """Return when a CLI that has not begun to work after the end of a task is taken not to do so."""
    return live.wakes_by if live.turn is None else None


def passed(step: Step) -> None:
    """Go on without the work that did not come."""
    step.update_live(woken_by=None, wakes_by=None)
    turn_queue.rest(step)


def _cause(step: Step, frame: Frame) -> TurnCause:
    if isinstance(frame, MessageProgressed) and frame.wakeup:
        timer = timers.firing(step)
        return TurnCause(kind=CauseKind.TIMER, task_id=timer.task_id if timer is not None else "")
    if step.live.woken_by is not None:
        return step.live.woken_by
    monitors = [task for task in step.live.tasks.values() if task.kind is TaskKind.MONITOR]
    rewakes = _rewakes(step.session.config.settings)
    if monitors and not rewakes:
        return TurnCause(kind=CauseKind.TASK, task_id=monitors[0].task_id if len(monitors) == 1 else "")
    return TurnCause(kind=CauseKind.HOOK if rewakes and not monitors else CauseKind.OTHER)


def _rewakes(settings: Any) -> bool:
    """Whether a session's settings have a hook that can wake the model."""
    if isinstance(settings, Mapping):
        return settings.get("asyncRewake") is True or any(map(_rewakes, settings.values()))
    return isinstance(settings, Sequence) and not isinstance(settings, str) and any(map(_rewakes, settings))
