"""What the CLI says about its background tasks, line by line; and whatever else it might say."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenroomd.domain.frames.background_frames import (
    BackgroundTasksChanged,
    TaskBegan,
    TaskChanged,
    TaskReported,
    TimerCleared,
    TimerSet,
    TimersListed,
)
from greenroomd.domain.frames.frame import Frame, SystemNoted
from greenroomd.domain.task import TaskKind, TaskState
from greenroomd.processes.claude.parsing.stream_json import parse
from greenroomd.processes.claude.parsing.task_frames import READERS
from greenroomd.processes.claude.parsing.tool_calls import ToolCalls

FIRES = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)


def line(**message: Any) -> Any:
    return parse(json.dumps({"type": "system", "session_id": "s", **message}).encode())


def test_the_start_of_a_task() -> None:
    frame = line(
        subtype="task_started",
        task_id="b1",
        tool_use_id="toolu_1",
        description="build",
        is_backgrounded=True,
        task_type="local_bash",
    )
    assert isinstance(frame, TaskBegan)
    assert (frame.task_id, frame.kind, frame.background) == ("b1", TaskKind.SHELL, True)
    assert (frame.tool_use_id, frame.description, frame.housekeeping) == ("toolu_1", "build", False)


@pytest.mark.parametrize(
    ("status", "state"),
    [("completed", TaskState.COMPLETED), ("failed", TaskState.FAILED), ("stopped", TaskState.STOPPED)],
)
def test_the_report_of_a_task_names_no_file(status: str, state: TaskState) -> None:
    frame = line(
        subtype="task_notification",
        task_id="b1",
        status=status,
        output_file="/tmp/b1.output",
        summary="see /tmp/b1.output",
    )
    assert isinstance(frame, TaskReported)
    assert (frame.state, frame.summary) == (state, "see its output file")


def test_a_change_of_a_task() -> None:
    frame = line(subtype="task_updated", task_id="b1", patch={"status": "killed", "is_backgrounded": True})
    assert isinstance(frame, TaskChanged)
    assert (frame.state, frame.background) == (TaskState.STOPPED, True)
    frame = line(subtype="task_progress", task_id="a1", description="look", summary="reading")
    assert (frame.task_id, frame.summary) == ("a1", "reading")


def test_the_list_of_all_tasks() -> None:
    tasks = [
        {"task_id": "a1", "task_type": "local_agent", "description": "look"},
        {"task_id": "b1", "task_type": "local_bash", "description": "build", "ambient": True},
        {"task_id": "x1", "task_type": "something_new", "description": "?"},
        {"task_type": "local_bash"},
    ]
    frame = line(subtype="background_tasks_changed", tasks=tasks)
    assert isinstance(frame, BackgroundTasksChanged)
    assert [each.kind for each in frame.tasks] == [TaskKind.AGENT, TaskKind.SHELL, TaskKind.OTHER]
    assert [each.housekeeping for each in frame.tasks] == [False, True, False]
    assert frame.agents == {"a1", "x1"}


def test_a_line_that_names_no_task_is_kept_as_any_other() -> None:
    frame = line(subtype="task_started", description="build")
    assert type(frame) is SystemNoted


@given(
    st.sampled_from(sorted(READERS)),
    st.dictionaries(st.text(), st.recursive(st.none() | st.text(), st.lists, max_leaves=4), max_size=4),
)
def test_nothing_that_it_says_is_an_error(subtype: str, fields: dict[str, Any]) -> None:
    given = {**fields, "subtype": subtype, "task_id": "b\0" + "1" * 999, "tasks": [fields]}
    assert isinstance(line(**given), Frame)
    assert "\0" not in getattr(line(**given), "task_id", "")


def called(name: str, tool_use_id: str = "toolu_1", **given: Any) -> Frame:
    block = {"type": "tool_use", "id": tool_use_id, "name": name, "input": given}
    message = {"type": "assistant", "message": {"id": "m", "model": "opus", "content": [block]}}
    frame = parse(json.dumps(message).encode())
    assert isinstance(frame, Frame)
    return frame


def answered(outcome: Any, tool_use_id: str = "toolu_1") -> Frame:
    block = {"type": "tool_result", "tool_use_id": tool_use_id, "content": "…"}
    message = {"type": "user", "message": {"content": [block]}, "tool_use_result": outcome}
    frame = parse(json.dumps(message).encode())
    assert isinstance(frame, Frame)
    return frame


def test_a_timer_is_known_from_the_call_that_set_it() -> None:
    calls = ToolCalls()
    calls.read(called("CronCreate", cron="30 9 * * 1", prompt="look", recurring=True))
    outcome = {"id": "c1", "recurring": True, "nextFireAt": FIRES.timestamp() * 1000}
    _, timer = calls.read(answered(outcome))
    assert isinstance(timer, TimerSet)
    assert (timer.task_id, timer.schedule, timer.prompt, timer.recurring) == (
        "c1",
        "30 9 * * 1",
        "look",
        True,
    )
    assert (timer.next_time, timer.tool_use_id) == (FIRES, "toolu_1")


def test_a_timer_that_was_refused_is_none() -> None:
    calls = ToolCalls()
    calls.read(called("CronCreate", cron="nonsense", prompt="look"))
    assert len(calls.read(answered("Error: no such time"))) == 1
    assert len(calls.read(answered({"id": "c1"}))) == 1, "its call was answered"


def test_a_timer_that_was_deleted_and_those_that_are_left_are_known_from_their_calls() -> None:
    calls = ToolCalls()
    calls.read(called("CronDelete", id="c1"))
    assert [type(frame) for frame in calls.read(answered({"id": "c1"}))][1:] == [TimerCleared]
    calls.read(called("CronList"))
    jobs = [{"id": "c2", "cron": "* * * * *", "prompt": "look", "nextFireAt": 1e300}, {}]
    _, timer, listed = calls.read(answered({"jobs": jobs}))
    assert isinstance(timer, TimerSet)
    assert (timer.task_id, timer.next_time) == ("c2", None)
    assert listed == TimersListed(raw=b"", task_ids=frozenset({"c2"}))


def test_a_list_that_was_refused_says_nothing() -> None:
    calls = ToolCalls()
    calls.read(called("CronList"))
    assert len(calls.read(answered("Error: no"))) == 1


def wakes(calls: ToolCalls, number: int, **given: object) -> list[Frame]:
    """Return what a call of ScheduleWakeup says, besides its own frame."""
    calls.read(called("ScheduleWakeup", tool_use_id=f"toolu_{number}", prompt="look", delaySeconds=90))
    milliseconds = FIRES.timestamp() * 1000
    outcome = {"scheduledFor": milliseconds, "clampedDelaySeconds": 90, "wasClamped": False, **given}
    return list(calls.read(answered(outcome, tool_use_id=f"toolu_{number}")))[1:]


def test_a_wakeup_is_a_timer_without_a_schedule_of_which_there_is_one_at_most() -> None:
    calls = ToolCalls()
    (wakeup,) = wakes(calls, 1)
    assert isinstance(wakeup, TimerSet)
    assert (wakeup.task_id, wakeup.schedule, wakeup.prompt, wakeup.next_time) == (
        "toolu_1",
        "",
        "look",
        FIRES,
    )
    cleared, again = wakes(calls, 2)
    assert cleared == TimerCleared(raw=b"", task_id="toolu_1")
    assert isinstance(again, TimerSet)
    assert again.task_id == "toolu_2"
    assert wakes(calls, 3, scheduledFor=0, stopped=True) == [TimerCleared(raw=b"", task_id="toolu_2")]
    assert wakes(calls, 4, scheduledFor=0, stopped=True) == []


def test_a_wakeup_has_one_id_also_where_it_is_listed() -> None:
    calls = ToolCalls()
    wakes(calls, 1)
    calls.read(called("CronList"))
    sooner = (FIRES.timestamp() - 40) * 1000
    jobs = [{"id": "c1", "cron": "30 9 * * *", "prompt": "look", "durable": False, "nextFireAt": sooner}]
    _, timer, listed = calls.read(answered({"jobs": jobs}))
    assert isinstance(timer, TimerSet)
    assert (timer.task_id, timer.schedule, timer.next_time) == ("toolu_1", "", FIRES - timedelta(seconds=40))
    assert listed == TimersListed(raw=b"", task_ids=frozenset({"toolu_1"}))


def test_a_monitor_is_known_from_the_call_that_started_it() -> None:
    calls = ToolCalls()
    calls.read(called("Monitor", command="tail -f log"))
    began = line(subtype="task_started", task_id="b1", tool_use_id="toolu_1", task_type="local_bash")
    (frame,) = calls.read(began)
    assert isinstance(frame, TaskBegan)
    assert frame.kind is TaskKind.MONITOR
