"""A control group of the kernel (cgroup v2): what is started in it stays in it, and takes no more than it may."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_PERIOD = 100_000  # microseconds; the kernel's own default
_LEAST_QUOTA = 1_000  # the smallest that the kernel takes
_NO_LIMIT = "max"


@dataclass(frozen=True, slots=True)
class Cgroup:
    """One group, for one process with all that it starts; `controllers` are those that hold limits in it.

    A write that the kernel refuses is an OSError; to a group that is removed nothing happens any more.
    """

    path: Path
    controllers: frozenset[str] = frozenset()

    def make(self) -> None:
        """Make it; raises OSError."""
        self.path.mkdir()

    @property
    def entrance(self) -> Path:
        """The file into which a process writes its own pid, or 0, to be in the group from then on."""
        return self.path / "cgroup.procs"

    def limit(self, memory_bytes: int | None, cpu_cores: float | None) -> None:
        """Set what all its processes may take together, as far as there are controllers for it; None is no limit.

        May block while the kernel takes back memory that is above the new limit: call it in a thread.
        """
        if "memory" in self.controllers:
            self._write("memory.oom.group", "1")  # a CLI without its commands, or the reverse, is of no use
            with contextlib.suppress(FileNotFoundError):  # a kernel that does not account for swap
                self._write("memory.swap.max", _NO_LIMIT if memory_bytes is None else "0")
            self._write("memory.max", _NO_LIMIT if memory_bytes is None else str(memory_bytes))
        if "cpu" in self.controllers:
            quota = _NO_LIMIT if cpu_cores is None else max(_LEAST_QUOTA, round(cpu_cores * _PERIOD))
            self._write("cpu.max", f"{quota} {_PERIOD}")

    def memory_limit_hit(self) -> bool:
        """Whether the kernel has killed what is in it because of its limit of memory."""
        events = flat_keyed(self.path / "memory.events")
        # Kills alone may be for the limit of a group above, or for want of memory in the whole machine.
        return events.get("oom", 0) > 0 and events.get("oom_kill", 0) > 0

    def members(self) -> list[int]:
        """Return the living processes in it; zombies are none."""
        try:
            return [int(pid) for pid in self.entrance.read_text(encoding="ascii").split()]
        except OSError:  # it was removed
            return []

    def kill(self) -> None:
        """Send SIGKILL to all that is in it, at once: what forks meanwhile is hit as well.

        A kernel before 5.14 cannot: look for the members afterwards in any case.
        """
        with contextlib.suppress(OSError):
            self._write("cgroup.kill", "1")

    def remove(self) -> bool:
        """Remove it once nothing lives in it; returns whether it is gone."""
        try:
            self.path.rmdir()
        except FileNotFoundError:
            return True
        except OSError:  # EBUSY
            return False
        return True

    def _write(self, name: str, value: str) -> None:
        # Never made: a file that is missing is one that this kernel does not have.
        file = os.open(self.path / name, os.O_WRONLY | os.O_TRUNC)
        try:
            os.write(file, value.encode("ascii"))
        finally:
            os.close(file)


def flat_keyed(file: Path) -> Mapping[str, int]:
    """Return what a file of the kernel counts, a name and a number on each line; nothing if it cannot be read."""
    try:
        lines = file.read_text(encoding="ascii").splitlines()
    except OSError:
        return {}
    return {key: int(count) for key, count in (line.split() for line in lines)}
