"""The actions that a decision can ask for; its owner performs them after the commit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from greenroomd.domain.config import JsonObject, SessionConfig
from greenroomd.domain.turn import Turn


@dataclass(frozen=True, slots=True)
class LaunchProcess:
    """Get a slot and start a process."""


@dataclass(frozen=True, slots=True)
class AbandonLaunch:
    """Stop waiting for a slot, or end the process that is starting."""


@dataclass(frozen=True, slots=True)
class EndProcess:
    """End the process: close its stdin, then SIGTERM, then SIGKILL; without `gently`, begin with SIGTERM."""

    gently: bool = True


@dataclass(frozen=True, slots=True)
class SayPrompt:
    """Send a turn's prompt."""

    turn: Turn


@dataclass(frozen=True, slots=True)
class InterruptCli:
    """Tell the CLI to stop the running turn."""


@dataclass(frozen=True, slots=True)
class StopTask:
    """Tell the CLI to stop a background task."""

    task_id: str


@dataclass(frozen=True, slots=True)
class AnswerPermission:
    """Answer a permission request: allow the tool with this input, or deny it (None) with a message."""

    approval_id: str
    tool_input: JsonObject | None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Reconfigure:
    """Change these options (model, permission_mode) of the running process, to bring it to a generation."""

    config: SessionConfig
    generation: int
    options: frozenset[str]


@dataclass(frozen=True, slots=True)
class LookAtMcpServers:
    """Ask the process for the status of its MCP servers; it may take `within` to answer."""

    within: timedelta


@dataclass(frozen=True, slots=True)
class ReconnectMcp:
    """Have the process connect to an MCP server anew, within a time."""

    name: str
    within: timedelta


Action = (
    LaunchProcess
    | AbandonLaunch
    | EndProcess
    | SayPrompt
    | InterruptCli
    | StopTask
    | AnswerPermission
    | Reconfigure
    | LookAtMcpServers
    | ReconnectMcp
)
