"""Converts MCP servers to messages."""

from __future__ import annotations

from greenroom.v1 import mcp_pb2 as pb
from greenroomd.domain.mcp import McpServer
from greenroomd.rpc.convert.enums import MCP_SERVER_STATUSES
from greenroomd.rpc.convert.structs import wire_text


def mcp_server_message(server: McpServer, *, required: bool, tools: bool) -> pb.McpServer:
    """Return a server as a message; `tools` adds the names of its tools to their number."""
    return pb.McpServer(
        name=wire_text(server.name),
        status=MCP_SERVER_STATUSES.number[server.status],
        error=wire_text(server.error),
        reported_name=wire_text(server.reported_name),
        reported_version=wire_text(server.reported_version),
        tools=[wire_text(tool) for tool in server.tools] if tools else (),
        tool_count=len(server.tools),
        required=required,
    )
