import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from greenroomd.app.ports.processes import ProcessIdentity
from greenroomd.processes.host.server_run import ServerRun, others, server_run
from greenroomd.processes.linux import procfs
from greenroomd.processes.node.reaper import Reaped, reap

Start = Callable[[str], ProcessIdentity]
NOTHING = Reaped(frozenset(), frozenset())


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a process whose environment holds one entry, and return who it is."""
    with ExitStack() as stack:

        def start(entry: str) -> ProcessIdentity:
            name, _, value = entry.partition("=")
            process = subprocess.Popen(
                [sys.executable, "-IS", "-c", "print(flush=True); import time; time.sleep(60)"],
                env={"A": "b", name: value, "Z": "y"},
                start_new_session=True,
                stdout=subprocess.PIPE,
            )
            stack.callback(process.communicate)
            stack.callback(process.kill)
            assert process.stdout is not None
            process.stdout.readline()
            return procfs.identify(process.pid, datetime.now(UTC))

        yield start


def dead_run(state_dir: Path, name: str = "0123456789ab") -> ServerRun:
    """Leave what a killed server leaves: its record, with the pid of a process that is another one now."""
    run = ServerRun(state_dir / "run" / name)
    (run.path / "p" / "tmp").mkdir(parents=True)
    me = procfs.identify(os.getpid(), datetime.now(UTC))
    record = {"pid": me.pid, "kernel_start": me.kernel_start - 1, "boot_id": me.boot_id}
    owner = {**record, "start_time": me.start_time.isoformat()}
    (run.path / "owner.json").write_text(json.dumps(owner))
    return run


async def test_what_carries_a_dead_runs_marker_is_ended(tmp_path: Path, start: Start) -> None:
    run = dead_run(tmp_path)
    child = start(f"GREENROOM_PROCESS={run.marker}abc")
    stranger = start("GREENROOM_PROCESS=ffffffffffff.abc")
    quoting = start(f"NOTE=GREENROOM_PROCESS={run.marker}abc")
    assert await reap(tmp_path) == Reaped(frozenset({child.pid}), frozenset())
    assert not procfs.alive(child)
    assert procfs.alive(stranger)
    assert procfs.alive(quoting)
    assert not run.path.exists()
    assert await reap(tmp_path) == NOTHING


async def test_a_run_whose_server_lives_is_left_alone(tmp_path: Path, start: Start) -> None:
    async with server_run(tmp_path) as living, server_run(tmp_path) as mine:
        child = start(f"GREENROOM_PROCESS={living.marker}abc")
        assert others(tmp_path, mine) == [living]
        assert await reap(tmp_path, mine=mine) == NOTHING
        assert procfs.alive(child)
    assert others(tmp_path, None) == []


async def test_a_run_without_a_readable_record_is_dead(tmp_path: Path, start: Start) -> None:
    run = dead_run(tmp_path)
    (run.path / "owner.json").write_text("{")
    child = start(f"GREENROOM_PROCESS={run.marker}abc")
    assert (await reap(tmp_path)).killed == {child.pid}


async def test_an_identity_from_a_row_proves_nothing(tmp_path: Path, start: Start) -> None:
    """Two state directories, one with a copy of the other's database: the rows name the same processes."""
    original, copy = tmp_path / "original", tmp_path / "copy"
    dead_run(copy, "aaaaaaaaaaaa")
    async with server_run(original) as living:
        child = start(f"GREENROOM_PROCESS={living.marker}abc")
        assert await reap(copy, [child]) == NOTHING
        assert procfs.alive(child)


async def test_identities_of_nothing(tmp_path: Path) -> None:
    gone = ProcessIdentity(pid=0, kernel_start=0, boot_id=procfs.boot_id(), start_time=datetime.now(UTC))
    assert await reap(tmp_path, [gone, replace(gone, pid=2**22 + 1)]) == NOTHING


async def test_the_files_of_the_dead_go_and_those_of_the_living_stay(tmp_path: Path, start: Start) -> None:
    run = dead_run(tmp_path)
    child, living = start(f"GREENROOM_PROCESS={run.marker}abc"), start("A=b")
    sessions = tmp_path / "workspaces/acme/claude/sessions"
    sessions.mkdir(parents=True)
    for pid in (child.pid, living.pid):
        (sessions / f"{pid}.json").touch()
    gone = replace(child, pid=2**22 + 1)
    (sessions / f"{gone.pid}.json").touch()
    await reap(tmp_path, [child, living, gone])
    assert [path.name for path in sessions.iterdir()] == [f"{living.pid}.json"]


async def test_a_file_that_cannot_be_removed_is_left(tmp_path: Path, start: Start) -> None:
    child = start(f"GREENROOM_PROCESS={dead_run(tmp_path).marker}abc")
    for workspace in ("acme", "zoo"):
        (tmp_path / "workspaces" / workspace / "claude").mkdir(parents=True)
    (tmp_path / "workspaces/acme/claude/sessions").write_text("in the way")
    record = tmp_path / f"workspaces/zoo/claude/sessions/{child.pid}.json"
    record.parent.mkdir()
    record.touch()
    assert (await reap(tmp_path, [child])).killed == {child.pid}
    assert not record.exists()


async def test_what_does_not_die_in_time_is_reported(
    tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = start(f"GREENROOM_PROCESS={dead_run(tmp_path).marker}abc")
    monkeypatch.setattr(procfs, "kill", lambda pid, still: False)  # as if it hung in the kernel
    assert await reap(tmp_path, [child], timeout=timedelta()) == Reaped(frozenset(), frozenset({child.pid}))


def test_kill_looks_again_once_the_process_is_pinned(start: Start) -> None:
    child = start("A=b")
    assert not procfs.kill(child.pid, lambda _pid: False)
    assert procfs.alive(child)
    assert not procfs.kill(2**22 + 1, lambda _pid: True)
