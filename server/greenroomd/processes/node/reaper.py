"""Ends what a dead run of the server left running, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from greenroomd.app.ports.processes import ProcessIdentity
from greenroomd.processes.claude.stale_files import remove_stale_files
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


def reap(
    state_dir: Path,
    recorded: Iterable[ProcessIdentity] = (),
    mine: ServerRun | None = None,
    timeout: timedelta = _REAP_TIMEOUT,
) -> Reaped:
    """Kill every process that a dead server run of this state directory started.

    A process belongs to such a run if it carries the run's marker or is in one of its control groups. Identities that
    were `recorded` in rows prove nothing: the database may be a copy, and the process may serve the original. They only
    name pids whose files are removed once no process has them.

    A pid that another process has now is never touched, nor is the run of a server that is alive. Blocks until all have
    ended, at most for `timeout`: call it in a thread, before this run starts any process.
    """
    pids = {identity.pid for identity in recorded}
    dead = [run for run in others(state_dir, mine) if not run.owner_alive()]
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
    _sweep_files(state_dir, dead, killed | pids)
    return Reaped(frozenset(killed - found), frozenset(found))


def _marked(markers: Iterable[str]) -> set[int]:
    return {pid for marker in markers for pid in procfs.marked(marker)}


def _inside(groups: Iterable[Cgroup]) -> set[int]:
    return {pid for group in groups for pid in group.members()}


def _sweep_files(state_dir: Path, dead: Iterable[ServerRun], pids: Iterable[int]) -> None:
    config_dirs = list((state_dir / "workspaces").glob("*/claude"))
    for pid in pids:
        if procfs.kernel_start(pid) is None:  # else another process has it now, maybe a CLI of another server
            remove_stale_files(pid, config_dirs)
    for run in dead:
        run.withdraw()
