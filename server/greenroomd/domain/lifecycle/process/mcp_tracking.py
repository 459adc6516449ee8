"""How a session follows the MCP servers of its process. Pure: each function decides within a step.

The process tells no change by itself, so it is asked while a server is being connected, and before a turn that requires
servers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from greenroomd.domain.clocks import Moment
from greenroomd.domain.decision.actions import ReconnectMcp
from greenroomd.domain.decision.live import Live
from greenroomd.domain.decision.step import Step
from greenroomd.domain.errors import McpServerNotFound, NoProcess, TurnRunning
from greenroomd.domain.event_payloads import McpServerNoted
from greenroomd.domain.events import Event, EventType
from greenroomd.domain.lifecycle import turn_queue
from greenroomd.domain.lifecycle.required_servers import ANSWER_WITHIN, look
from greenroomd.domain.mcp import NO_MCP_SERVERS, McpConnections, McpServer, McpStatus

FIRST_PAUSE = timedelta(milliseconds=50)
LONGEST_PAUSE = timedelta(seconds=1)
LATE_BY = timedelta(seconds=2)
"""How much later than the CLI we give up: its own error says more."""


def begin(step: Step) -> None:
    """Begin to follow the servers of a process that has become ready."""
    names = step.live.running_config.mcp_servers if step.live.running_config else {}
    if not names:
        step.update_live(mcp=NO_MCP_SERVERS)
        return
    servers = {name: McpServer(name=name, status=McpStatus.PENDING) for name in names}
    step.update_live(mcp=McpConnections(servers=servers, known=False, until=_until(step)))
    look(step)


def seen(step: Step, answered: Sequence[McpServer] | None) -> None:
    """Handle the answer of the process about its servers; None if it gave none in time, or refused."""
    mcp = step.live.mcp
    if not step.live.running or step.live.launching or not mcp.looking:
        return
    after = {**mcp.servers}
    after |= {each.name: each for each in answered or () if each.name not in mcp.reconnecting}
    if mcp.until is None or step.moment >= mcp.until:
        after = {name: _overdue(server, mcp) for name, server in after.items()}
    _tell_changes(step, mcp, after)
    pending = {name for name, server in after.items() if server.status is McpStatus.PENDING}
    polled = bool(pending - mcp.reconnecting)
    pause = min(max(mcp.pause * 2, FIRST_PAUSE), LONGEST_PAUSE)
    begun = [name for name in pending if not _pending(mcp, name)]
    step.update_live(
        mcp=replace(
            mcp,
            servers=after,
            known=True,
            looking=False,
            look_at=step.moment + pause if polled else None,
            pause=pause if polled else timedelta(),
            until=_until(step) if begun else mcp.until,
        )
    )
    turn_queue.begin_next(step)


def look_due(live: Live) -> Moment | None:
    """Return when the process is to be asked again."""
    return live.mcp.look_at if live.running and live.ending is None else None


def reconnect(step: Step, name: str, *, actor: str = "") -> McpServer:
    """Have the process connect to a server anew, unless it does so already; return the server.

    Raises McpServerNotFound, NoProcess, and TurnRunning: the process would not hear an interrupt meanwhile.
    """
    live, mcp = step.live, step.live.mcp
    if name not in live.session.config.mcp_servers and name not in mcp.servers:
        raise McpServerNotFound(name)
    if not live.running or live.launching or live.ending is not None:
        raise NoProcess(live.session.state.value)
    if name not in mcp.servers:  # a newer config has it, and the process does not
        raise McpServerNotFound(name)
    server = mcp.servers[name]
    if server.status is McpStatus.PENDING:
        return server
    if live.turn is not None:
        raise TurnRunning(live.turn.turn_id)
    server = McpServer(name=name, status=McpStatus.PENDING)
    servers = {**mcp.servers, name: server}
    _tell_changes(step, mcp, servers, actor=actor)
    step.update_live(
        mcp=replace(mcp, servers=servers, reconnecting=mcp.reconnecting | {name}, until=_until(step))
    )
    step.schedule(ReconnectMcp(name, within=_timeout(step) + LATE_BY + ANSWER_WITHIN))
    return server


def reconnected(step: Step, name: str) -> None:
    """Handle the answer to a reconnection, good or bad: ask how the server is now."""
    mcp = step.live.mcp
    if name in mcp.reconnecting:
        step.update_live(mcp=replace(mcp, reconnecting=mcp.reconnecting - {name}, looking=False))
        look(step)


def _overdue(server: McpServer, mcp: McpConnections) -> McpServer:
    if (
        server.status is not McpStatus.PENDING
        or server.name in mcp.reconnecting
        or not _pending(mcp, server.name)
    ):
        return server  # the process may only have begun to connect to it, by itself
    return replace(server, status=McpStatus.FAILED, error="it did not connect in time")


def _pending(mcp: McpConnections, name: str) -> bool:
    return name in mcp.servers and mcp.servers[name].status is McpStatus.PENDING


def _tell_changes(step: Step, mcp: McpConnections, after: dict[str, McpServer], *, actor: str = "") -> None:
    required = step.session.config.required_mcp_servers
    for name, server in after.items():
        known = mcp.servers.get(name)
        if known is None or (known.status, known.error) != (server.status, server.error):
            payload = McpServerNoted(server=server, required=name in required)
            event_type = EventType.MCP_SERVER_UPDATED
            step.emit(Event(type=event_type, time=step.at, actor=actor, payload=payload))


def _timeout(step: Step) -> timedelta:
    config = step.live.running_config or step.session.config
    return config.mcp_connect_timeout or step.timeouts.mcp_connect_timeout


def _until(step: Step) -> Moment:
    return step.moment + _timeout(step) + LATE_BY
