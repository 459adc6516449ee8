"""Starts one operating system process: it inherits no descriptor or variable, and gets SIGTERM if the server dies.

Nothing here looks at a path that a session names: where a file system hangs, only the new process hangs, in a wrapper,
before it has become the program.
"""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from greenroomd.app.ports.processes import ProcessIdentity
from greenroomd.processes.filesystem.directory import Directory
from greenroomd.processes.host.pipe_end import PipeEnd
from greenroomd.processes.linux import procfs

MARKER = "GREENROOM_PROCESS"
_WRAPPER = "import ctypes,os,sys;ctypes.CDLL(None).prctl(1,15);os.chdir(sys.argv[1]);os.execv(sys.argv[2],sys.argv[2:])"
_SYSTEM_PATH = "/usr/bin:/bin"
_NOWHERE = subprocess.DEVNULL
_ENTER = 'echo 0 >"$0" && exec "$@"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to start, and in what surroundings."""

    argv: Sequence[str]
    """The program's absolute path and its arguments."""
    environment: Mapping[str, str] = field(repr=False)
    """The whole environment but for the marker; nothing is inherited."""
    directory: Directory
    """Where it works; it must stay open until the program has said something or has ended."""
    marker: str
    """The value of the variable `MARKER`, by which the process and its descendants are found."""
    open_files: int | None = None
    """How many files it, and each process that it starts, may hold open; never more than this process may."""
    entrance: Path | None = None
    """The `cgroup.procs` of the control group in which it starts, if any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpawnedProcess:
    """A process that was just started, and our ends of its pipes; the caller closes them and waits for it."""

    process: subprocess.Popen[bytes]
    """The child as Python knows it, to wait for its exit status."""
    identity: ProcessIdentity
    """Its pid, start and boot."""
    pidfd: int
    """A descriptor that refers to exactly this process, even after its pid was given to another."""
    stdin: PipeEnd
    """Our end of its input."""
    stdout: PipeEnd
    """Our end of its output."""
    stderr: PipeEnd
    """Our end of its error output."""


def spawn(command: Command) -> SpawnedProcess:
    """Start the command in a kernel session of its own, with three pipes; blocks for some 2 ms.

    Call it in the main thread: the death signal comes when the thread that started the process ends. Raises OSError;
    then no process is left, and no descriptor.
    """
    # Not the event loop's own way: uvloop leaves copies of the pipes open in the child and in all that it starts.
    with ExitStack() as theirs, ExitStack() as undo:
        child_stdin, stdin = _pipe(theirs, undo)
        stdout, child_stdout = _pipe(undo, theirs)
        stderr, child_stderr = _pipe(undo, theirs)
        process = subprocess.Popen(
            _inside(command.entrance, _wrapped(command.argv, command.directory.entrance)),
            bufsize=0,
            stdin=child_stdin,
            stdout=child_stdout,
            stderr=child_stderr,
            env={**command.environment, MARKER: command.marker},
            start_new_session=True,
        )
        undo.callback(_abandon, process)
        pidfd = os.pidfd_open(process.pid)
        undo.callback(os.close, pidfd)
        identity = procfs.identify(process.pid, datetime.now(UTC))
        if command.open_files is not None:
            _limit_open_files(process.pid, command.open_files)
        undo.pop_all()
    return SpawnedProcess(
        process=process,
        identity=identity,
        pidfd=pidfd,
        stdin=PipeEnd(stdin),
        stdout=PipeEnd(stdout),
        stderr=PipeEnd(stderr),
    )


def _pipe(reader: ExitStack, writer: ExitStack) -> tuple[int, int]:
    """Open a pipe; each of the two stacks closes one end."""
    read_end, write_end = os.pipe2(os.O_CLOEXEC)
    reader.callback(os.close, read_end)
    writer.callback(os.close, write_end)
    return read_end, write_end


def _abandon(process: subprocess.Popen[bytes]) -> None:
    """End a process that was started a moment ago, with what it may have started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(
            process.pid, signal.SIGKILL
        )  # it leads its group, and was not waited for: the pid is its own
    process.kill()
    process.wait()


def _limit_open_files(pid: int, most: int) -> None:
    """Set the limit from outside, in time for all that the process starts: no code of ours runs in a fork."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    with contextlib.suppress(ProcessLookupError):
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (most, most))


def _wrapped(argv: Sequence[str], directory: str) -> Sequence[str]:
    """Put a wrapper before `argv` that gets SIGTERM when this process dies, enters `directory`, and becomes `argv`.

    TERM, not KILL: on TERM the CLI ends the commands it runs as well. A hook between fork and exec would do
    without a wrapper, but runs Python in a fork of a threaded process. setpriv and env cost 1 ms each, Python 10 ms.
    """
    setpriv, env = shutil.which("setpriv", path=_SYSTEM_PATH), shutil.which("env", path=_SYSTEM_PATH)
    # env takes a program with = in its path for a variable.
    if setpriv and env and "=" not in argv[0] and _changes_directory(env):
        return [setpriv, "--pdeathsig", "TERM", "--", env, "-C", directory, "--", *argv]
    return [sys.executable, "-I", "-S", "-c", _WRAPPER, directory, *argv]


@cache
def _changes_directory(env: str) -> bool:
    """Return whether this `env` knows -C, as that of GNU does from 8.28 on; raises OSError if it cannot be run."""
    probe = subprocess.run([env, "-C", "/", "--", env], env={}, stdout=_NOWHERE, stderr=_NOWHERE, check=False)
    return probe.returncode == 0


def _inside(entrance: Path | None, argv: Sequence[str]) -> Sequence[str]:
    """Put a wrapper before `argv` that goes into a control group, then becomes `argv`: nothing can start outside it.

    The kernel can start a process inside a group at once, but Python cannot ask it to. The shell costs 1 ms.
    """
    return argv if entrance is None else ["/bin/sh", "-c", _ENTER, str(entrance), *argv]
