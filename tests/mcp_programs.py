"""MCP servers for tests, of every kind of fortune: programs for stdio, and a web server that refuses everybody."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

PROGRAM = """
import json, os, sys, time
if len(sys.argv) > 1:  # it starts once this file is there
    while not os.path.exists(sys.argv[1]):
        time.sleep(0.01)
for line in sys.stdin:
    asked = json.loads(line)
    answer = {"tools": [{"name": "look", "description": "Look.", "inputSchema": {"type": "object"}}]}
    if asked["method"] == "initialize":
        answer = {"protocolVersion": asked["params"]["protocolVersion"], "capabilities": {"tools": {}}}
        answer["serverInfo"] = {"name": "spy", "version": "1.2"}
    elif asked["method"] == "tools/call":
        answer = {"content": [{"type": "text", "text": "seen"}]}
    if "id" in asked:
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": answer}), flush=True)
"""


def good(directory: Path, *, once: Path | None = None) -> dict[str, Any]:
    """Return the config of a server with one tool, `look`; with `once`, it answers once that file is there."""
    program = directory / "spy.py"
    program.write_text(PROGRAM, encoding="utf-8")
    # isolated and without site packages: it starts in a fraction of the time that a session may give it
    return {"command": sys.executable, "args": ["-IS", str(program), *([str(once)] if once else [])]}


def dying() -> dict[str, Any]:
    """Return the config of a server that exits at its start."""
    return {"command": "/bin/sh", "args": ["-c", "exit 3"]}


def mute() -> dict[str, Any]:
    """Return the config of a server that never answers."""
    return {"command": "/bin/sh", "args": ["-c", "exec tail -f /dev/null"]}


@asynccontextmanager
async def refusing() -> AsyncIterator[str]:
    """Run a web server that answers 401 to everything; yield its address without scheme."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as listening:
        host, port = listening.sockets[0].getsockname()
        yield f"{host}:{port}"
