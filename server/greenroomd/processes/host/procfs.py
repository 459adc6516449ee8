"""What the kernel says of processes, read from /proc; signals that cannot hit a process that reused a pid."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from greenroomd.app.ports.processes import ProcessIdentity

_PROC = Path("/proc")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_STATE, _SESSION, _START = 0, 3, 19  # fields of /proc/<pid>/stat, counted after the command's name
_DEAD = (b"Z", b"X")


def boot_id() -> str:
    """Return the id of this boot; after a restart of the machine no old identity is alive."""
    return (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


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
    """Whether exactly this process runs: same boot, same pid, same start."""
    return (
        identity.pid > 0
        and identity.boot_id == boot_id()
        and kernel_start(identity.pid) == identity.kernel_start
    )


def marked(marker: str) -> list[int]:
    """Return the processes whose start environment holds an entry that begins with *marker* (`NAME=value`)."""
    return [pid for pid in pids() if carries(pid, marker)]


def carries(pid: int, marker: str) -> bool:
    """Whether a process was started with an environment entry that begins with *marker*."""
    return _environment(pid).find(b"\0" + marker.encode()) >= 0


def variable(pid: int, name: str) -> str:
    """Return the value with which a process was started, "" without."""
    _, found, rest = _environment(pid).partition(f"\0{name}=".encode())
    return rest.partition(b"\0")[0].decode(errors="replace") if found else ""


def resident_bytes(pid: int) -> int:
    """Return the memory of a process that is in RAM, shared or its own; 0 if it has gone."""
    try:
        return int((_PROC / str(pid) / "statm").read_bytes().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def members(session: int) -> list[int]:
    """Return the living processes of a kernel session (setsid), whose id is the pid of the one that began it."""
    return [pid for pid in pids() if belongs(pid, session)]


def belongs(pid: int, session: int) -> bool:
    """Whether a living process belongs to a kernel session."""
    try:
        if os.getsid(pid) != session:
            return False
    except OSError:
        return False
    stat = _stat(pid)
    return stat is not None and stat[_STATE] not in _DEAD and int(stat[_SESSION]) == session


def kill(pid: int, still: Callable[[int], bool]) -> bool:
    """Send SIGKILL if *still* holds for the process once it is pinned; return whether it was sent."""
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        if not still(pid):
            return False
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    except OSError:
        return False
    else:
        return True
    finally:
        os.close(handle)


def pids() -> list[int]:
    """Return the pids of all processes but ours."""
    mine = os.getpid()
    return [pid for name in os.listdir(_PROC) if name.isdecimal() and (pid := int(name)) != mine]  # noqa: PTH208


def _environment(pid: int) -> bytes:
    """Return the entries, each behind a NUL; none of a process that is gone, a zombie, or another user's."""
    try:
        return b"\0" + (_PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return b""


def _stat(pid: int) -> list[bytes] | None:
    try:
        # The name in parentheses may hold anything, so count from the last one.
        return (_PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
