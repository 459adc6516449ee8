"""Starts one operating system process: closed to everything of ours, and mortal with us."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MARKER = "GREENROOM_PROCESS"
_PRCTL = "import ctypes,os,sys;ctypes.CDLL(None).prctl(1,15);os.execv(sys.argv[1],sys.argv[1:])"
_ENTER = 'echo 0 >"$0" && exec "$@"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to start: the whole environment is *environment* and the marker, nothing is inherited.

    *open_files* is how many files it, and each process that it starts, may hold open; never more than this process may.
    *entrance* is the `cgroup.procs` of the control group in which it starts, if any.
    """

    argv: Sequence[str]
    environment: Mapping[str, str]
    cwd: str
    marker: str
    open_files: int | None = None
    entrance: Path | None = None


def spawn(command: Command) -> subprocess.Popen[bytes]:
    """Start the command in a kernel session of its own, with three pipes; blocks for some 2 ms.

    Call it in the main thread: the death signal comes when the thread that started the process ends. Raises OSError.
    """
    # Not the event loop's own way: uvloop leaves copies of the pipes open in the child and in all that it starts.
    _check(command)
    process = subprocess.Popen(
        _inside(command.entrance, _dies_with_parent(command.argv)),
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**command.environment, MARKER: command.marker},
        cwd=command.cwd,
        start_new_session=True,
    )
    if command.open_files is not None:
        _limit_open_files(process.pid, command.open_files)
    return process


def _limit_open_files(pid: int, most: int) -> None:
    """Set the limit from outside, in time for all that the process starts: no code of ours runs in a fork."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    with contextlib.suppress(ProcessLookupError):
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (most, most))


def _check(command: Command) -> None:
    """Raise the OSError that exec would: behind the wrapper it would only be an exit status."""
    if not os.access(command.argv[0], os.X_OK):
        raise PermissionError(f"{command.argv[0]} is not an executable file")
    if not Path(command.cwd).is_dir():
        raise NotADirectoryError(f"working directory {command.cwd} does not exist")


def _dies_with_parent(argv: Sequence[str]) -> Sequence[str]:
    """Put a wrapper before *argv* that asks the kernel for SIGTERM when this process dies, then becomes *argv*.

    TERM, not KILL: on TERM the CLI ends the commands it runs as well. A hook between fork and exec would do
    without a wrapper, but runs Python in a fork of a threaded process. setpriv costs 1 ms, Python 10 ms.
    """
    if setpriv := shutil.which("setpriv", path="/usr/bin:/bin"):
        return [setpriv, "--pdeathsig", "TERM", "--", *argv]
    return [sys.executable, "-I", "-S", "-c", _PRCTL, *argv]


def _inside(entrance: Path | None, argv: Sequence[str]) -> Sequence[str]:
    """Put a wrapper before *argv* that goes into a control group, then becomes *argv*: nothing can start outside it.

    The kernel can start a process inside a group at once, but Python cannot ask it to. The shell costs 1 ms.
    """
    return argv if entrance is None else ["/bin/sh", "-c", _ENTER, str(entrance), *argv]
