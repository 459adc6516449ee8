"""Converts background tasks to messages."""

from __future__ import annotations

from greenroom.v1 import task_pb2 as pb
from greenroomd.domain.task import Task
from greenroomd.rpc.convert.enums import TASK_KINDS, TASK_STATES
from greenroomd.rpc.convert.structs import wire_text
from greenroomd.rpc.convert.times import maybe_timestamp, timestamp


def task_message(task: Task) -> pb.Task:
    """Return a background task as a message."""
    return pb.Task(
        task_id=wire_text(task.task_id),
        session_id=task.session_id,
        turn_id=task.turn_id,
        kind=TASK_KINDS.number[task.kind],
        state=TASK_STATES.number[task.state],
        description=wire_text(task.description),
        schedule=wire_text(task.schedule),
        recurring=task.recurring,
        next_time=maybe_timestamp(task.next_time),
        tool_use_id=wire_text(task.tool_use_id),
        parent_task_id=wire_text(task.parent_task_id),
        summary=wire_text(task.summary),
        create_time=timestamp(task.create_time),
        end_time=maybe_timestamp(task.end_time),
    )
