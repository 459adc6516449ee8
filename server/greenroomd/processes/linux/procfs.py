"""What the kernel says of processes, read from /proc; signals that cannot hit a process that reused a pid.

Everything here works while this process has no free descriptor: see `descriptor_reserve`. What still cannot be read
raises OSError, since "there is no such process" would be a lie.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path

from greenroomd.app.ports.processes import ProcessIdentity
from greenroomd.processes.linux.descriptor_reserve import RESERVE

_PROC = Path("/proc")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")
_STATE, _SESSION, _START = 0, 3, 19  # fields of /proc/<pid>/stat, counted after the command's name
_CPU = slice(11, 15)  # its own time in user and kernel mode, and that of the children that it waited for
_DEAD = (b"Z", b"X")


@cache
def boot_id() -> str:
    """Return the id of this boot; after a restart of the machine no old identity is alive."""
    return RESERVE.run(lambda: (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip())


def identify(pid: int, start_time: datetime) -> ProcessIdentity:
    """Return the identity of a process; if it has gone already, one that matches no process ever."""
    stat = _stat(pid)
    start = 0 if stat is None else int(stat[_START])
    return ProcessIdentity(pid=pid, kernel_start=start, boot_id=boot_id(), start_time=start_time)


def kernel_start(pid: int) -> int | None:
    """Return when a process started, in clock ticks since boot; None if there is none or it is a zombie."""
    stat = _stat(pid)
    return None if stat is None or stat[_STATE] in _DEAD else int(stat[_START])


def alive(identity: ProcessIdentity) -> bool:
    """Return whether exactly this process runs: same boot, same pid, same start."""
    return (
        identity.pid > 0
        and identity.boot_id == boot_id()
        and kernel_start(identity.pid) == identity.kernel_start
    )


def marked(marker: str) -> list[int]:
    """Return the processes whose start environment holds an entry that begins with `marker` (`NAME=value`)."""
    return [pid for pid in pids() if carries(pid, marker)]


def carries(pid: int, marker: str) -> bool:
    """Return whether a process was started with an environment entry that begins with `marker`."""
    return _environment(pid).find(b"\0" + marker.encode()) >= 0


def variable(pid: int, name: str) -> str:
    """Return the value of the variable `name` with which a process was started; "" if it had none."""
    _, found, rest = _environment(pid).partition(f"\0{name}=".encode())
    return rest.partition(b"\0")[0].decode(errors="replace") if found else ""


def resident_bytes(pid: int) -> int:
    """Return how many bytes of a process's memory are in RAM, shared pages included; 0 if it has gone."""
    fields = _read(pid, "statm").split()
    return int(fields[1]) * _PAGE if len(fields) > 1 else 0


def cpu_seconds(pid: int) -> float:
    """Return how long a process has computed, with the children that it waited for; 0 if it has gone."""
    stat = _stat(pid)
    return 0.0 if stat is None else sum(map(int, stat[_CPU])) / _TICKS


def private_bytes(pid: int) -> int:
    """Return how many bytes of RAM a process holds alone: without pages of files, and shared ones; 0 if it has gone."""
    fields = _read(pid, "statm").split()
    return (int(fields[1]) - int(fields[2])) * _PAGE if len(fields) > 2 else 0


def members(leader: ProcessIdentity) -> list[int]:
    """Return the living processes of the kernel session (setsid) that `leader` began; see `belongs`."""
    return [pid for pid in pids() if belongs(pid, leader)]


def belongs(pid: int, leader: ProcessIdentity) -> bool:
    """Return whether a living process belongs to the kernel session that `leader` began.

    False as soon as `leader` was waited for: its pid, which is the session's id, may be another's from then on. A
    zombie still holds its pid.
    """
    try:
        if os.getsid(pid) != leader.pid:
            return False
    except OSError:
        return False
    stat = _stat(pid)
    return (
        stat is not None
        and stat[_STATE] not in _DEAD
        and int(stat[_SESSION]) == leader.pid
        and holds_pid(leader)
    )


def holds_pid(identity: ProcessIdentity) -> bool:
    """Return whether a process, running or a zombie, still has its pid."""
    stat = _stat(identity.pid)
    return stat is not None and int(stat[_START]) == identity.kernel_start and identity.boot_id == boot_id()


def kill(pid: int, still: Callable[[int], bool]) -> bool:
    """Send SIGKILL if `still(pid)` is true once the process is pinned; return whether it was sent.

    `still` must ask for something that no later process with this pid can have.
    """

    def pin_and_kill() -> bool:
        handle = os.pidfd_open(pid)
        try:
            if not still(pid):
                return False
            signal.pidfd_send_signal(handle, signal.SIGKILL)
            return True
        finally:
            os.close(handle)

    try:
        return RESERVE.run(pin_and_kill)
    except OSError:
        return False


def pids() -> list[int]:
    """Return the pids of all processes but ours; raises OSError."""
    mine = os.getpid()
    names = RESERVE.run(lambda: os.listdir(_PROC))  # noqa: PTH208
    return [pid for name in names if name.isdecimal() and (pid := int(name)) != mine]


def _environment(pid: int) -> bytes:
    """Return the entries, each behind a NUL; none of a process that is gone, a zombie, or another user's."""
    content = _read(pid, "environ")
    return b"\0" + content if content else b""


def _stat(pid: int) -> list[bytes] | None:
    # The name in parentheses may hold anything, so count from the last one.
    return _read(pid, "stat").rpartition(b")")[2].split() or None


def _read(pid: int, name: str) -> bytes:
    """Return a file of a process; nothing if it has gone or is not for us to read. Raises any other OSError."""
    try:
        return RESERVE.run((_PROC / str(pid) / name).read_bytes)
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return b""
