"""Frames of background work: tasks and timers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from greenroomd.domain.frames.frame import Frame, SystemNoted
from greenroomd.domain.task import TaskKind, TaskState


@dataclass(frozen=True, slots=True, kw_only=True)
class BackgroundTask:
    """One entry of `background_tasks_changed`."""

    task_id: str
    kind: TaskKind
    description: str
    parent_task_id: str = ""
    housekeeping: bool = False
    """Whether the CLI says that it is no work of the conversation, or that it goes on outside of the process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackgroundTasksChanged(Frame):
    """`system/background_tasks_changed`: everything that the CLI now does in the background, except its timers."""

    tasks: Sequence[BackgroundTask]

    @property
    def agents(self) -> frozenset[str]:
        """The ids of all but shell commands. The CLI is not idle as long as one of them works."""
        return frozenset(task.task_id for task in self.tasks if task.kind is not TaskKind.SHELL)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskBegan(SystemNoted):
    """`system/task_started`: a tool began work that may go on beside the turn."""

    task_id: str
    kind: TaskKind
    description: str
    tool_use_id: str = ""
    parent_task_id: str = ""
    background: bool = False
    """Whether it goes on in the background; if not, the tool call waits for it."""
    housekeeping: bool = False
    """As in BackgroundTask."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskChanged(SystemNoted):
    """`system/task_updated` or `task_progress`: how a task stands. What it does not say is "", None or False."""

    task_id: str
    state: TaskState | None = None
    description: str = ""
    summary: str = ""
    background: bool = False
    """Whether it has just moved to the background."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskReported(SystemNoted):
    """`system/task_notification`: a task has ended, and what the model is told about it."""

    task_id: str
    state: TaskState
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerSet(Frame):
    """Not a line of its own: a tool's result says that the CLI has this timer."""

    task_id: str
    schedule: str
    """"" for a wakeup, which belongs to the process: another one does not have it."""
    prompt: str
    recurring: bool
    tool_use_id: str
    next_time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerCleared(Frame):
    """Not a line of its own: a tool's result says that a timer was deleted."""

    task_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TimersListed(Frame):
    """Not a line of its own: a tool's result says that the CLI has these timers, and no others."""

    task_ids: frozenset[str]
