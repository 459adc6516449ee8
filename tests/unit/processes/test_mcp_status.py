"""What the CLI says of MCP servers, and that nothing secret of it is shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenroomd.domain.config import SessionConfig
from greenroomd.domain.mcp import McpServer, McpStatus
from greenroomd.processes.claude.protocol.mcp_status import (
    MAX_ERROR_LENGTH,
    mcp_servers_of,
    secrets_of_servers,
    shown_error,
)


def test_an_answer_is_read_with_what_the_server_reports() -> None:
    connected = {
        "name": "my calc",
        "status": "connected",
        "serverInfo": {"name": "calc", "version": "1.2"},
        "config": {"type": "stdio", "command": "calc", "env": {"KEY": "hush"}},
        "tools": [{"name": "add"}, {"name": "a.b"}, "?"],
    }
    failed = {"name": "gone", "status": "failed", "error": "Connection closed"}
    answer = {"mcpServers": [connected, failed, {"name": "new", "status": "a later word"}, 3]}
    assert mcp_servers_of(answer, str) == [
        McpServer(
            name="my calc",
            status=McpStatus.CONNECTED,
            reported_name="calc",
            reported_version="1.2",
            tools=("mcp__my_calc__add", "mcp__my_calc__a_b"),
        ),
        McpServer(name="gone", status=McpStatus.FAILED, error="Connection closed"),
        McpServer(name="new", status=McpStatus.UNSPECIFIED),
    ]
    assert mcp_servers_of({}, str) == []
    assert mcp_servers_of({"mcpServers": None}, str) == []


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("dialing http://ann:pw@host:80/mcp?token=abc failed", "dialing http://host:80/mcp failed"),
        ("at 'https://a@b@c.example/x#frag'", "at 'https://c.example/x'"),
        ("wss://h?x=1, https://u:p@h", "wss://h https://h"),
        ("postgres://user:p@ss/word@db/x", "postgres://db/x"),
        ("https://u:p?w@h/x", "https://…"),
        ("one\nline\tonly\u2028\x1b[31m", "one line only [31m"),
        ("ENOENT: no such file", "ENOENT: no such file"),
    ],
)
def test_errors_are_shown_without_what_addresses_hide(said: str, shown: str) -> None:
    assert shown_error(said) == shown


@given(st.text(min_size=1, max_size=40), st.text(alphabet="abc@:/", max_size=30))
def test_no_query_and_no_password_survives(around: str, host: str) -> None:
    shown = shown_error(f"{around} https://hunter2:hunter2@{host}?hunter2=hunter2#hunter2@ {around}")
    assert "hunter2" not in shown


def test_errors_are_bounded() -> None:
    assert len(shown_error("x" * 10_000)) == MAX_ERROR_LENGTH


def test_every_value_of_a_servers_environment_and_headers_is_hidden() -> None:
    servers = {
        "one": {"command": "x", "env": {"DSN": "plain-looking-value"}},
        "two": {"type": "http", "url": "https://x", "headers": {"X-Who": "somebody-secret"}},
        "odd": None,
    }
    config = SessionConfig(working_dir="/w", mcp_config={"mcpServers": servers})
    hide = secrets_of_servers(config).text
    answer = {
        "mcpServers": [{"name": "one", "status": "failed", "error": "no plain-looking-value somebody-secret"}]
    }
    assert mcp_servers_of(answer, hide)[0].error == "no [redacted] [redacted]"
