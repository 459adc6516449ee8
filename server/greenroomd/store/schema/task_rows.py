"""Background tasks to rows and back. Rows are tuples in the order of the table's columns."""

from __future__ import annotations

from greenroomd.domain.task import Task, TaskKind, TaskState
from greenroomd.store.schema.documents import (
    Document,
    maybe_time,
    maybe_time_of,
    text,
    time,
    time_of,
    value_of,
)
from greenroomd.store.schema.rows import Row


def task_row(session_number: int, task: Task) -> Row:
    """Return the row of `tasks`."""
    return (
        session_number,
        task.task_id,
        task.session_id,
        task.state.value,
        int(not task.state.final),
        time(task.create_time),
        text(
            {
                "turn_id": task.turn_id,
                "kind": task.kind,
                "description": task.description,
                "schedule": task.schedule,
                "recurring": task.recurring,
                "next_time": maybe_time(task.next_time),
                "tool_use_id": task.tool_use_id,
                "parent_task_id": task.parent_task_id,
                "summary": task.summary,
                "end_time": maybe_time(task.end_time),
            }
        ),
    )


def task_of(row: Row) -> Task:
    """Return the task of a row of `tasks`."""
    _, task_id, session_id, state, _unfinished, create_time, details = row
    document: Document = value_of(details)
    document["kind"] = TaskKind(document["kind"])
    document["next_time"] = maybe_time_of(document["next_time"])
    document["end_time"] = maybe_time_of(document["end_time"])
    return Task(
        task_id=task_id,
        session_id=session_id,
        state=TaskState(state),
        create_time=time_of(create_time),
        **document,
    )
