"""Frames that say what is in force in the process, whoever changed it."""

from __future__ import annotations

from dataclasses import dataclass

from greenroomd.domain.capabilities import Command
from greenroomd.domain.frames.frame import Frame, SystemNoted


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnInitialized(Frame):
    """`system/init`: the settings in effect, written at the start of every turn."""

    model: str
    """The full name of the model in use."""
    permission_mode: str
    """The CLI's own word for the permission mode in force."""
    cwd: str
    """The directory that it works in."""
    cli_version: str
    """Such as `2.1.330`."""
    tools: tuple[str, ...] = ()
    """The tools that the model can call, those of MCP servers too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionModeTold(SystemNoted):
    """`system/status` with a `permissionMode`: the mode in force from now on, whoever changed it."""

    permission_mode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSwitched(SystemNoted):
    """The CLI goes on with another model than it was told to use; `lasting`: for the rest of the session."""

    model: str
    lasting: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandsChanged(SystemNoted):
    """`system/commands_changed`: all commands as they are now, after some have changed within a process."""

    commands: tuple[Command, ...]
