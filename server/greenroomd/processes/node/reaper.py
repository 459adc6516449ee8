"""Ends what a dead run of the server left running, and nothing else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from greenroomd.app.ports.processes import ProcessIdentity
from greenroomd.processes.claude.stale_files import remove_stale_files
from greenroomd.processes.filesystem.filesystem_pool import FilesystemPool
from greenroomd.processes.filesystem.removal import REMOVAL_TIMEOUT, remove_or_leave
from greenroomd.processes.host.server_run import ServerRun, others
from greenroomd.processes.host.spawn import MARKER
from greenroomd.processes.linux import procfs
from greenroomd.processes.linux.cgroup import Cgroup

_REAP_TIMEOUT = timedelta(seconds=5)
_POLL_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Reaped:
    """The pids that were found running and killed, and those that did not end in time."""

    killed: frozenset[int]
    survivors: frozenset[int]


async def reap(
    state_dir: Path,
    recorded: Iterable[ProcessIdentity] = (),
    mine: ServerRun | None = None,
    timeout: timedelta = _REAP_TIMEOUT,
    *,
    filesystem: FilesystemPool | None = None,
    removal_timeout: timedelta = REMOVAL_TIMEOUT,
) -> Reaped:
    """Kill every process that a dead server run of this state directory started, and remove what it left.

    A process belongs to such a run if it carries the run's marker or is in one of its control groups. Identities that
    were `recorded` in rows prove nothing: the database may be a copy, and the process may serve the original. They only
    name pids whose files are removed once no process has them.

    A pid that another process has now is never touched, nor is the run of a server that is alive. Call it before this
    run starts any process. It waits at most `timeout` for processes to end, and `removal_timeout` for the threads of
    `filesystem` to remove files: those on a file system that hangs are left.
    """
    dead = await asyncio.to_thread(_dead_runs, state_dir, mine)
    reaped = await asyncio.to_thread(_kill, dead, timeout)
    pids = reaped.killed | reaped.survivors | {identity.pid for identity in recorded}
    remove_in = partial(remove_or_leave, filesystem or FilesystemPool(), timeout=removal_timeout)
    await _remove_files(state_dir, dead, pids, remove_in)
    return reaped


def _dead_runs(state_dir: Path, mine: ServerRun | None) -> Sequence[ServerRun]:
    return [run for run in others(state_dir, mine) if not run.owner_alive()]


def _kill(dead: Iterable[ServerRun], timeout: timedelta) -> Reaped:
    markers = [f"{MARKER}={run.marker}" for run in dead]
    groups = [group for run in dead for group in run.control_groups()]

    def theirs(pid: int) -> bool:
        return any(procfs.carries(pid, marker) for marker in markers) or pid in _inside(groups)

    killed: set[int] = set()
    deadline = time.monotonic() + timeout.total_seconds()
    while found := _marked(markers) | (inside := _inside(groups)):
        for group in groups:
            group.kill()  # at once, and what forks meanwhile
        killed.update(inside, (pid for pid in found if procfs.kill(pid, theirs)))
        if time.monotonic() >= deadline:
            break
        time.sleep(_POLL_SECONDS)
    return Reaped(frozenset(killed - found), frozenset(found))


def _marked(markers: Iterable[str]) -> set[int]:
    return {pid for marker in markers for pid in procfs.marked(marker)}


def _inside(groups: Iterable[Cgroup]) -> set[int]:
    return {pid for group in groups for pid in group.members()}


async def _remove_files(
    state_dir: Path,
    dead: Iterable[ServerRun],
    pids: Collection[int],
    remove_in: Callable[[Path, Callable[[], object]], Coroutine[Any, Any, None]],
) -> None:
    """Remove the files of dead runs and of ended processes, each workspace by itself: any one of them may hang."""
    async with asyncio.TaskGroup() as removals:
        for directory in await asyncio.to_thread(_workspaces, state_dir):
            records = partial(_remove_records, pids, [directory / "claude"])
            removals.create_task(remove_in(directory, records))
        removals.create_task(remove_in(state_dir, partial(_remove_records, pids, [])))
        for run in dead:
            removals.create_task(remove_in(run.path, run.withdraw))


def _workspaces(state_dir: Path) -> Sequence[Path]:
    try:
        return list((state_dir / "workspaces").iterdir())
    except FileNotFoundError:
        return []


def _remove_records(pids: Iterable[int], config_dirs: Collection[Path]) -> None:
    for pid in pids:
        if procfs.kernel_start(pid) is None:  # else another process has it now, maybe a CLI of another server
            remove_stale_files(pid, config_dirs)
