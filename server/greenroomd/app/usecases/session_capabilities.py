"""The call for what can be chosen in a session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from greenroomd.app.ports.own_tools import OwnTools
from greenroomd.app.supervision.registry import Supervisors
from greenroomd.domain.capabilities import Capabilities
from greenroomd.domain.config import SessionConfig
from greenroomd.domain.decision.live import Live
from greenroomd.domain.errors import NoProcess


@dataclass(frozen=True, slots=True)
class Offer:
    """What can be chosen in a session."""

    capabilities: Capabilities
    cli_version: str
    generation: int
    """The generation of the config that the process runs with."""
    tools: tuple[str, ...]
    """The CLI's own tools; empty if they are not known."""
    mcp_tools: tuple[str, ...]
    """The tools of the MCP servers that are connected."""


class SessionCapabilities:
    """Answers from what the owners of live sessions know: nothing of it is stored but its etag."""

    def __init__(self, supervisors: Supervisors, own_tools: OwnTools) -> None:
        self._supervisors = supervisors
        self._own_tools = own_tools

    async def get(self, session_id: str) -> Offer:
        """Return what a session's process offers; raises SessionNotFound, NoProcess."""
        session = await self._supervisors.node.store.session(session_id)
        live = self._supervisors.live(session_id)
        if live is None or not live.running or live.launching:
            raise NoProcess(session.state.value)
        return Offer(
            capabilities=live.capabilities,
            cli_version=live.session.process.cli_version,
            generation=live.running_generation,
            tools=live.tools or self._tools_of_another(live) or await self._tools_without_a_turn(live),
            mcp_tools=tuple(tool for server in live.mcp.servers.values() for tool in server.tools),
        )

    def _tools_of_another(self, live: Live) -> tuple[str, ...]:
        """Return the tools of a session that must have the same; none if no such session has run a turn."""
        alike = (
            other.tools for other in self._supervisors.lives() if other.tools and _key(other) == _key(live)
        )
        return next(alike, ())

    async def _tools_without_a_turn(self, live: Live) -> tuple[str, ...]:
        settings = _config(live).settings or {}
        return await self._own_tools.own_tools(live.session.workspace_id, _hidden(live), settings)


def _config(live: Live) -> SessionConfig:
    """Return the config that the process has."""
    return live.running_config or live.session.config


def _hidden(live: Live) -> frozenset[str]:
    """Return the tools that the model does not see: those that a rule without parentheses forbids."""
    config = _config(live)
    permissions = (config.settings or {}).get("permissions")
    denied = permissions.get("deny", ()) if isinstance(permissions, Mapping) else ()
    return frozenset(rule for rule in (*config.disallowed_tools, *denied) if "(" not in rule)


def _key(live: Live) -> object:
    """Return what a session's own tools depend on; its settings may hide some as well."""
    return live.session.process.cli_version, _hidden(live), _config(live).settings
