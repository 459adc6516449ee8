from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from driving import a_launch
from greenroomd.app.ports.processes import Launch
from greenroomd.domain.config import Limits, PermissionMode, Secret
from greenroomd.processes.claude.late_binding import Binding, binding, refusal_in
from greenroomd.processes.claude.launch_command import CliDefaults

HERE = Path("/w")
BYPASS = PermissionMode.BYPASS_PERMISSIONS


def bound(started: Launch, wanted: Launch, **operators: str) -> Binding | None:
    environment = {name: Secret(value) for name, value in operators.items()}
    return binding(started, wanted, CliDefaults(environment=environment))


def told(started: dict[str, Any], wanted: dict[str, Any], **operators: str) -> dict[str, Any] | None:
    """Return what a process is told beside its initialization, by subtype; None if it cannot serve."""
    found = bound(a_launch(HERE, **started), a_launch(HERE, **wanted), **operators)
    if found is None:
        return None
    requests = {subtype: fields for subtype, fields in found.requests(None) if subtype != "initialize"}
    return {**requests, "mcp_set_servers": {"servers": found.servers}} if found.servers else requests


ALIKE: dict[str, Any] = {
    "model": "opus",
    "permission_mode": PermissionMode.PLAN,
    "max_turns": 3,
    "temperature": 0.5,
    "allowed_tools": ("Read(/secret/*)",),
    "disallowed_tools": ("WebFetch",),
    "environment": {"TZ": "UTC", "A": "b"},
    "mcp_config": {"mcpServers": {"one": {"command": "x"}}},
    "settings": {"hooks": {}, "env": {"LANG": "C"}},
    "token": "t",
}


def test_a_session_that_wants_what_was_started_is_only_initialized() -> None:
    own: dict[str, Any] = {"system_prompt": "Late.", "limits": Limits(memory_bytes=2**30)}
    found = bound(a_launch(HERE, **ALIKE), a_launch(HERE, **ALIKE, **own))
    assert found is not None
    assert found.requests(None) == [("initialize", {"hooks": None, "systemPrompt": "Late."})]


def test_it_is_moved_before_and_the_host_answers_for_the_trust() -> None:
    found = bound(a_launch(Path("/w/a")), a_launch(Path("/w/b")))
    assert found is not None
    assert found.working_dir == "/w/b"
    assert found.requests("/real/b") == [
        ("set_cwd", {"path": "/real/b", "trust_accepted": True, "trusted_directory": "/real/b"}),
        ("initialize", {"hooks": None}),
    ]


def test_one_with_hooks_is_not_moved_since_they_would_run_where_it_was_started() -> None:
    hooks: dict[str, Any] = {"settings": {"hooks": {"Stop": []}}}
    assert bound(a_launch(Path("/w/a"), **hooks), a_launch(Path("/w/b"), **hooks)) is None
    assert bound(a_launch(Path("/w/a"), **hooks), a_launch(Path("/w/a"), **hooks)) is not None


@pytest.mark.parametrize(
    ("started", "wanted", "expected"),
    [
        ({}, {"model": "opus"}, {"set_model": {"model": "opus"}}),
        ({"model": "opus"}, {}, {"set_model": {"model": None}}),
        (
            {"permission_mode": PermissionMode.PLAN},
            {},
            {"set_permission_mode": {"mode": "default"}},
        ),
        (
            {"environment": {"A": "a", "B": "b"}},
            {"environment": {"A": "a", "B": "c", "D": "d"}, "settings": {"env": {"D": "e"}}},
            {"apply_flag_settings": {"settings": {"env": {"B": "c", "D": "e"}}}},
        ),
        (
            {},
            {"temperature": 0.5, "tool_timeout": timedelta(seconds=2)},
            {
                "apply_flag_settings": {
                    "settings": {
                        "env": {
                            "CLAUDE_CODE_EXTRA_BODY": '{"temperature": 0.5}',
                            "BASH_DEFAULT_TIMEOUT_MS": "2000",
                            "BASH_MAX_TIMEOUT_MS": "2000",
                            "MCP_TOOL_TIMEOUT": "2000",
                        }
                    }
                }
            },
        ),
        (
            {"allowed_tools": ("Read",)},
            {
                "allowed_tools": ("Bash(ls)", "Read", "mcp__a__b"),
                "disallowed_tools": ("Bash(rm *)",),
                "settings": {"permissions": {"deny": ["Bash(dd *)"]}},
            },
            {
                "apply_flag_settings": {
                    "settings": {
                        "permissions": {
                            "allow": ["Bash(ls)", "mcp__a__b"],
                            "deny": ["Bash(rm *)", "Bash(dd *)"],
                        }
                    }
                }
            },
        ),
        (
            {"mcp_config": {"mcpServers": {"one": {"command": "x"}}}},
            {"mcp_config": {"mcpServers": {"one": {"command": "x"}, "two": {"command": "y"}}}},
            {"mcp_set_servers": {"servers": {"two": {"command": "y"}}}},
        ),
        (
            {"mcp_connect_timeout": timedelta(seconds=9)},
            {"mcp_connect_timeout": timedelta(seconds=2), "required_mcp_servers": ("one",)},
            {"apply_flag_settings": {"settings": {"env": {"MCP_TIMEOUT": "2000"}}}},
        ),
    ],
)
def test_what_is_told_late(started: dict[str, Any], wanted: dict[str, Any], expected: dict[str, Any]) -> None:
    assert told(started, wanted) == expected


@pytest.mark.parametrize(
    ("started", "wanted"),
    [
        ({}, {"max_turns": 2}),
        ({}, {"max_budget_usd": 2.0}),
        ({}, {"permission_mode": BYPASS}),
        ({"permission_mode": BYPASS}, {}),
        ({}, {"token": "t"}),
        ({"token": "t"}, {"token": "other"}),
        ({"workspace": "w"}, {"workspace": "v"}),
        ({"environment": {"SECRET": "s"}}, {}),
        ({"settings": {"env": {"SECRET": "s"}}}, {}),
        ({"temperature": 0.5}, {}),
        ({}, {"environment": {"TZ": "UTC"}}),
        ({}, {"environment": {"AWS_PROFILE": "p"}}),
        ({"allowed_tools": ("Bash",)}, {}),
        ({"disallowed_tools": ("Bash(rm *)",)}, {}),
        ({}, {"disallowed_tools": ("WebFetch",)}),
        ({}, {"allowed_tools": ("Read(/etc/*)",)}),
        ({}, {"settings": {"permissions": {"deny": ["Read(./.env)"]}}}),
        ({}, {"settings": {"permissions": {"additionalDirectories": ["/x"]}}}),
        ({}, {"settings": {"hooks": {"Stop": []}}}),
        ({"mcp_config": {"mcpServers": {"one": {"command": "x"}}}}, {}),
        (
            {"mcp_config": {"mcpServers": {"one": {"command": "x"}}}},
            {"mcp_config": {"mcpServers": {"one": {"command": "y"}}}},
        ),
    ],
)
def test_what_cannot_be_told_late(started: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert told(started, wanted) is None


def test_what_a_session_has_spent_counts_against_the_budget_that_a_process_starts_with() -> None:
    started = a_launch(HERE, max_budget_usd=2.0)
    assert bound(started, started) is not None
    assert bound(started, replace(started, spent_usd=1.0)) is None


def test_the_operators_variables_win_over_late_ones_too() -> None:
    assert told({}, {"environment": {"A": "session's"}}, A="operator's") == {}
    body = told({}, {"temperature": 0.5}, CLAUDE_CODE_EXTRA_BODY='{"x": 1}')
    assert body is not None
    variables = body["apply_flag_settings"]["settings"]["env"]
    assert variables == {"CLAUDE_CODE_EXTRA_BODY": '{"x": 1, "temperature": 0.5}'}


def test_an_answer_may_refuse_without_an_error() -> None:
    assert refusal_in("set_cwd", {"status": "ok", "cwd": "/w"}) == ""
    assert refusal_in("set_cwd", {"status": "needs_trust", "directory": "/w"}) == "needs_trust"
    assert refusal_in("set_cwd", {"status": "rejected", "message": "not found"}) == "not found"
    assert refusal_in("set_model", {}) == ""
