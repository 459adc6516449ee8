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
    """All that one process is started with."""

    session_id: str
    """The session it works for; "" for a process that is started ahead."""
    workspace_id: str
    """The workspace whose directories it gets."""
    cli_session_id: str
    """The id of the conversation."""
    resume: bool
    """Whether the conversation must be there, and is continued.

    If not, it is begun under exactly this id, or continued where a crash in its first turn has left something.
    """
    config: SessionConfig
    """The session's whole configuration."""
    generation: int = 1
    """The number of this process among those of the session, from 1."""
    spent_usd: float = 0.0
    """What the session has cost before, in US dollars: the process may spend what this leaves of the budget."""
    first: bool = False
    """Whether the session never had a process, so that it can get one that has a conversation id of its own."""
    oauth_token: Secret | None = None
    """The session's own credential for the API; None if it uses the operator's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessIdentity:
    """Which process it is, beyond doubt: a pid alone may be another process tomorrow."""

    pid: int
    """Its process id."""
    kernel_start: int
    """When it started, in clock ticks since boot: field 22 of /proc/<pid>/stat."""
    boot_id: str
    """The kernel's id of the boot in which it started."""
    start_time: datetime
    """When it started, by the wall clock; for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """What the CLI says of itself before its first turn."""

    cli_version: str
    """Such as `2.1.330`."""
    model: str
    """The full name of the model in use."""
    permission_mode: str
    """The CLI's own word for the permission mode in force."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessExit:
    """How a process ended; exactly one of `code` and `signal` is set."""

    code: int | None
    """Its exit status."""
    signal: int | None
    """The number of the signal that ended it."""
    group_gone: bool
    """Whether the end of everything it started was proven."""
    stderr_tail: str
    """The last 16 KiB of its error output, without secrets."""
    memory_limit_hit: bool = False
    """Whether it was ended for holding more memory than its limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShutdownTimeouts:
    """How long to wait after each step that ends a process; none is ever extended."""

    after_eof: timedelta = timedelta(seconds=5)
    """After its input was closed."""
    after_term: timedelta = timedelta(seconds=5)  # the CLI flushes its transcript on SIGTERM: 1.5 s seen
    """After SIGTERM."""
    after_kill: timedelta = timedelta(seconds=5)
    """After SIGKILL, and once more for what it started."""

    @property
    def total(self) -> timedelta:
        """How long all steps may take together."""
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
        """Return whether it had been started ahead of need."""
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
        """Answer a permission question with yes: the tool runs with `tool_input`. No effect if it was withdrawn."""
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
        """Apply these limits to the process and all that it started; a memory limit of None is the node's."""
        ...

    async def end(self, patience: ShutdownTimeouts) -> ProcessExit:
        """Close its input, then send SIGTERM, then SIGKILL, until it ends; return how. Safe to call twice."""
        ...


class Processes(Protocol):
    """Starts processes. What is started in the block has ended when the block is left, whatever happens."""

    def running(self, launch: Launch) -> AbstractAsyncContextManager[AgentProcess]:
        """Start a process; raises ProcessFailed with the reason why that is impossible."""
        ...


@dataclass(frozen=True, slots=True)
class WarmStart:
    """Processes to keep ready for new sessions that are launched like this, or nearly so."""

    launch: Launch
    """What they are started with; without a working directory, they wait elsewhere for a session that names one."""
    count: int
    """How many of them."""


class Transcripts(Protocol):
    """The files in which the CLI keeps its conversations. Every method raises StoreUnavailable if it cannot."""

    async def copy(self, workspace_id: str, conversation: str, copy: str) -> None:
        """Copy a conversation to the id `copy`; a conversation that has this id is replaced.

        Durable when it returns. Call it only while no process writes the conversation. Raises ConversationLost.
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
        """Its slot; the caller of `claim` releases it, after `running`."""
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
