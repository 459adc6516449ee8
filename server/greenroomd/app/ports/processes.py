"""The ports to processes: what the application asks of whatever runs `claude`, and nothing more.

The application does not know whether a process runs on this machine. Adapters live in `greenroomd.processes`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from greenroomd.domain.config import JsonObject, Limits, PermissionMode, Secret, SessionConfig
from greenroomd.domain.frames import Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """All that one process is started with.

    `cli_session_id` is the conversation. If `resume`, it must be there and is continued; else it is begun under exactly
    this id, or continued where a crash in its first turn has left something.
    `first` tells that the session never had a process, so that one may come with a conversation of its own.
    `spent_usd` is what the session has cost before: a process may spend what this leaves of the config's budget.
    """

    session_id: str
    workspace_id: str
    cli_session_id: str
    resume: bool
    config: SessionConfig
    generation: int = 1
    spent_usd: float = 0.0
    first: bool = False
    oauth_token: Secret | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessIdentity:
    """Which process it is, beyond doubt: a pid alone may be another process tomorrow.

    `kernel_start` is field 22 of /proc/<pid>/stat (clock ticks since boot), `boot_id` the kernel's boot id.
    """

    pid: int
    kernel_start: int
    boot_id: str
    start_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """What the CLI says of itself before its first turn."""

    cli_version: str
    model: str
    permission_mode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessExit:
    """How a process ended; exactly one of `code` and `signal` is set.

    `group_gone` says whether the end of everything it started was proven. `stderr_tail` is redacted.
    `memory_limit_hit` tells that it was ended for holding more memory than it may.
    """

    code: int | None
    signal: int | None
    group_gone: bool
    stderr_tail: str
    memory_limit_hit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ShutdownTimeouts:
    """How long each rung of the end ladder may take; none is ever extended."""

    after_eof: timedelta = timedelta(seconds=5)
    after_term: timedelta = timedelta(seconds=5)  # the CLI flushes its transcript on SIGTERM: 1.5 s seen
    after_kill: timedelta = timedelta(seconds=5)

    @property
    def total(self) -> timedelta:
        """How long the whole ladder may take."""
        return self.after_eof + self.after_term + self.after_kill


class ProcessFailed(Exception):
    """The process could not be started, ended before it was ready, or does not do what it was told.

    `reason` is an error reason (SPAWN_FAILED, CLI_MISSING, WORKING_DIR_GONE,
    WORKING_DIR_OUTSIDE_ROOTS, HANDSHAKE_TIMEOUT, HANDSHAKE_FAILED,
    CONVERSATION_LOST, CONTROL_TIMEOUT, CONTROL_REFUSED, INPUT_STALLED, PROCESS_EXITED). The message is redacted.
    """

    def __init__(self, reason: str, message: str, *, exit: ProcessExit | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.exit = exit


class AgentProcess(Protocol):
    """One running `claude`, owned by one task. Every method that speaks to it raises ProcessFailed."""

    @property
    def identity(self) -> ProcessIdentity:
        """Pid, start time and boot id, for the row and the reaper."""
        ...

    @property
    def conversation(self) -> str:
        """The id under which the CLI keeps its conversation: the launch's, or its own if it was started ahead."""
        ...

    @property
    def warm(self) -> bool:
        """Whether it had been started ahead of need."""
        ...

    async def handshake(self, timeout: timedelta) -> Handshake:
        """Initialize the CLI and return what it says of itself; call it once, before anything else.

        One that had been started ahead is initialized already, and answers at once.
        """
        ...

    def frames(self) -> AsyncIterator[Sequence[Frame]]:
        """Yield what the process says, all that is there at once, in order; ends when it closed its output."""
        ...

    async def say(self, message_uuid: str, prompt: str, content: Sequence[JsonObject]) -> None:
        """Send one user message under our uuid: `content` blocks, or `prompt` as text never taken for a command."""
        ...

    async def interrupt(self) -> None:
        """Stop what it is doing; the turn's result follows as a frame. Without effect when idle."""
        ...

    async def allow(self, request_id: str, tool_input: JsonObject) -> None:
        """Answer a permission question with yes: the tool runs with `tool_input`, or it was withdrawn meanwhile."""
        ...

    async def deny(self, request_id: str, message: str) -> None:
        """Answer a permission question with no; the model reads `message`."""
        ...

    async def set_model(self, model: str | None) -> None:
        """Use another model from the next request on; None is the CLI's default."""
        ...

    async def set_permission_mode(self, mode: PermissionMode) -> None:
        """Use another permission mode from now on."""
        ...

    async def hold_to(self, limits: Limits) -> None:
        """Bound what it takes together with all that it started: memory (None: the node's limit) and processors."""
        ...

    async def end(self, patience: ShutdownTimeouts) -> ProcessExit:
        """Walk the end ladder (input closed, TERM, KILL) and return how everything ended; safe to call twice."""
        ...


class Processes(Protocol):
    """Starts processes. What is started in the block has ended when the block is left, whatever happens."""

    def running(self, launch: Launch) -> AbstractAsyncContextManager[AgentProcess]:
        """Start a process; raises ProcessFailed with the reason why that is impossible."""
        ...


@dataclass(frozen=True, slots=True)
class WarmStart:
    """Processes to keep ready for new sessions that are launched like this, or nearly so.

    Without a working directory a process waits elsewhere, for a session that names one.
    """

    launch: Launch
    count: int


class Transcripts(Protocol):
    """The files in which the CLI keeps its conversations. Every method raises StoreUnavailable if it cannot."""

    async def copy(self, workspace_id: str, conversation: str, copy: str) -> None:
        """Make a conversation under the id `copy` that goes on as this one would now; a copy there is replaced.

        Durable when it returns; call it while nobody speaks. Raises ConversationLost.
        """
        ...

    async def remove(self, workspace_id: str, conversation: str) -> None:
        """Remove all that is kept of a conversation; it does not matter whether there is anything."""
        ...


class Lease(Protocol):
    """The right to run one process. Give it back exactly once."""

    def idle(self, evict: Callable[[], None]) -> None:
        """Offer the process as a victim: under pressure `evict` is called, once, and the lease is expected back."""
        ...

    def busy(self) -> None:
        """Withdraw the offer."""
        ...

    def release(self) -> None:
        """Give the slot back; only after the process has ended."""
        ...


class Slots(Protocol):
    """The bounded supply of processes."""

    async def lease(self, workspace_id: str, session_id: str) -> Lease:
        """Wait for a slot, oldest first and fair between workspaces; raises NoSlot when the wait is too long."""
        ...


class Claim(Protocol):
    """A process that was started ahead and is one session's now, together with the slot it runs in."""

    @property
    def lease(self) -> Lease:
        """Its slot: for whoever claimed it to give back, after `running`."""
        ...

    def running(self, launch: Launch) -> AbstractAsyncContextManager[AgentProcess]:
        """Have it serve the launch that claimed it; as `Processes.running`. Enter it, or the process stays."""
        ...


class WarmStarts(Protocol):
    """Starts processes ahead of need."""

    def keep(self, wanted: Sequence[WarmStart]) -> None:
        """Keep these ready from now on, as far as slots are free; what is not wanted any more ends."""
        ...

    def claim(self, launch: Launch) -> Claim | None:
        """Take a process that fits a launch out of those that wait, if there is one."""
        ...


Reap = Callable[[Sequence[ProcessIdentity]], Awaitable[None]]
"""Ends every process that a dead server started from this state directory; proven when it returns.

It is given the processes that the rows name, whose files it removes once they are gone.
"""
