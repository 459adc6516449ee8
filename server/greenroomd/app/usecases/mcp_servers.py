"""The calls on the MCP servers of a session."""

from __future__ import annotations

from collections.abc import Sequence

from greenroomd.app.commands import Change
from greenroomd.app.supervision.registry import Supervisors
from greenroomd.domain.lifecycle.process.mcp_tracking import reconnect
from greenroomd.domain.mcp import McpServer, McpStatus
from greenroomd.domain.session import Session


class McpServers:
    """The calls on MCP servers. Their status is that of the running process, and is kept nowhere else."""

    def __init__(self, supervisors: Supervisors) -> None:
        self._supervisors = supervisors

    async def list(self, session_id: str) -> tuple[Session, Sequence[McpServer]]:
        """Return the session and its servers: those of its config by name, then others; raises SessionNotFound."""
        session = await self._supervisors.node.store.session(session_id)
        live = self._supervisors.live(session_id)
        seen = {} if live is None or not live.running else live.mcp.servers
        own = sorted(session.config.mcp_servers)
        names = [*own, *sorted(seen.keys() - set(own))]
        unknown = {name: McpServer(name=name, status=McpStatus.UNSPECIFIED) for name in names}
        return session, [seen.get(name, unknown[name]) for name in names]

    async def get(self, session_id: str, name: str) -> tuple[Session, McpServer]:
        """Return the session and one of its servers, as it is now; its status is UNSPECIFIED if it is gone."""
        session, servers = await self.list(session_id)
        gone = McpServer(name=name, status=McpStatus.UNSPECIFIED)
        return session, next((server for server in servers if server.name == name), gone)

    async def reconnect(self, change: Change, name: str) -> tuple[Session, McpServer]:
        """Have the process connect to a server anew; returns the session and the server, PENDING.

        Raises McpServerNotFound, NoProcess, TurnRunning, SessionNotFound.
        """
        return await self._supervisors.order(change, lambda step: reconnect(step, name, actor=change.actor))
