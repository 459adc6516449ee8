"""All that one child started: found by kernel session, marker and control group, and killed until nothing is left."""

from __future__ import annotations

import asyncio
import subprocess
import threading
from datetime import timedelta

import structlog

from greenroomd.app.ports.processes import ProcessIdentity
from greenroomd.processes.linux import procfs
from greenroomd.processes.linux.cgroup import Cgroup

log = structlog.get_logger(__name__)

_SWEEP_SECONDS = 0.01
"""The pause between two looks for what is left of the killed processes."""


class Descendants:
    """A child with all it started, as long as the child's pid, which is its session's id, cannot be another's.

    `marker` is the entry of the environment that all of them carry unless they removed it.
    """

    def __init__(self, leader: ProcessIdentity, marker: str, group: Cgroup | None) -> None:
        self._leader = leader
        self._marker = marker
        self._group = group
        self._pid_lock = threading.Lock()  # held while the pid is used, and while it is given up
        self._pid_held = True

    def kill(self) -> int:
        """Kill the child and all that is in its group or session or carries its marker; return how many there were.

        Does nothing once the pid was given up. Blocks for some milliseconds: call it in a thread. Raises OSError if
        processes cannot be looked for.
        """
        with self._pid_lock:
            return self._kill() if self._pid_held else 0

    async def sweep(self, timeout: timedelta) -> bool:
        """Kill until nothing is left; return whether that was seen within `timeout`."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout.total_seconds()
        while True:
            try:
                if not await asyncio.to_thread(self.kill):
                    return True
            except OSError as error:  # a process that we cannot look for may still be there
                log.warning("processes_unreadable", reason=str(error))
            if loop.time() >= deadline:
                return False
            await asyncio.sleep(_SWEEP_SECONDS)

    def give_up_pid(self, process: subprocess.Popen[bytes]) -> int | None:
        """Wait for the child, so that its pid is free for others; return its status, None if it still runs.

        One that still runs has got SIGKILL and hangs in the kernel; it is waited for in a thread of its own. Blocks
        while `kill` is under way: call it in a thread.
        """
        with self._pid_lock:
            self._pid_held = False
            status = process.poll()
        if status is None:
            threading.Thread(target=process.wait, name="unkillable", daemon=True).start()
        return status

    def _kill(self) -> int:
        members = self._inside()
        if members and self._group is not None:
            self._group.kill()
        found = {*members, *procfs.members(self._leader), *procfs.marked(self._marker)}
        for pid in found:
            procfs.kill(pid, self._ours)
        return len(found)

    def _ours(self, pid: int) -> bool:
        return procfs.belongs(pid, self._leader) or procfs.carries(pid, self._marker) or pid in self._inside()

    def _inside(self) -> list[int]:
        return [] if self._group is None else self._group.members()
