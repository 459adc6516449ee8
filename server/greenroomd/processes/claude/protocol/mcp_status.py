"""Reads the answer to `mcp_status`: the MCP servers as the CLI sees them, without anything secret. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from greenroomd.domain.config import JsonObject, SessionConfig
from greenroomd.domain.mcp import McpServer, McpStatus
from greenroomd.processes.claude.parsing.json_fields import json_object, json_objects, text
from greenroomd.processes.host.redaction import Redactor

MAX_ERROR_LENGTH = 512
MAX_NAME_LENGTH = 256
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)([^\s\"'<>`]*)")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_NOT_IN_A_TOOL_NAME = re.compile(r"[^A-Za-z0-9_-]")
_STATUSES = {status.value: status for status in McpStatus}


def secrets_of_servers(config: SessionConfig) -> Redactor:
    """Return a redactor for every value that the servers of a config get: in their environment and headers."""
    groups = [
        json_object(json_object(server).get(group))
        for server in config.mcp_servers.values()
        for group in ("env", "headers")
    ]
    return Redactor(session=[text(value) for group in groups for value in group.values()])


def mcp_servers_of(answer: JsonObject, hide: Callable[[str], str]) -> Sequence[McpServer]:
    """Return the servers in an answer; `hide` removes the session's secrets from their errors."""
    return [_server(each, hide) for each in json_objects(answer.get("mcpServers"))]


def shown_error(error: str) -> str:
    """Return an error as one line of bounded length, its addresses without user, password, query and fragment."""
    line = _UNPRINTABLE.sub(" ", _ADDRESS.sub(_bare_address, error)).strip()
    return line if len(line) <= MAX_ERROR_LENGTH else line[: MAX_ERROR_LENGTH - 1] + "…"


def _bare_address(found: re.Match[str]) -> str:
    place, *hidden = re.split(r"[?#]", found[2], maxsplit=1)
    if "@" in "".join(hidden):  # a query, or a password with a question mark in it
        return f"{found[1]}…"
    return found[1] + place.rpartition("@")[2]


def _server(message: JsonObject, hide: Callable[[str], str]) -> McpServer:
    name, status = (
        text(message.get("name")),
        _STATUSES.get(text(message.get("status")), McpStatus.UNSPECIFIED),
    )
    about = json_object(message.get("serverInfo"))
    prefix = f"mcp__{_NOT_IN_A_TOOL_NAME.sub('_', name)}__"
    return McpServer(
        name=name,
        status=status,
        error=shown_error(hide(text(message.get("error")))),
        reported_name=text(about.get("name"))[:MAX_NAME_LENGTH],
        reported_version=text(about.get("version"))[:MAX_NAME_LENGTH],
        tools=tuple(
            prefix + _NOT_IN_A_TOOL_NAME.sub("_", text(tool.get("name")))[:MAX_NAME_LENGTH]
            for tool in json_objects(message.get("tools"))
        ),
    )
