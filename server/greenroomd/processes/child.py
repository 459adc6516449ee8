"""One child process and all it starts: bytes in, bytes out, signals, and an end that is proven.

The child leads a kernel session of its own, dies with this server, and carries a marker in its environment, by which
descendants are found that left the session (the CLI runs every shell command in a new one).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol, cast

from greenroomd.app.ports import EndPatience, ProcessExit, ProcessFailed, ProcessIdentity
from greenroomd.processes import kernel
from greenroomd.processes.finish import finish
from greenroomd.processes.redaction import Redactor, Tail

MARKER = "GREENROOM_PROCESS"
_STDIN, _STDOUT, _STDERR = 0, 1, 2
_DRAIN_SECONDS = 1.0  # a descendant may hold the output open after the child's exit
_MAX_POSTED_BYTES = 2**20
_SWEEP_SECONDS = 0.01
_PRCTL = "import ctypes,os,sys;ctypes.CDLL(None).prctl(1,15);os.execv(sys.argv[1],sys.argv[1:])"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to start: the whole environment is *environment* and the marker, nothing is inherited."""

    argv: Sequence[str]
    environment: Mapping[str, str]
    cwd: str
    marker: str


class Listener(Protocol):
    """Takes the child's output as it comes; its methods run in the event loop and must not block."""

    def started(self, child: Child) -> None:
        """Learn which child it is, before anything else."""
        ...

    def received(self, data: bytes) -> bool:
        """Take a piece of output; False stops the reading until `Child.resume`."""
        ...

    def closed(self) -> None:
        """Learn, once, that there will be no more output."""
        ...


class Child(asyncio.SubprocessProtocol):
    """A running child. Made by `running`, which also ends it."""

    def __init__(self, marker: str, listener: Listener, redactor: Redactor) -> None:
        self.marker = f"{MARKER}={marker}"
        self.identity: ProcessIdentity | None = None
        self._listener = listener
        self._stderr = Tail(redactor)
        self._transport: asyncio.SubprocessTransport | None = None
        self._pidfd = -1
        self._exited = asyncio.Event()
        self._stderr_closed = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._input_lost = False
        self._output_closed = False
        self._ending = asyncio.Lock()
        self._exit: ProcessExit | None = None

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take hold of the process as soon as it exists."""
        self._transport = cast("asyncio.SubprocessTransport", transport)
        pid = self._transport.get_pid()
        self.identity = kernel.identify(pid, datetime.now(UTC))
        with contextlib.suppress(ProcessLookupError):
            self._pidfd = os.pidfd_open(pid)
        # Zero: a write is over when the kernel has it all, so a child that does not read is noticed.
        self._stdin().set_write_buffer_limits(high=0)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Hand output on; keep the end of what came on stderr."""
        if fd == _STDERR:
            self._stderr.append(data)
        elif not self._listener.received(data) and not self._exited.is_set():
            self._stdout().pause_reading()

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        """Note which pipe is closed."""
        if fd == _STDERR:
            self._stderr_closed.set()
        elif fd == _STDIN:
            self._input_lost = True
            self._writable.set()
        elif not self._output_closed:
            self._output_closed = True
            self._listener.closed()

    def process_exited(self) -> None:
        """Read what is left in the pipes (it is bounded), then close them even if a descendant holds them."""
        self._exited.set()
        self.resume()
        asyncio.get_running_loop().call_later(_DRAIN_SECONDS, self._close_pipes)

    def pause_writing(self) -> None:
        """Note that the child has not read all that was written."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Note that the child has read all that was written."""
        self._writable.set()

    # What the owner calls.

    async def write(self, line: bytes, timeout: timedelta) -> None:
        """Write one line whole, in the order of the calls; raises ProcessFailed if the child does not take it.

        After INPUT_STALLED the input is unusable: half a line may have been taken.
        """
        self._input().write(line)
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                await self._writable.wait()
        except TimeoutError:
            self._input_lost = True
            raise ProcessFailed("INPUT_STALLED", "the process does not read its input") from None
        if self._input_lost:
            raise ProcessFailed("PROCESS_EXITED", "the process has closed its input")

    def post(self, line: bytes) -> None:
        """Write one line without waiting; lost if the child lets 1 MiB pile up. Raises as `write` if it has gone."""
        if self._input().get_write_buffer_size() < _MAX_POSTED_BYTES:
            self._input().write(line)

    def resume(self) -> None:
        """Read on after `Listener.received` said no."""
        if self._transport is not None and not self._output_closed:
            self._stdout().resume_reading()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the child alone; without effect once it has gone."""
        if self._pidfd >= 0 and not self._exited.is_set():
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, number)

    async def end(self, patience: EndPatience) -> ProcessExit:
        """Close the input, then TERM, then KILL, each with its wait, then kill whatever is left; never cut short.

        A second call returns what the first one found.
        """
        return await finish(self._end(patience))

    async def _end(self, patience: EndPatience) -> ProcessExit:
        async with self._ending:
            if self._exit is None:
                self._exit = await self._walk_ladder(patience)
            return self._exit

    async def _walk_ladder(self, patience: EndPatience) -> ProcessExit:
        if self._transport is None:
            return ProcessExit(code=127, signal=None, group_gone=True, stderr_tail="")
        self.resume()  # one that waits for its output to be read would not see the end of its input
        self._stdin().close()
        if not await _within(self._exited, patience.after_eof):
            self.signal(signal.SIGTERM)
            if not await _within(self._exited, patience.after_term):
                self.signal(signal.SIGKILL)
                await _within(self._exited, patience.after_kill)
        group_gone = self._exited.is_set() and await self._sweep(patience.after_kill)
        await _within(self._stderr_closed, timedelta(seconds=_DRAIN_SECONDS))
        status = self._transport.get_returncode()
        self._transport.close()
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1
        return ProcessExit(
            code=status if status is not None and status >= 0 else None,
            signal=-status
            if status is not None and status < 0
            else signal.SIGKILL
            if status is None
            else None,
            group_gone=group_gone,
            stderr_tail=self._stderr.text(),
        )

    async def _sweep(self, patience: timedelta) -> bool:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + patience.total_seconds()
        while await asyncio.to_thread(self._kill_descendants):
            if loop.time() >= deadline:
                return False
            await asyncio.sleep(_SWEEP_SECONDS)
        return True

    def _kill_descendants(self) -> int:
        """Kill what carries the marker or is in the session; return how many there were."""
        assert self.identity is not None
        session = self.identity.pid

        def ours(pid: int) -> bool:
            return kernel.belongs(pid, session) or kernel.carries(pid, self.marker)

        found = {*kernel.members(session), *kernel.marked(self.marker)}
        for pid in found:
            kernel.kill(pid, ours)
        return len(found)

    def _input(self) -> asyncio.WriteTransport:
        if self._transport is None or self._input_lost or self._exited.is_set():
            raise ProcessFailed("PROCESS_EXITED", "the process has closed its input")
        return self._stdin()

    def _stdin(self) -> asyncio.WriteTransport:
        assert self._transport is not None
        return cast("asyncio.WriteTransport", self._transport.get_pipe_transport(_STDIN))

    def _stdout(self) -> asyncio.ReadTransport:
        assert self._transport is not None
        return cast("asyncio.ReadTransport", self._transport.get_pipe_transport(_STDOUT))

    def _close_pipes(self) -> None:
        if self._transport is not None:
            for fd in (_STDOUT, _STDERR):
                if pipe := self._transport.get_pipe_transport(fd):
                    pipe.close()


@asynccontextmanager
async def running(
    command: Command, listener: Listener, redactor: Redactor, patience: EndPatience
) -> AsyncIterator[Child]:
    """Start a child; when the block ends it has ended, with all it started, however often the block is cancelled.

    Start it from the main thread: its death signal comes when the thread that started it dies.
    Raises ProcessFailed with SPAWN_FAILED.
    """
    child = Child(command.marker, listener, redactor)
    listener.started(child)
    try:
        try:
            _check(command)
            await finish(_spawn(child, command))
        except OSError as error:
            raise ProcessFailed("SPAWN_FAILED", redactor.text(str(error))) from None
        yield child
    finally:
        await child.end(patience)


async def _spawn(child: Child, command: Command) -> None:
    await asyncio.get_running_loop().subprocess_exec(
        lambda: child,
        *_dies_with_parent(command.argv),
        env={**command.environment, MARKER: command.marker},
        cwd=command.cwd,
        start_new_session=True,
    )


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


async def _within(event: asyncio.Event, patience: timedelta) -> bool:
    try:
        async with asyncio.timeout(patience.total_seconds()):
            await event.wait()
    except TimeoutError:
        return False
    return True
