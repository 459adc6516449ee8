"""The MCP servers of a session, as its process sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from greenroomd.domain.clocks import Moment


class McpStatus(StrEnum):
    """Whether a process is connected to an MCP server. The values are the CLI's own words, but for UNSPECIFIED."""

    UNSPECIFIED = ""
    """There is no process, or it does not know the server yet."""
    PENDING = "pending"
    CONNECTED = "connected"
    FAILED = "failed"
    NEEDS_AUTH = "needs-auth"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class McpServer:
    """One MCP server."""

    name: str
    """Its name in the session's config."""
    status: McpStatus
    """Whether the process is connected to it."""
    error: str = ""
    """Why it is not connected, without secrets; "" if there is no error."""
    reported_name: str = ""
    """What it calls itself; "" unless CONNECTED."""
    reported_version: str = ""
    """The version that it reports; "" unless CONNECTED."""
    tools: tuple[str, ...] = ()
    """The names of its tools, as the model calls them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class McpConnections:
    """What a session's owner knows about the MCP servers of the running process; nothing if it has none."""

    servers: Mapping[str, McpServer] = field(default_factory=dict)
    """The servers by name."""
    known: bool = True
    """Whether the process has answered the first question about them, or did not answer in time."""
    looking: bool = False
    """Whether the process is being asked for their status."""
    looked_for: str = ""
    """The turn before which the process was last asked; "" for none."""
    look_at: Moment | None = None
    """When to ask next; None while nothing is being connected."""
    pause: timedelta = timedelta()
    """The wait before the last question."""
    until: Moment | None = None
    """When a server that has not connected by then counts as FAILED."""
    reconnecting: frozenset[str] = frozenset()
    """The servers that the process was told to connect anew, and has not answered about."""


NO_MCP_SERVERS = McpConnections()
