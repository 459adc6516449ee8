"""Reads what the CLI says about its background tasks. Pure; never raises.

Shapes: the CLI 2.1.332 as observed. `background_tasks_changed` has everything that works in the background at the
moment; the other lines say when a task begins, how it stands, and how it ended, in no fixed order with the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from greenroomd.domain.config import JsonObject
from greenroomd.domain.frames.background_frames import (
    BackgroundTask,
    BackgroundTasksChanged,
    TaskBegan,
    TaskChanged,
    TaskReported,
)
from greenroomd.domain.task import TaskKind, TaskState
from greenroomd.processes.claude.parsing.json_fields import json_object, json_objects, text

LONGEST_TEXT: Final = 4096  # characters; the line itself has the whole
_LONGEST_ID: Final = 128

_KINDS: Final[Mapping[str, TaskKind]] = {
    "local_bash": TaskKind.SHELL,
    "local_agent": TaskKind.AGENT,
    "monitor_ws": TaskKind.MONITOR,
    "local_workflow": TaskKind.WORKFLOW,
}
_STATES: Final[Mapping[str, TaskState]] = {
    "running": TaskState.RUNNING,
    "completed": TaskState.COMPLETED,
    "failed": TaskState.FAILED,
    "killed": TaskState.STOPPED,
    "stopped": TaskState.STOPPED,
}


def background_tasks_changed(raw: bytes, message: JsonObject) -> BackgroundTasksChanged:
    """Read the list of everything that works in the background."""
    tasks = [
        BackgroundTask(
            task_id=id_of(each.get("task_id")),
            kind=_kind(each),
            description=_short(each.get("description")),
            parent_task_id=text(each.get("parent_task_id")),
            housekeeping=_housekeeping(each),
        )
        for each in json_objects(message.get("tasks"))
        if id_of(each.get("task_id"))
    ]
    return BackgroundTasksChanged(raw=raw, cli_session_id=text(message.get("session_id")), tasks=tasks)


def task_started(raw: bytes, message: JsonObject) -> TaskBegan:
    """Read the start of a task."""
    return TaskBegan(
        **_named(raw, message),
        kind=_kind(message),
        description=_short(message.get("description")),
        tool_use_id=text(message.get("tool_use_id")),
        parent_task_id=text(message.get("parent_task_id")),
        background=message.get("is_backgrounded") is True,
        housekeeping=_housekeeping(message),
    )


def task_updated(raw: bytes, message: JsonObject) -> TaskChanged:
    """Read a change of a task."""
    patch = json_object(message.get("patch"))
    return TaskChanged(
        **_named(raw, message),
        state=_STATES.get(text(patch.get("status"))),
        description=_short(patch.get("description")),
        summary=_short(patch.get("error")),
        background=patch.get("is_backgrounded") is True,
    )


def task_progress(raw: bytes, message: JsonObject) -> TaskChanged:
    """Read how far a task has come."""
    return TaskChanged(**_named(raw, message), summary=_short(message.get("summary")))


def task_notification(raw: bytes, message: JsonObject) -> TaskReported:
    """Read the report of a task that has ended. The path of its output file means nothing to a client."""
    summary, file = text(message.get("summary")), text(message.get("output_file"))
    return TaskReported(
        **_named(raw, message),
        state=_STATES.get(text(message.get("status")), TaskState.COMPLETED),
        summary=_short(summary.replace(file, "its output file") if file else summary),
    )


READERS: Final = {
    "background_tasks_changed": background_tasks_changed,
    "task_started": task_started,
    "task_updated": task_updated,
    "task_progress": task_progress,
    "task_notification": task_notification,
}
"""The reader of each subtype of `system` lines that is about tasks."""


def id_of(value: Any) -> str:
    """Return a task's id as it can be a key on both databases; "" for none."""
    return text(value).replace("\0", "")[:_LONGEST_ID]


def _named(raw: bytes, message: JsonObject) -> dict[str, Any]:
    return {
        "raw": raw,
        "cli_session_id": text(message.get("session_id")),
        "type": text(message.get("type")),
        "subtype": text(message.get("subtype")),
        "task_id": id_of(message.get("task_id")),
    }


def _kind(message: JsonObject) -> TaskKind:
    return _KINDS.get(text(message.get("task_type")), TaskKind.OTHER)


def _housekeeping(message: JsonObject) -> bool:
    return message.get("ambient") is True or message.get("off_host") is True


def _short(value: Any) -> str:
    return text(value)[:LONGEST_TEXT]
