"""Rules of a JSON option as a whole, and of all parts of `mcp_config`, as for the CLI's `--mcp-config`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from greenroomd.domain.config import JsonObject
from greenroomd.domain.errors import Violation
from greenroomd.domain.rules.checks import KIB, Check, json_object, key, shown

MAX_JSON_BYTES = 64 * KIB  # fits into one argument of a Linux process (128 KiB)
MAX_SERVERS = 64

json_problem = json_object(at_most=MAX_JSON_BYTES)
"""Returns what is wrong with a JSON option as a whole, or None."""

_SERVER_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_URL = re.compile(r"(https?|wss?)://[^\s/]\S*")


def mcp_violations(config: JsonObject, *, path: str = "config.mcp_config") -> list[Violation]:
    """Return every broken rule of an MCP configuration: an object with `mcpServers`, a map of servers by name."""
    problem = json_problem(config)
    if problem is not None:
        return [Violation(path, problem)]
    found = [
        Violation(key(path, name), "is not known; the one key is mcpServers")
        for name in config.keys() - {"mcpServers"}
    ]
    servers = config.get("mcpServers")
    path = f"{path}.mcpServers"
    if not isinstance(servers, Mapping):
        return [*found, Violation(path, f"must be an object of servers by name, is {kind_of(servers)}")]
    if len(servers) > MAX_SERVERS:
        return [*found, Violation(path, f"must have at most {MAX_SERVERS} servers, has {len(servers)}")]
    for name, server in servers.items():
        found += _server_violations(name, server, key(path, name))
    return found


def _server_violations(name: str, server: object, path: str) -> Iterator[Violation]:
    if not _SERVER_NAME.fullmatch(name):
        yield Violation(path, "must have a name of 1 to 64 letters, digits, _ and -")
    if not isinstance(server, Mapping):
        yield Violation(path, f"must be an object, is {kind_of(server)}")
        return
    kind = server.get("type", "stdio")
    fields = _SERVER_FIELDS.get(kind) if isinstance(kind, str) else None
    if fields is None:
        # "sdk" servers run in the program that drives the CLI. This program has none, so each call would hang.
        yield Violation(f"{path}.type", f"must be one of {', '.join(_SERVER_FIELDS)}, is {shown(str(kind))}")
        return
    for field, check in fields.items():
        problem = check(server.get(field))
        if problem is not None:
            yield Violation(f"{path}.{field}", problem)
    for field in server.keys() - fields.keys() - _OF_EVERY_SERVER:
        yield Violation(key(path, field), f"is not known for a server of type {kind}")


def _command(value: object) -> str | None:
    return None if isinstance(value, str) and value.strip() else "is required: the program that is the server"


def _url(value: object) -> str | None:
    if isinstance(value, str) and _URL.fullmatch(value):
        return None
    return "is required: an http, https, ws or wss address"  # not shown: it may contain a credential


def strings(value: object) -> str | None:
    """Allow lists of strings, and None."""
    if value is None or (isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)):
        return None
    return "must be a list of strings"


def string_map(value: object) -> str | None:
    """Allow objects of strings, and None."""
    if value is None or (
        isinstance(value, Mapping) and all(isinstance(item, str) for item in value.values())
    ):
        return None
    return "must be an object of strings"


_OF_EVERY_SERVER = frozenset({"type", "timeout", "alwaysLoad"})
_REMOTE: Mapping[str, Check] = {"url": _url, "headers": string_map}
_SERVER_FIELDS: Mapping[str, Mapping[str, Check]] = {
    "stdio": {"command": _command, "args": strings, "env": string_map},
    "http": _REMOTE,
    "sse": _REMOTE,
    "ws": _REMOTE,
}


def kind_of(value: object) -> str:
    """Return the kind of a JSON value, for a message."""
    return _JSON_WORDS.get(type(value), "something else")


_JSON_WORDS = {
    type(None): "absent",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "a list",
    dict: "an object",
}
