"""Which hooks a session may give."""

from __future__ import annotations

from typing import Any

import pytest

from greenroomd.domain.rules.config.hook_rules import EVENTS, MAX_HOOKS, hook_violations

COMMAND = {"type": "command", "command": "true"}


def fields(hooks: dict[str, Any]) -> list[str]:
    return sorted(violation.field for violation in hook_violations(hooks, "hooks"))


def one(hook: object) -> list[str]:
    return fields({"Stop": [{"hooks": [hook]}]})


@pytest.mark.parametrize("event", sorted(EVENTS))
def test_every_event_takes_hooks(event: str) -> None:
    assert fields({event: [{"matcher": "Bash", "hooks": [COMMAND]}, {"hooks": []}]}) == []


@pytest.mark.parametrize(
    "hook",
    [
        {
            **COMMAND,
            "args": ["a"],
            "timeout": 5,
            "onFailure": "block",
            "async": True,
            "once": False,
            "if": "Bash",
        },
        {"type": "prompt", "prompt": "is it good?", "model": "haiku", "continueOnBlock": True},
        {"type": "agent", "prompt": "check it", "statusMessage": "checking"},
        {"type": "mcp_tool", "server": "calc", "tool": "add", "input": {"a": 1}},
        {"type": "http", "url": "https://example.com/hook", "headers": {"X-A": "b"}},
    ],
)
def test_every_kind_of_hook_is_good(hook: dict[str, Any]) -> None:
    assert one(hook) == []


@pytest.mark.parametrize(
    ("hook", "path"),
    [
        ("true", ""),
        ({}, ".type"),
        ({"type": "callback"}, ".type"),
        ({"type": ["command"]}, ".type"),
        ({"type": "command"}, ".command"),
        ({"type": "command", "command": " "}, ".command"),
        ({**COMMAND, "timeout": 0}, ".timeout"),
        ({**COMMAND, "timeout": "5"}, ".timeout"),
        ({**COMMAND, "once": 1}, ".once"),
        ({**COMMAND, "onFailure": "stop"}, ".onFailure"),
        ({**COMMAND, "args": [1]}, ".args"),
        ({**COMMAND, "comand": "x"}, '["comand"]'),
        ({"type": "http", "url": "ftp://x"}, ".url"),
        ({"type": "http", "url": "https://x", "allowedEnvVars": ["ANTHROPIC_API_KEY"]}, ".allowedEnvVars"),
    ],
)
def test_any_other_hook_is_told_by_its_place(hook: object, path: str) -> None:
    assert one(hook) == [f"hooks.Stop[0].hooks[0]{path}"]


@pytest.mark.parametrize(
    ("hooks", "path"),
    [
        ({"UserPromptSubmitted": []}, 'hooks["UserPromptSubmitted"]'),
        ({"Stop": {}}, "hooks.Stop"),
        ({"Stop": [COMMAND["command"]]}, "hooks.Stop[0]"),
        ({"Stop": [{"matcher": 1, "hooks": []}]}, "hooks.Stop[0].matcher"),
        ({"Stop": [{"hooks": [], "command": "x"}]}, 'hooks.Stop[0]["command"]'),
        ({"Stop": [{}]}, "hooks.Stop[0].hooks"),
        ({"Stop": [{"hooks": [COMMAND] * MAX_HOOKS}, {"hooks": [COMMAND]}]}, "hooks.Stop"),
    ],
)
def test_any_other_form_is_told_by_its_place(hooks: dict[str, Any], path: str) -> None:
    assert fields(hooks) == [path]
