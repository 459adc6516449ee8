#!/usr/bin/env bash
# While it reconnects or is given an MCP server, the `claude` CLI hears no other control request, not even an interrupt.
#
# Version: Claude Code 2.1.332 (claude-agent-sdk 0.2.189), 2026-12-01.
# Control requests carry ids, and a host may send several at once; `mcp_status` is answered within milliseconds, also in
# the middle of a turn. But `mcp_reconnect` and `mcp_set_servers` are answered only when the server has connected or
# MCP_TIMEOUT is over (30 s by default), and until then everything behind them in stdin waits: `interrupt`,
# `set_model`, `mcp_status`. A host that reconnects a server that hangs during a turn cannot stop that turn meanwhile.
# A server that hangs at the start of the process holds nothing up.
#
# Output seen (MCP_TIMEOUT is 4 s):
#   mcp_status while the server connects at the start: at once
#   interrupt behind mcp_reconnect: after 4 s, and the turn ran on until then
#   mcp_status behind mcp_set_servers: after 4 s
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
python3 -m pip install -q --root-user-action ignore --no-deps --no-compile --target "$WORK/lib" claude-agent-sdk==0.2.189
export WORK PYTHONPATH=$here:$WORK/lib PYTHONDONTWRITEBYTECODE=1
python3 - <<'EOF'
import json, os, time, uuid
from claude_session import Api, Session, control, user

work = os.environ["WORK"]
hangs = {"command": "/bin/sh", "args": ["-c", "cat >/dev/null"]}  # reads, and never answers
config = json.dumps({"mcpServers": {"slow": hangs}})
api = Api(lambda request, n: {"text": "word " * 600, "gap": 0.05})
flags = "--strict-mcp-config", f"--mcp-config={config}", f"--session-id={uuid.uuid4()}", "--include-partial-messages"
session = Session(api, work, *flags, env={"MCP_TIMEOUT": "4000"})


def answered(*requests):
    """Send control requests together; return the seconds after which the last one was answered."""
    began = time.monotonic()
    session.send(*requests)
    last = requests[-1]["request_id"]
    session.wait(lambda f: f["type"] == "control_response" and f["response"]["request_id"] == last)
    return time.monotonic() - began


session.control("initialize")
at_start = answered(control("mcp_status"))
print("mcp_status while the server connects at the start:", "at once" if at_start < 1 else f"after {at_start:.0f} s")
session.send(user("go"))
session.wait(lambda f: f["type"] == "stream_event")
behind_reconnect = answered(control("mcp_reconnect", serverName="slow"), control("interrupt"))
late = [f for f in session.frames if f["type"] == "stream_event"]
session.wait(lambda f: f["type"] == "result")
print(f"interrupt behind mcp_reconnect: after {behind_reconnect:.0f} s, and the turn ran on until then")
behind_set = answered(control("mcp_set_servers", servers={"other": hangs}), control("mcp_status"))
print(f"mcp_status behind mcp_set_servers: after {behind_set:.0f} s")
session.kill()
assert at_start < 1 and len(late) > 40, "the behaviour has changed"
assert 3.5 < behind_reconnect < 8 and 3.5 < behind_set < 8, "the behaviour has changed"
EOF
