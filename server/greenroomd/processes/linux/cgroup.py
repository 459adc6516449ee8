"""A control group of the kernel (cgroup v2): it holds a process with everything it starts, and limits them."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from greenroomd.processes.linux.descriptor_reserve import RESERVE

_PERIOD = 100_000  # microseconds; the kernel's own default
_LEAST_QUOTA = 1_000  # the smallest that the kernel takes
_NO_LIMIT = "max"
_REMOVED_OR_THREADED = (errno.ENOENT, errno.ENODEV, errno.EOPNOTSUPP)
"""What reading `cgroup.procs` fails with in a group that is gone, or whose processes are those of the one above."""


@dataclass(frozen=True, slots=True)
class Cgroup:
    """One group, for one process with all that it starts.

    A write that the kernel refuses is an OSError; to a group that is removed nothing happens any more.
    """

    path: Path
    """Its directory in the cgroup file system."""
    controllers: frozenset[str] = frozenset()
    """Those that hold limits in it: `memory`, `cpu`."""

    def make(self) -> None:
        """Make it; raises OSError."""
        self.path.mkdir()

    @property
    def entrance(self) -> Path:
        """The file into which a process writes its own pid, or 0, to be in the group from then on."""
        return self.path / "cgroup.procs"

    def limit(self, memory_bytes: int | None, cpu_cores: float | None) -> None:
        """Limit what all its processes use together, as far as there are controllers for it; None is no limit.

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
        """Return whether the kernel has killed processes in it because of its memory limit."""
        events = flat_keyed(self.path / "memory.events")
        # Kills alone may be for the limit of a group above, or for want of memory in the whole machine.
        return events.get("oom", 0) > 0 and events.get("oom_kill", 0) > 0

    def members(self) -> list[int]:
        """Return the living processes in it and in groups that were made below it; zombies are none.

        Raises OSError if they cannot be read.
        """
        found: list[int] = []
        for directory in (self.path, *self._below()):
            try:
                content = RESERVE.run((directory / "cgroup.procs").read_text)
            except OSError as error:
                if error.errno not in _REMOVED_OR_THREADED:
                    raise
            else:
                found += [int(pid) for pid in content.split()]
        return found

    def kill(self) -> None:
        """Send SIGKILL to all processes in it at once, also to those that are forked meanwhile.

        A kernel before 5.14 cannot: look for the members afterwards in any case.
        """
        with contextlib.suppress(OSError):
            self._write("cgroup.kill", "1")

    def remove(self) -> bool:
        """Remove it, and what was made below it, once nothing lives in it; return whether it is gone."""
        try:
            for directory in reversed(self._below()):
                directory.rmdir()
            self.path.rmdir()
        except FileNotFoundError:
            return True
        except OSError:  # EBUSY
            return False
        return True

    def _below(self) -> list[Path]:
        return RESERVE.run(lambda: sorted(self.path.rglob("*/")))

    def _write(self, name: str, value: str) -> None:
        def write() -> None:
            # Never made: a file that is missing is one that this kernel does not have.
            file = os.open(self.path / name, os.O_WRONLY | os.O_TRUNC)
            try:
                os.write(file, value.encode("ascii"))
            finally:
                os.close(file)

        RESERVE.run(write)


def flat_keyed(file: Path) -> Mapping[str, int]:
    """Return the counters in a file of the kernel, one name and number a line; none if it cannot be read."""
    try:
        lines = RESERVE.run(file.read_text).splitlines()
    except OSError:
        return {}
    return {key: int(count) for key, count in (line.split() for line in lines)}
