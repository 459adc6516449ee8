"""Whether a turn may begin as far as the session's MCP servers are concerned. Pure: decides within a step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from greenroomd.domain.decision.actions import LookAtMcpServers
from greenroomd.domain.decision.step import Step
from greenroomd.domain.mcp import McpServer, McpStatus
from greenroomd.domain.turn import Problem, Turn

ANSWER_WITHIN = timedelta(seconds=10)
"""How long the process may take to answer, beyond the time in which servers have to connect."""

_NAMED = 8
_SAID_LENGTH = 200


def unavailable(step: Step, turn: Turn) -> Sequence[McpServer] | None:
    """Return the required servers that are not connected; None while that is not known, and the turn has to wait.

    Before each turn the process is asked once. A turn of a session that requires none only waits for the first answer,
    until which the process may still be told about its servers, and for a reconnection.
    """
    mcp, required = step.live.mcp, step.session.config.required_mcp_servers
    if not mcp.known or mcp.reconnecting:  # the process would not even hear an interrupt
        return None
    if not required:
        return ()
    if mcp.looked_for != turn.turn_id:
        look(step, before=turn.turn_id)
        return None
    unknown = {name: McpServer(name=name, status=McpStatus.UNSPECIFIED) for name in required}
    servers = [mcp.servers.get(name, unknown[name]) for name in required]
    if mcp.looking or any(server.status is McpStatus.PENDING for server in servers):
        return None
    return [server for server in servers if server.status is not McpStatus.CONNECTED]


def problem_of(servers: Sequence[McpServer]) -> Problem:
    """Return why a turn fails whose required servers are not connected; names some of them if there are many."""
    named = servers[:_NAMED]
    said = [
        f"{server.name}: {(server.error or server.status or 'unknown')[:_SAID_LENGTH]}" for server in named
    ]
    if rest := len(servers) - len(named):
        said.append(f"and {rest} more")
    message = f"the model was not asked, since required MCP servers are not connected: {'; '.join(said)}"
    facts = {"mcp_servers": ",".join(server.name for server in named)}
    return Problem(reason="MCP_SERVER_UNAVAILABLE", message=message, facts=facts)


def look(step: Step, *, before: str = "") -> None:
    """Ask the process for the status of its servers, unless it is being asked; `before` is the turn that waits."""
    mcp = step.live.mcp
    if not mcp.looking:
        left = timedelta() if mcp.until is None else max(mcp.until - step.moment, timedelta())
        step.schedule(LookAtMcpServers(within=left + ANSWER_WITHIN))
    step.update_live(mcp=replace(mcp, looking=True, look_at=None, looked_for=before or mcp.looked_for))
