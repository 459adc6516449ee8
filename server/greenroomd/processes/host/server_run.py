"""The record that one run of the server leaves on disk, by which the next run finds its processes."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from greenroomd.app.ports.processes import ProcessIdentity
from greenroomd.processes.filesystem.filesystem_pool import FilesystemPool
from greenroomd.processes.filesystem.removal import REMOVAL_TIMEOUT, remove_or_leave
from greenroomd.processes.host.finish import finish
from greenroomd.processes.linux import procfs
from greenroomd.processes.linux.cgroup import Cgroup
from greenroomd.processes.linux.cgroup_setup import Cgroups

_OWNER = "owner.json"
_GROUPS = "control_groups"


@dataclass(frozen=True, slots=True)
class ServerRun:
    """A directory with one directory for each process; its name begins the marker of every process of this run."""

    path: Path

    @property
    def marker(self) -> str:
        """How the marker of each of its processes begins."""
        return f"{self.path.name}."

    def new_run(self) -> tuple[str, Path]:
        """Return the marker and the directory (not yet made) of one more process."""
        name = uuid.uuid4().hex[:12]
        return f"{self.marker}{name}", self.path / name

    def owner_alive(self) -> bool:
        """Return whether the server of this run is still there; one that left no readable record is not."""
        try:
            record = json.loads((self.path / _OWNER).read_text(encoding="utf-8"))
            owner = ProcessIdentity(**{**record, "start_time": datetime.fromisoformat(record["start_time"])})
        except (OSError, ValueError, TypeError, KeyError):
            return False
        return procfs.alive(owner)

    def control_groups(self) -> Sequence[Cgroup]:
        """Return the control groups of its processes that are still there."""
        try:
            root = (self.path / _GROUPS).read_text(encoding="utf-8")
        except OSError:
            return []
        return Cgroups(Path(root)).named(self.marker)

    def withdraw(self) -> None:
        """Remove its control groups, the record and all run directories; with a group that is busy, the record stays.

        The next server finds the record of a run whose owner is gone, and removes the group.
        """
        busy = [group for group in self.control_groups() if not group.remove()]
        if not busy:
            self.remove()
            return
        for directory in self.path.glob("*/"):
            shutil.rmtree(directory, ignore_errors=True)

    def remove(self) -> None:
        """Remove the record and all run directories."""
        shutil.rmtree(self.path, ignore_errors=True)


@asynccontextmanager
async def server_run(
    state_dir: Path,
    groups: Cgroups | None = None,
    *,
    filesystem: FilesystemPool | None = None,
    removal_timeout: timedelta = REMOVAL_TIMEOUT,
) -> AsyncIterator[ServerRun]:
    """Record this run of the server before it starts a process; the record goes when the block ends, not in a crash.

    `groups` are those in which it will start them. A process may have left a mount that hangs in its directory: it
    waits only `removal_timeout` for the threads of `filesystem` to remove the record, and the next server removes the
    rest.
    """
    mine = ServerRun(state_dir / "run" / uuid.uuid4().hex[:12])
    mine.path.mkdir(mode=0o700, parents=True)
    owner = asdict(procfs.identify(os.getpid(), datetime.now(UTC)))
    text = json.dumps({**owner, "start_time": owner["start_time"].isoformat()})
    (mine.path / _OWNER).write_text(text, encoding="utf-8")
    if groups is not None:
        (mine.path / _GROUPS).write_text(str(groups.root), encoding="utf-8")
    try:
        yield mine
    finally:
        threads = filesystem or FilesystemPool()
        await finish(remove_or_leave(threads, mine.path, mine.withdraw, timeout=removal_timeout))


def others(state_dir: Path, mine: ServerRun | None) -> list[ServerRun]:
    """Return the recorded runs except `mine`."""
    found = sorted((state_dir / "run").glob("*/"))
    return [ServerRun(path) for path in found if mine is None or path.name != mine.path.name]
