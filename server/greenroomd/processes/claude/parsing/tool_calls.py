"""Reads what the CLI says of timers and monitors only in the calls of its tools, and in their results.

As observed with the CLI 2.1.332: no other line says that a timer was set or deleted, and a monitor is listed as a
shell command. Calls of subagents are not followed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from greenroomd.domain.config import JsonObject
from greenroomd.domain.frames.background_frames import (
    TaskBegan,
    TimerCleared,
    TimerSet,
    TimersListed,
)
from greenroomd.domain.frames.frame import Frame
from greenroomd.domain.frames.message_frames import AssistantSpoke, UserEchoed
from greenroomd.domain.task import TaskKind
from greenroomd.processes.claude.parsing.json_fields import json_object, json_objects, number, text
from greenroomd.processes.claude.parsing.task_frames import LONGEST_TEXT, id_of

_SETS: Final = "CronCreate"
_CLEARS: Final = "CronDelete"
_LISTS: Final = "CronList"
_WAKES: Final = "ScheduleWakeup"
_WATCHES: Final = "Monitor"
_FOLLOWED: Final = frozenset({_SETS, _CLEARS, _LISTS, _WAKES, _WATCHES})
_LATEST_MS: Final = 253_402_300_799_000  # the end of the year 9999


class ToolCalls:
    """Follows the calls of one process."""

    def __init__(self) -> None:
        self._calls: dict[str, tuple[str, JsonObject]] = {}
        self._wakeup: TimerSet | None = None
        """The last wakeup that the model has set: the CLI has one at most, and tells its id only in a list."""

    def read(self, frame: Frame) -> Sequence[Frame]:
        """Return a frame, followed by what the result in it says of timers."""
        if isinstance(frame, AssistantSpoke):
            for block in frame.blocks:
                if block.get("type") == "tool_use" and block.get("name") in _FOLLOWED:
                    call = (text(block.get("name")), json_object(block.get("input")))
                    self._calls[text(block.get("id"))] = call
        elif isinstance(frame, TaskBegan) and self._calls.get(frame.tool_use_id, ("",))[0] == _WATCHES:
            return [replace(frame, kind=TaskKind.MONITOR)]
        elif isinstance(frame, UserEchoed) and self._calls:
            return [frame, *self._results(frame)]
        return [frame]

    def _results(self, frame: UserEchoed) -> list[Frame]:
        said: list[Frame] = []
        for block in frame.blocks:
            tool_use_id = text(block.get("tool_use_id"))
            name, given = self._calls.pop(tool_use_id, ("", {}))
            task_id = id_of(frame.outcome.get("id"))
            if name == _SETS and task_id:
                said.append(_timer({**given, **frame.outcome}, tool_use_id))
            elif name == _CLEARS and task_id:
                said.append(TimerCleared(raw=b"", task_id=task_id))
            elif name == _LISTS and "jobs" in frame.outcome:
                said += self._listed(json_objects(frame.outcome["jobs"]))
            elif name == _WAKES and "scheduledFor" in frame.outcome:
                said += self._woken({**given, **frame.outcome}, tool_use_id)
        return said

    def _listed(self, jobs: Sequence[JsonObject]) -> list[Frame]:
        timers = [_timer(job, "") for job in jobs if id_of(job.get("id"))]
        timers = [self._known(timer) for timer in timers]
        return [*timers, TimersListed(raw=b"", task_ids=frozenset(timer.task_id for timer in timers))]

    def _known(self, timer: TimerSet) -> TimerSet:
        """Return a listed timer; the wakeup under the id that it has here."""
        wakeup = self._wakeup
        if wakeup is None or timer.recurring or timer.prompt != wakeup.prompt:
            return timer
        return replace(wakeup, next_time=timer.next_time)

    def _woken(self, call: JsonObject, tool_use_id: str) -> list[Frame]:
        """Return what a call of ScheduleWakeup has done: it sets another wakeup, or none, in place of the last."""
        before, self._wakeup = self._wakeup, None
        said: list[Frame] = [] if before is None else [TimerCleared(raw=b"", task_id=before.task_id)]
        if (next_time := _time_of(call.get("scheduledFor"))) is not None:
            job = {"id": tool_use_id, "prompt": call.get("prompt")}
            self._wakeup = replace(_timer(job, tool_use_id), next_time=next_time)
            said.append(self._wakeup)
        return said


def _timer(job: JsonObject, tool_use_id: str) -> TimerSet:
    return TimerSet(
        raw=b"",
        task_id=id_of(job.get("id")),
        schedule=text(job.get("cron"))[:LONGEST_TEXT],
        prompt=text(job.get("prompt"))[:LONGEST_TEXT],
        recurring=job.get("recurring") is True,
        tool_use_id=tool_use_id,
        next_time=_time_of(job.get("nextFireAt")),
    )


def _time_of(milliseconds: Any) -> datetime | None:
    since_epoch = number(milliseconds)
    return datetime.fromtimestamp(since_epoch / 1000, UTC) if 0 < since_epoch < _LATEST_MS else None
