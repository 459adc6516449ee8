"""The ports to one process: what it is started with, what can be said to it, how it ends.

The application does not know whether a process runs on this machine. Adapters live in `greenroomd.processes`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from greenroomd.domain.capabilities import NOTHING_OFFERED, Capabilities
from greenroomd.domain.config import Effort, JsonObject, Limits, PermissionMode, Secret, SessionConfig
from greenroomd.domain.frames.frame import Frame
from greenroomd.domain.mcp import McpServer


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """Everything that one process is started with."""

    session_id: str
    """The session that it works for; "" for a process that is started ahead."""
    workspace_id: str
    """The workspace whose directories it uses."""
    cli_session_id: str
    """The id of the conversation."""
    resume: bool
    """Whether to continue the conversation, which must exist.

    If not, a conversation begins under exactly this id, or continues one that a crash in its first turn left behind.
    """
    config: SessionConfig
    """The session's complete configuration, with the mode and the model that the CLI chose by itself."""
    may_bypass: bool = False
    """Whether the CLI may be told later to bypass permissions, though `config` has another mode."""
    generation: int = 1
    """The generation of `config`, from 1."""
    spent_usd: float = 0.0
    """What the session has cost so far, in US dollars; the process may spend the rest of the budget."""
    first: bool = False
    """Whether the session never had a process, so that a process with its own conversation id will do."""
    oauth_token: Secret | None = None
    """The session's own credential for the API; None if it uses the operator's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessIdentity:
    """Identifies a process beyond doubt: a pid alone may be reused."""

    pid: int
    """Its process id."""
    kernel_start: int
    """When it started, in clock ticks since boot: field 22 of /proc/<pid>/stat."""
    boot_id: str
    """The kernel's id of the boot in which it started."""
    start_time: datetime
    """When it started, by the wall clock; only for people to read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """What the CLI reports about itself before its first turn."""

    cli_version: str
    """Such as `2.1.330`."""
    model: str
    """The full name of the model in use."""
    permission_mode: str
    """The CLI's own word for the permission mode in force."""
    capabilities: Capabilities = NOTHING_OFFERED
    """What it offers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessExit:
    """How a process ended; exactly one of `code` and `signal` is set."""

    code: int | None
    """Its exit status."""
    signal: int | None
    """The number of the signal that ended it."""
    group_gone: bool
    """Whether everything that it started is proven to have ended."""
    stderr_tail: str
    """The last 16 KiB of its stderr, without secrets."""
    memory_limit_hit: bool = False
    """Whether it was ended because it used more memory than its limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShutdownTimeouts:
    """How long to wait after each step of ending a process. A wait is never extended."""

    after_eof: timedelta = timedelta(seconds=5)
    """After closing its stdin."""
    after_term: timedelta = timedelta(seconds=5)  # the CLI flushes its transcript on SIGTERM: 1.5 s seen
    """After SIGTERM."""
    after_kill: timedelta = timedelta(seconds=5)
    """After SIGKILL, and once more for the processes that it started."""

    @property
    def total(self) -> timedelta:
        """The longest time that all steps take together."""
        return self.after_eof + self.after_term + self.after_kill


class ProcessFailed(Exception):
    """The process could not be started, ended before it was ready, or does not obey.

    `reason` is an error reason (SPAWN_FAILED, CLI_MISSING, WORKING_DIR_GONE,
    WORKING_DIR_OUTSIDE_ROOTS, HANDSHAKE_TIMEOUT, HANDSHAKE_FAILED,
    CONVERSATION_LOST, CONTROL_TIMEOUT, CONTROL_REFUSED, INPUT_STALLED, PROCESS_EXITED). The message is redacted.
    `facts` is what the reason tells beside the exit, by the keys of `error_reason.proto`.
    """

    def __init__(
        self,
        reason: str,
        message: str,
        *,
        exit: ProcessExit | None = None,
        facts: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.exit = exit
        self.facts = facts or {}


class AgentProcess(Protocol):
    """One running `claude`, owned by one task. Every method that talks to it may raise ProcessFailed."""

    @property
    def identity(self) -> ProcessIdentity:
        """Its pid, start time and boot id, for the session's row and the reaper."""
        ...

    @property
    def conversation(self) -> str:
        """The id under which the CLI stores its conversation: the launch's, or its own if it was started ahead."""
        ...

    @property
    def warm(self) -> bool:
        """Whether it was started ahead."""
        ...

    async def handshake(self, timeout: timedelta) -> Handshake:
        """Initialize the CLI and return what it reports about itself; call it once, before anything else.

        A process that was started ahead is initialized already and answers at once.
        """
        ...

    def frames(self) -> AsyncIterator[Sequence[Frame]]:
        """Yield the process's frames in order, as many as are there; ends when the process closes its stdout."""
        ...

    async def say(self, message_uuid: str, prompt: str, content: Sequence[JsonObject]) -> None:
        """Send a user message with our uuid: `content` blocks, or `prompt` as text, never taken for a command."""
        ...

    async def interrupt(self) -> None:
        """Stop what it is doing; the turn's result follows as a frame. Has no effect when idle."""
        ...

    async def stop_task(self, task_id: str) -> None:
        """Stop a background task; what became of it follows as a frame. Has no effect on one that has ended."""
        ...

    async def allow(self, request_id: str, tool_input: JsonObject) -> None:
        """Grant a permission request: the tool runs with `tool_input`. Has no effect if the request was withdrawn."""
        ...

    async def deny(self, request_id: str, message: str) -> None:
        """Deny a permission request; the model reads `message`."""
        ...

    async def set_model(self, model: str | None) -> str:
        """Use this model from the next API request on, None for the CLI's default; return its full name."""
        ...

    async def set_permission_mode(self, mode: PermissionMode) -> str:
        """Use this permission mode from now on; return the CLI's own word for the mode that is in force then."""
        ...

    async def mcp_servers(self, within: timedelta) -> Sequence[McpServer]:
        """Return its MCP servers as they are now; it answers once it is not being told about some."""
        ...

    async def reconnect_mcp(self, name: str, within: timedelta) -> None:
        """Connect to an MCP server anew; returns when that is done or has failed, which `mcp_servers` tells."""

    async def set_effort(self, effort: Effort | None) -> None:
        """Have the model think so much from the next API request on; None is the CLI's default for the model."""
        ...

    async def set_max_thinking_tokens(self, tokens: int | None) -> None:
        """Give the model this budget for thinking; None is the CLI's default for the model."""
        ...

    async def hold_to(self, limits: Limits) -> None:
        """Apply these limits to the process and everything it started; a memory limit of None means the node's."""
        ...

    async def end(self, timeouts: ShutdownTimeouts) -> ProcessExit:
        """Close its stdin, then send SIGTERM, then SIGKILL, until it ends; return how it ended. Safe to call twice."""
        ...


class Processes(Protocol):
    """Starts processes. A process has ended when its block exits, whatever happens."""

    def running(self, launch: Launch) -> AbstractAsyncContextManager[AgentProcess]:
        """Start a process; raises ProcessFailed, with the reason, if it cannot be started."""
        ...


Reap = Callable[[Sequence[ProcessIdentity]], Awaitable[None]]
"""Ends every process that a dead server started from this state directory; they are proven gone when it returns.

Its argument are the processes that session rows name. It deletes their files once they are gone.
"""
