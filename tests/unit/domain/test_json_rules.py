"""The JSON options: JSON that would end or mislead the CLI is refused; the CLI judges the rest."""

from __future__ import annotations

from typing import Any

import pytest

from greenroomd.domain.rules.json_rules import mcp_violations

CALC = 'config.mcp_config.mcpServers["calc"]'


def mcp_fields(config: dict[str, Any]) -> list[str]:
    return [violation.field for violation in mcp_violations(config)]


@pytest.mark.parametrize(
    "server",
    [
        {"command": "calc"},
        {"type": "stdio", "command": "calc", "args": ["--stdio"], "env": {"TOKEN": "x"}, "timeout": 5.0},
        {"type": "http", "url": "https://calc.example/mcp", "headers": {"Authorization": "Bearer x"}},
        {"type": "sse", "url": "http://127.0.0.1:8080/sse"},
        {"type": "ws", "url": "wss://calc.example"},
    ],
)
def test_a_server_of_a_kind_that_the_cli_starts_or_reaches_is_good(server: dict[str, Any]) -> None:
    assert mcp_fields({"mcpServers": {"calc": server}}) == []


@pytest.mark.parametrize(
    ("server", "paths"),
    [
        ({}, [f"{CALC}.command"]),
        ({"command": " "}, [f"{CALC}.command"]),
        ({"command": ["calc"]}, [f"{CALC}.command"]),
        ({"command": "calc", "args": "--stdio"}, [f"{CALC}.args"]),
        ({"command": "calc", "args": [1.0]}, [f"{CALC}.args"]),
        ({"command": "calc", "env": {"A": 1.0}}, [f"{CALC}.env"]),
        ({"type": "http"}, [f"{CALC}.url"]),
        ({"type": "http", "url": "calc.example"}, [f"{CALC}.url"]),
        ({"type": "sse", "url": "file:///etc/passwd", "headers": []}, [f"{CALC}.url", f"{CALC}.headers"]),
        ({"type": "sdk", "name": "calc"}, [f"{CALC}.type"]),
        ({"type": "pigeon"}, [f"{CALC}.type"]),
        ({"type": 1.0}, [f"{CALC}.type"]),
        ({"type": ["stdio"]}, [f"{CALC}.type"]),
        ("calc", [CALC]),
        (None, [CALC]),
    ],
)
def test_a_server_that_could_never_work_is_refused(server: Any, paths: list[str]) -> None:
    assert mcp_fields({"mcpServers": {"calc": server}}) == paths


@pytest.mark.parametrize("config", [{}, {"mcpServers": None}, {"mcpServers": []}, {"mcpServers": "calc"}])
def test_an_mcp_configuration_is_a_map_of_servers(config: dict[str, Any]) -> None:
    assert mcp_fields(config) == ["config.mcp_config.mcpServers"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (None, "absent"),
        (True, "a boolean"),
        (1, "a number"),
        (1.0, "a number"),
        ("calc", "a string"),
        ([], "a list"),
    ],
)
def test_a_description_shows_what_stands_in_the_place_of_an_object(given: Any, words: str) -> None:
    [whole] = mcp_violations({"mcpServers": given})
    assert whole.description == f"must be an object of servers by name, is {words}"


def test_an_mcp_configuration_has_no_other_key() -> None:
    assert mcp_fields({"mcpServers": {}}) == []
    assert mcp_fields({"mcpServers": {}, "servers": {}}) == ['config.mcp_config["servers"]']


@pytest.mark.parametrize("name", ["", "my server", "a.b", "é", "a" * 65])
def test_a_servers_name_is_part_of_its_tools_names(name: str) -> None:
    assert len(mcp_fields({"mcpServers": {name: {"command": "calc"}, "fine_1-A": {"command": "calc"}}})) == 1


def test_there_may_be_64_servers() -> None:
    servers = {f"s{number}": {"command": "calc"} for number in range(64)}
    assert mcp_fields({"mcpServers": servers}) == []
    assert mcp_fields({"mcpServers": {**servers, "one_more": {}}}) == ["config.mcp_config.mcpServers"]


def test_what_may_carry_a_credential_is_not_shown() -> None:
    server = {
        "type": "http",
        "url": "ftp://u:hunter2@calc.example",
        "headers": {"Authorization": ["hunter2"]},
    }
    assert "hunter2" not in repr(mcp_violations({"mcpServers": {"calc": server}}))


def test_a_field_that_no_server_has_is_told() -> None:
    server = {"type": "http", "url": "https://x", "headersHelper": "token", "timeout": 5, "alwaysLoad": True}
    assert mcp_fields({"mcpServers": {"x": server}}) == ['config.mcp_config.mcpServers["x"]["headersHelper"]']
    assert mcp_fields({"mcpServers": {"x": {"command": "c", "url": "https://x"}}}) == [
        'config.mcp_config.mcpServers["x"]["url"]'
    ]


def test_an_mcp_configuration_is_json_of_at_most_64_kib() -> None:
    assert len(mcp_fields({"mcpServers": {"calc": {"command": "c" * 65536}}})) == 1
    assert len(mcp_fields({"mcpServers": {"calc": {"command": "c", "timeout": float("nan")}}})) == 1
    assert mcp_fields({"mcpServers": {"calc": {"command": "c" * 65000}}}) == []
