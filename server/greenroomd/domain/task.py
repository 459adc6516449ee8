"""A background task: work that the CLI does, or has scheduled, outside of any turn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class TaskKind(StrEnum):
    """What works in the background."""

    SHELL = "shell"
    AGENT = "agent"
    MONITOR = "monitor"
    WORKFLOW = "workflow"
    TIMER = "timer"
    OTHER = "other"


class TaskState(StrEnum):
    """The state of a background task; the first three are open, and the first two only of timers."""

    SCHEDULED = "scheduled"
    PAUSED = "paused"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    STOPPED = "stopped"
    LOST = "lost"

    @property
    def final(self) -> bool:
        """Whether the task has ended."""
        return self not in (TaskState.SCHEDULED, TaskState.PAUSED, TaskState.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One background task of a session, from its start to its end.

    An agent that is resumed keeps its id, and is RUNNING again.
    """

    task_id: str
    """The CLI's id, unique in the session."""
    session_id: str
    """Its session."""
    turn_id: str = ""
    """The turn in which it was started; "" for none."""
    kind: TaskKind
    """What works."""
    state: TaskState
    """Its state."""
    description: str = ""
    """What it does, in the model's words; of a timer, the prompt that it gives."""
    schedule: str = ""
    """Of a timer: its times, as a cron expression; "" for a wakeup after some time, and for every other kind."""
    recurring: bool = False
    """Of a timer: whether it fires again and again."""
    next_time: datetime | None = None
    """Of a timer: when it fires next; None if the CLI does not say."""
    tool_use_id: str = ""
    """The API's id of the tool call that started it; "" if the CLI does not say."""
    parent_task_id: str = ""
    """The agent's task that started it; "" for the main conversation."""
    summary: str = ""
    """How it stands or how it ended, in the CLI's words; "" if it does not say."""
    create_time: datetime
    """When it was started."""
    end_time: datetime | None = None
    """When it ended; None while it is open."""
