"""One child process and everything it starts: bytes in, bytes out, signals, and a proven end.

The child leads a kernel session of its own, dies with this server, and carries a marker in its environment, by which
descendants are found that left the session (the CLI runs every shell command in a new one). Where it has a control
group, nothing that it starts can leave that.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Protocol

from greenroomd.app.ports.processes import ProcessExit, ProcessFailed, ProcessIdentity, ShutdownTimeouts
from greenroomd.processes.filesystem.directory import Directory
from greenroomd.processes.host.descendants import Descendants
from greenroomd.processes.host.finish import finish
from greenroomd.processes.host.pipes import Input, Output
from greenroomd.processes.host.redaction import OutputTail, Redactor
from greenroomd.processes.host.spawn import MARKER, Command, SpawnedProcess, spawn
from greenroomd.processes.linux.cgroup import Cgroup

_DRAIN = timedelta(seconds=1)  # a descendant may hold the output open after the child's exit


class OutputListener(Protocol):
    """Takes the child's output as it comes; its methods run in the event loop and must not block."""

    def started(self, child: Child) -> None:
        """Receive the child; called first."""
        ...

    def received(self, data: bytes) -> bool:
        """Take a piece of output; False stops the reading until `Child.resume`."""
        ...

    def closed(self) -> None:
        """Called once, when there will be no more output."""
        ...

    def complained(self, data: bytes) -> None:
        """Take a piece of error output; it is empty once, when there will be no more."""
        ...


class Child:
    """A running child. Made by `running`, which also ends it."""

    def __init__(
        self,
        marker: str,
        listener: OutputListener,
        redactor: Redactor,
        group: Cgroup | None = None,
        clean_up: Callable[[int], Awaitable[object]] | None = None,
    ) -> None:
        self.marker = f"{MARKER}={marker}"
        self._group = group
        self._clean_up = clean_up
        self.identity: ProcessIdentity | None = None
        self.input = Input()
        self.exited = asyncio.Event()
        self._listener = listener
        self._stdout = Output(self._received, listener.closed)
        self._tail = OutputTail(redactor)
        self._stderr_closed = asyncio.Event()
        self._stderr = Output(self._complained, self._fell_silent)
        self._spawned: SpawnedProcess | None = None
        self._descendants: Descendants | None = None
        self._directory: Directory | None = None
        self._ending = asyncio.Lock()
        self._exit: ProcessExit | None = None

    async def start(self, command: Command) -> None:
        """Start the process; raises OSError. Called by `running` alone."""
        loop = asyncio.get_running_loop()
        self._directory = command.directory
        self._spawned = spawned = spawn(command)
        self.identity = spawned.identity
        self._descendants = Descendants(spawned.identity, self.marker, self._group)
        loop.add_reader(spawned.pidfd, self._look_for_exit)
        try:
            await loop.connect_write_pipe(lambda: self.input, spawned.stdin)
            await loop.connect_read_pipe(lambda: self._stderr, spawned.stderr)
            await loop.connect_read_pipe(lambda: self._stdout, spawned.stdout)
        except BaseException:
            self.signal(signal.SIGKILL)  # nobody can speak to it
            if not self._stderr.was_connected:
                self._stderr_closed.set()
            raise

    def resume(self) -> None:
        """Read on after `OutputListener.received` returned False."""
        self._stdout.resume()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the child alone; without effect once it has gone."""
        if self._spawned is not None and self._exit is None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._spawned.pidfd, number)

    async def end(self, timeouts: ShutdownTimeouts) -> ProcessExit:
        """Close the input, send SIGTERM, then SIGKILL, waiting after each; then kill what is left. Cannot be cancelled.

        A second call returns what the first one found.
        """
        return await finish(self._end(timeouts))

    async def _end(self, timeouts: ShutdownTimeouts) -> ProcessExit:
        async with self._ending:
            if self._exit is None:
                self._exit = await self._walk_ladder(timeouts)
            return self._exit

    async def _walk_ladder(self, timeouts: ShutdownTimeouts) -> ProcessExit:
        if self._spawned is None or self._descendants is None:
            return ProcessExit(code=127, signal=None, group_gone=True, stderr_tail="")
        self.resume()  # one that waits for its output to be read would not see the end of its input
        self.input.close()
        if not await _within(self.exited, timeouts.after_eof):
            self.signal(signal.SIGTERM)
            if not await _within(self.exited, timeouts.after_term):
                self.signal(signal.SIGKILL)
                await _within(self.exited, timeouts.after_kill)
        group_gone = await self._descendants.sweep(timeouts.after_kill) and self.exited.is_set()
        await _within(self._stderr_closed, _DRAIN)
        if self.exited.is_set() and self._clean_up is not None:
            await self._clean_up(self._spawned.identity.pid)
        status = await asyncio.to_thread(self._descendants.give_up_pid, self._spawned.process)
        self._let_go(self._spawned)
        if status is None:  # even SIGKILL has not ended it
            status = -signal.SIGKILL
        return ProcessExit(
            code=status if status >= 0 else None,
            signal=-status if status < 0 else None,
            group_gone=group_gone,
            stderr_tail=self._tail.text(),
        )

    def kill(self) -> int:
        """Kill the child and all it started; return how many there were. As `Descendants.kill`."""
        return 0 if self._descendants is None else self._descendants.kill()

    def _received(self, data: bytes) -> bool:
        if self._directory is not None:  # a child that writes has entered it
            self._directory.close()
            self._directory = None
        # After the exit all of the rest is read: it is no more than a pipe holds.
        return self._listener.received(data) or self.exited.is_set()

    def _complained(self, data: bytes) -> bool:
        self._tail.append(data)
        self._listener.complained(data)
        return True

    def _fell_silent(self) -> None:
        self._listener.complained(b"")
        self._stderr_closed.set()

    def _look_for_exit(self) -> None:
        """Note that the child has exited, and close the pipes soon even if a descendant holds them.

        It stays a zombie, so that its pid, which is its session's id, is nobody else's until `end` gives it up.
        """
        assert self._spawned is not None
        pidfd = self._spawned.pidfd
        try:
            if os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
                return
        except ChildProcessError:
            pass  # the kernel has waited for it: this process was started with SIGCHLD ignored
        loop = asyncio.get_running_loop()
        loop.remove_reader(pidfd)
        self.exited.set()
        self.resume()
        loop.call_later(_DRAIN.total_seconds(), self._stdout.close)
        loop.call_later(_DRAIN.total_seconds(), self._stderr.close)

    def _let_go(self, spawned: SpawnedProcess) -> None:
        asyncio.get_running_loop().remove_reader(spawned.pidfd)
        os.close(spawned.pidfd)
        self.input.abort()
        self._stdout.close()
        self._stderr.close()
        for pipe, connected in (
            (spawned.stdin, self.input.was_connected),
            (spawned.stdout, self._stdout.was_connected),
            (spawned.stderr, self._stderr.was_connected),
        ):
            if not connected:  # else the event loop closes it
                pipe.close()


@asynccontextmanager
async def running(
    command: Command,
    listener: OutputListener,
    redactor: Redactor,
    timeouts: ShutdownTimeouts,
    group: Cgroup | None = None,
    clean_up: Callable[[int], Awaitable[object]] | None = None,
) -> AsyncIterator[Child]:
    """Start a child; when the block ends it has ended, with all it started, however often the block is cancelled.

    The command's directory is closed once it is not needed any more; if the block ends sooner, that is the caller's.
    `group` is there already, and the caller's to remove. `clean_up` is called with the child's pid after its exit,
    while that pid can be no other process's. Raises ProcessFailed with SPAWN_FAILED.
    """
    child = Child(command.marker, listener, redactor, group, clean_up)
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
        await child.end(timeouts)


async def _within(event: asyncio.Event, timeout: timedelta) -> bool:
    try:
        async with asyncio.timeout(timeout.total_seconds()):
            await event.wait()
    except TimeoutError:
        return False
    return True
