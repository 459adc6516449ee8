"""One child process and all it starts: bytes in, bytes out, signals, and an end that is proven.

The child leads a kernel session of its own, dies with this server, and carries a marker in its environment, by which
descendants are found that left the session (the CLI runs every shell command in a new one). Where it has a control
group, nothing that it starts can leave that.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from greenroomd.app.ports.processes import ProcessExit, ProcessFailed, ProcessIdentity, ShutdownTimeouts
from greenroomd.processes.host import procfs
from greenroomd.processes.host.cgroup import Cgroup
from greenroomd.processes.host.finish import finish
from greenroomd.processes.host.pipe_end import PipeEnd
from greenroomd.processes.host.pipes import Input, Output
from greenroomd.processes.host.redaction import Redactor, Tail
from greenroomd.processes.host.spawn import MARKER, Command, spawn

_DRAIN = timedelta(seconds=1)  # a descendant may hold the output open after the child's exit
_SWEEP_SECONDS = 0.01


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


class Child:
    """A running child. Made by `running`, which also ends it."""

    def __init__(
        self, marker: str, listener: Listener, redactor: Redactor, group: Cgroup | None = None
    ) -> None:
        self.marker = f"{MARKER}={marker}"
        self._group = group
        self.identity: ProcessIdentity | None = None
        self.input = Input()
        self._listener = listener
        self._stdout = Output(self._received, listener.closed)
        self._tail = Tail(redactor)
        self._stderr_closed = asyncio.Event()
        self._stderr = Output(self._complained, self._stderr_closed.set)
        self._process: subprocess.Popen[bytes] | None = None
        self._pidfd = -1
        self._exited = asyncio.Event()
        self._ending = asyncio.Lock()
        self._exit: ProcessExit | None = None

    async def start(self, command: Command) -> None:
        """Start the process; raises OSError. Called by `running` alone."""
        loop = asyncio.get_running_loop()
        self._process = process = spawn(command)
        self.identity = procfs.identify(process.pid, datetime.now(UTC))
        self._pidfd = os.pidfd_open(process.pid)
        loop.add_reader(self._pidfd, self._reap)
        assert process.stdin is not None
        assert process.stderr is not None
        assert process.stdout is not None
        await loop.connect_write_pipe(lambda: self.input, PipeEnd(process.stdin))
        await loop.connect_read_pipe(lambda: self._stderr, PipeEnd(process.stderr))
        await loop.connect_read_pipe(lambda: self._stdout, PipeEnd(process.stdout))

    def resume(self) -> None:
        """Read on after `Listener.received` said no."""
        self._stdout.resume()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the child alone; without effect once it has gone."""
        if self._pidfd >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, number)

    async def end(self, patience: ShutdownTimeouts) -> ProcessExit:
        """Close the input, then TERM, then KILL, each with its wait, then kill whatever is left; never cut short.

        A second call returns what the first one found.
        """
        return await finish(self._end(patience))

    async def _end(self, patience: ShutdownTimeouts) -> ProcessExit:
        async with self._ending:
            if self._exit is None:
                self._exit = await self._walk_ladder(patience)
            return self._exit

    async def _walk_ladder(self, patience: ShutdownTimeouts) -> ProcessExit:
        if self._process is None:
            return ProcessExit(code=127, signal=None, group_gone=True, stderr_tail="")
        self.resume()  # one that waits for its output to be read would not see the end of its input
        self.input.close()
        if not await _within(self._exited, patience.after_eof):
            self.signal(signal.SIGTERM)
            if not await _within(self._exited, patience.after_term):
                self.signal(signal.SIGKILL)
                await _within(self._exited, patience.after_kill)
        group_gone = await self._sweep(patience.after_kill) and self._exited.is_set()
        await _within(self._stderr_closed, _DRAIN)
        self._let_go()
        status = self._process.returncode
        return ProcessExit(
            code=status if status is not None and status >= 0 else None,
            signal=-status
            if status is not None and status < 0
            else signal.SIGKILL
            if status is None
            else None,
            group_gone=group_gone,
            stderr_tail=self._tail.text(),
        )

    async def _sweep(self, patience: timedelta) -> bool:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + patience.total_seconds()
        while await asyncio.to_thread(self.kill):
            if loop.time() >= deadline:
                return False
            await asyncio.sleep(_SWEEP_SECONDS)
        return True

    def kill(self) -> int:
        """Kill what is in the group or the session or carries the marker, the child too; return how many there were.

        Blocks for some milliseconds: call it in a thread.
        """
        assert self.identity is not None
        session = self.identity.pid

        def inside() -> list[int]:
            return [] if self._group is None else self._group.members()

        def ours(pid: int) -> bool:
            return procfs.belongs(pid, session) or procfs.carries(pid, self.marker) or pid in inside()

        members = inside()
        if members and self._group is not None:
            self._group.kill()
        found = {*members, *procfs.members(session), *procfs.marked(self.marker)}
        for pid in found:
            procfs.kill(pid, ours)
        return len(found)

    def _received(self, data: bytes) -> bool:
        # After the exit all of the rest is read: it is no more than a pipe holds.
        return self._listener.received(data) or self._exited.is_set()

    def _complained(self, data: bytes) -> bool:
        self._tail.append(data)
        return True

    def _reap(self) -> None:
        """Take the exit status, and close the pipes soon even if a descendant holds them."""
        assert self._process is not None
        if self._process.poll() is None:
            return
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._pidfd)
        self._exited.set()
        self.resume()
        loop.call_later(_DRAIN.total_seconds(), self._stdout.close)
        loop.call_later(_DRAIN.total_seconds(), self._stderr.close)

    def _let_go(self) -> None:
        if self._pidfd >= 0:
            asyncio.get_running_loop().remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = -1
        self.input.abort()
        self._stdout.close()
        self._stderr.close()


@asynccontextmanager
async def running(
    command: Command,
    listener: Listener,
    redactor: Redactor,
    patience: ShutdownTimeouts,
    group: Cgroup | None = None,
) -> AsyncIterator[Child]:
    """Start a child; when the block ends it has ended, with all it started, however often the block is cancelled.

    *group* is there already, and the caller's to remove. Raises ProcessFailed with SPAWN_FAILED.
    """
    child = Child(command.marker, listener, redactor, group)
    if group is not None:
        command = replace(command, entrance=group.entrance)
    listener.started(child)
    try:
        try:
            await finish(child.start(command))
        except OSError as error:
            raise ProcessFailed("SPAWN_FAILED", redactor.text(str(error))) from None
        yield child
    finally:
        await child.end(patience)


async def _within(event: asyncio.Event, patience: timedelta) -> bool:
    try:
        async with asyncio.timeout(patience.total_seconds()):
            await event.wait()
    except TimeoutError:
        return False
    return True
