"""Ends what a dead run of the server left running, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from greenroomd.app.ports.processes import ProcessIdentity
from greenroomd.processes.claude.stale_files import remove_leftovers
from greenroomd.processes.host import procfs
from greenroomd.processes.host.cgroup import Cgroup
from greenroomd.processes.host.server_run import ServerRun, others
from greenroomd.processes.host.spawn import MARKER

_PATIENCE = timedelta(seconds=5)
_POLL_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Reaped:
    """What was found running and killed, by pid, and what would not die within the patience."""

    killed: frozenset[int]
    survivors: frozenset[int]


def reap(
    state_dir: Path,
    identities: Iterable[ProcessIdentity] = (),
    mine: ServerRun | None = None,
    patience: timedelta = _PATIENCE,
) -> Reaped:
    """Kill what dead runs left: the processes of *identities* (from rows), all that carry a dead run's marker, and all
    in the control groups that it made.

    A pid that another process has now is never touched; nor is the run of a server that is alive. Blocks until
    all have ended, at most for *patience*: call it in a thread, before any process of this run is started.
    """
    recorded = list(identities)
    dead = [run for run in others(state_dir, mine) if not run.owner_alive()]
    known = {identity.pid: identity for identity in recorded}
    markers = [f"{MARKER}={run.marker}" for run in dead]
    groups = [group for run in dead for group in run.control_groups()]

    def theirs(pid: int) -> bool:
        recorded_so = pid in known and procfs.alive(known[pid])
        marked = any(procfs.carries(pid, marker) for marker in markers)
        return recorded_so or marked or pid in _inside(groups)

    killed: set[int] = set()
    deadline = time.monotonic() + patience.total_seconds()
    while found := _found(known.values(), markers) | (inside := _inside(groups)):
        for group in groups:
            group.kill()  # at once, and what forks meanwhile
        killed.update(inside, (pid for pid in found if procfs.kill(pid, theirs)))
        if time.monotonic() >= deadline:
            break
        time.sleep(_POLL_SECONDS)
    for group in groups:
        group.remove()
    _sweep_files(state_dir, dead, killed | {pid for pid in known if procfs.kernel_start(pid) is None})
    return Reaped(frozenset(killed - found), frozenset(found))


def _found(identities: Iterable[ProcessIdentity], markers: Iterable[str]) -> set[int]:
    alive = {identity.pid for identity in identities if procfs.alive(identity)}
    return alive.union(*(procfs.marked(marker) for marker in markers))


def _inside(groups: Iterable[Cgroup]) -> set[int]:
    return {pid for group in groups for pid in group.members()}


def _sweep_files(state_dir: Path, dead: Iterable[ServerRun], pids: Iterable[int]) -> None:
    config_dirs = list((state_dir / "workspaces").glob("*/claude"))
    for pid in pids:
        remove_leftovers(pid, config_dirs)
    for run in dead:
        run.remove()
