"""Every rule of a configuration: its bounds hold, and one answer names the path of each field beyond them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from greenroomd.domain.config import Secret, SessionConfig
from greenroomd.domain.rules.checks import spelled
from greenroomd.domain.rules.config.config_overlay import PartialConfig, overlay
from greenroomd.domain.rules.config.config_rules import OPTIONS, PAIRS, violations

GOOD = SessionConfig(working_dir="/srv/project")
MIB = 2**20
MS, SECOND, HOUR, DAY = (
    timedelta(milliseconds=1),
    timedelta(seconds=1),
    timedelta(hours=1),
    timedelta(days=1),
)
NAN, INFINITY = float("nan"), float("inf")

# path below the config, option, the values at its bounds, values beyond them
BOUNDS: list[tuple[str, str, list[Any], list[Any]]] = [
    (
        "working_dir",
        "working_dir",
        ["/", "/" + "a" * 4095],
        ["", "project", "./project", "~/project", "/srv/\0", "/" + "a" * 4096],
    ),
    ("system_prompt", "system_prompt", ["", "é" * 131072], ["a" * 262145, "é" * 131073, "a\0b"]),
    ("append_system_prompt", "append_system_prompt", ["", "a" * 262144], ["a" * 262145, "a\0b"]),
    (
        "model",
        "model",
        ["sonnet", "claude-opus-5-5", "sonnet[1m]", "us.anthropic.claude-v1:0", "m" * 256],
        ["", "--version", "two words", "so\nnnet", "m" * 257],
    ),
    ("max_thinking_tokens", "max_thinking_tokens", [0, 1024, 1_000_000], [-1, 1, 1023, 1_000_001]),
    ("max_turns", "max_turns", [1, 1000], [0, -1, 1001]),
    ("temperature", "temperature", [0.0, 0.3, 1.0], [-0.01, 1.01, NAN, INFINITY, -INFINITY]),
    ("max_budget_usd", "max_budget_usd", [0.01, 1e6], [0.0, -1.0, NAN, INFINITY]),
    ("tool_timeout", "tool_timeout", [SECOND, 600 * SECOND], [999 * MS, 0 * MS, -SECOND, 600 * SECOND + MS]),
    ("mcp_connect_timeout", "mcp_connect_timeout", [100 * MS, HOUR], [99 * MS, 0 * MS, -SECOND, HOUR + MS]),
    ("limits.memory_bytes", "limits.memory_bytes", [256 * MIB, 2**62], [256 * MIB - 1, 0, -1]),
    ("limits.cpu", "limits.cpu_cores", [0.5, 64.0], [0.0, -1.0, NAN, INFINITY]),
    ("limits.max_duration", "limits.max_duration", [SECOND, 7 * DAY], [999 * MS, 7 * DAY + MS]),
    ("limits.idle_timeout", "limits.idle_timeout", [SECOND, 7 * DAY], [999 * MS, 7 * DAY + MS]),
    ("limits.turn_timeout", "limits.turn_timeout", [SECOND, 7 * DAY], [999 * MS, 7 * DAY + MS]),
    ("limits.background_grace", "limits.background_grace", [0 * MS, 7 * DAY], [-MS, 7 * DAY + MS]),
    ("limits.output_bytes", "limits.output_bytes", [1, 2**62], [0, -1]),
    ("recovery_policy.max_restarts", "recovery.max_restarts", [1, 100], [0, 101]),
    ("recovery_policy.restart_window", "recovery.window", [SECOND, DAY], [999 * MS, DAY + MS]),
    (
        "recovery_policy.initial_backoff",
        "recovery.first_backoff",
        [100 * MS, 60 * SECOND],
        [99 * MS, HOUR + MS],
    ),
    ("recovery_policy.max_backoff", "recovery.max_backoff", [SECOND, HOUR], [99 * MS, HOUR + MS]),
]


def with_options(**options: Any) -> SessionConfig:
    return overlay(GOOD, PartialConfig(options))


def paths(config: SessionConfig, **arguments: Any) -> list[str]:
    return [violation.field for violation in violations(config, **arguments)]


def test_every_rule_of_the_table_has_its_bounds_here() -> None:
    assert {path for path, *_ in BOUNDS} == {path for path, *_ in OPTIONS}


def test_a_config_with_nothing_but_a_directory_is_good() -> None:
    assert violations(GOOD) == []


@pytest.mark.parametrize(
    ("option", "value"), [(option, value) for _, option, good, _ in BOUNDS for value in good]
)
def test_what_lies_at_a_bound_is_good(option: str, value: Any) -> None:
    assert violations(with_options(**{option: value})) == []


@pytest.mark.parametrize(
    ("path", "option", "value"), [(path, option, value) for path, option, _, bad in BOUNDS for value in bad]
)
def test_what_lies_beyond_a_bound_is_one_violation_of_that_field(path: str, option: str, value: Any) -> None:
    assert paths(with_options(**{option: value})) == [f"config.{path}"]


def test_the_two_prompts_may_not_be_the_same_text() -> None:
    assert paths(with_options(system_prompt="be kind", append_system_prompt="be kind")) == [
        "config.append_system_prompt"
    ]
    assert paths(with_options(system_prompt="be kind", append_system_prompt="be brief")) == []
    assert paths(with_options(system_prompt="", append_system_prompt="")) == []


def test_the_longest_backoff_is_not_below_the_first() -> None:
    shrinking = {"recovery.first_backoff": 10 * SECOND, "recovery.max_backoff": 9 * SECOND}
    assert paths(with_options(**shrinking)) == ["config.recovery_policy.max_backoff"]
    assert paths(with_options(**{**shrinking, "recovery.max_backoff": 10 * SECOND})) == []


def test_a_pair_is_judged_only_if_both_are_good_by_themselves() -> None:
    assert {path for path, *_ in PAIRS} == {"append_system_prompt", "recovery_policy.max_backoff"}
    long = "a" * 262145
    assert paths(with_options(system_prompt=long, append_system_prompt=long)) == [
        "config.system_prompt",
        "config.append_system_prompt",
    ]
    assert paths(with_options(**{"recovery.first_backoff": 2 * HOUR})) == [
        "config.recovery_policy.initial_backoff"
    ]


@pytest.mark.parametrize("token", ["t", "sk-ant-oat01-A_b~", "t" * 8192])
def test_a_token_of_visible_ascii_is_good(token: str) -> None:
    assert violations(GOOD, oauth_token=Secret(token)) == []


@pytest.mark.parametrize("token", ["", "a b", "a\n", "\ta", "a\x7f", "tokén", "t" * 8193])
def test_any_other_token_is_a_violation(token: str) -> None:
    assert paths(GOOD, oauth_token=Secret(token)) == ["config.oauth_token"]


def test_ten_wrong_fields_are_ten_violations() -> None:
    wrong = with_options(
        **{
            "working_dir": "here",
            "max_turns": 0,
            "temperature": NAN,
            "max_budget_usd": -1.0,
            "allowed_tools": ("Read", "Bash(git *)", "Bash("),
            "tool_timeout": 11 * 60 * SECOND,
            "environment": {"LD_PRELOAD": "/evil.so", "FINE": "1"},
            "limits.memory_bytes": MIB,
            "recovery.max_restarts": 0,
            "mcp_config": {"mcpServers": {"calc": {"type": "http"}}},
        }
    )
    assert sorted(paths(wrong)) == [
        "config.allowed_tools[2]",
        'config.environment["LD_PRELOAD"]',
        "config.limits.memory_bytes",
        "config.max_budget_usd",
        "config.max_turns",
        'config.mcp_config.mcpServers["calc"].url',
        "config.recovery_policy.max_restarts",
        "config.temperature",
        "config.tool_timeout",
        "config.working_dir",
    ]


def test_a_description_says_the_rule_and_what_was_given() -> None:
    wrong = with_options(
        working_dir="",
        max_turns=5000,
        tool_timeout=timedelta(minutes=11),
        **{"limits.memory_bytes": 1000, "recovery.max_backoff": 50 * MS},
    )
    told = {violation.field: violation.description for violation in violations(wrong)}
    assert told == {
        "config.working_dir": "is required: the absolute path of the directory that the process works in",
        "config.max_turns": "must be from 1 to 1000, is 5000",
        "config.tool_timeout": "must be from 1 s to 10 min, is 11 min",
        "config.limits.memory_bytes": "must be at least 268435456 (256 MiB), is 1000",
        "config.recovery_policy.max_backoff": "must be from 100 ms to 1 h, is 50 ms",
    }


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (8 * DAY, "8 d"),
        (25 * HOUR, "25 h"),
        (11 * 60 * SECOND, "11 min"),
        (-SECOND, "-1 s"),
        (MS / 2, "0.5 ms"),
    ],
)
def test_a_span_is_spelled_in_its_largest_whole_unit(span: timedelta, text: str) -> None:
    assert spelled(span) == text


def test_a_description_stays_short_and_shows_no_prompt() -> None:
    wrong = with_options(
        system_prompt="hunter2" * 40000, working_dir="x" * 5000, environment={"1" * 100: "x"}
    )
    for violation in violations(wrong):
        assert "hunter2" not in violation.description
        assert len(violation.field) + len(violation.description) < 300


def test_the_prefix_leads_every_path() -> None:
    wrong = with_options(
        working_dir="",
        allowed_tools=("bash",),
        environment={"PATH": "/bin"},
        mcp_config={},
        settings={"env": {"PATH": "/bin"}},
    )
    found = paths(wrong, oauth_token=Secret(""), prefix="profile.config")
    assert len(found) == 6
    assert all(path.startswith("profile.config.") for path in found)


def test_required_mcp_servers_are_servers_of_the_config_named_once() -> None:
    servers = {"mcpServers": {"calc": {"command": "calc"}, "wiki": {"command": "wiki"}}}
    assert paths(with_options(mcp_config=servers, required_mcp_servers=("calc", "wiki"))) == []
    assert paths(with_options(mcp_config=servers, required_mcp_servers=("calc", "x", "calc"))) == [
        "config.required_mcp_servers[1]",
        "config.required_mcp_servers[2]",
    ]
    assert paths(with_options(required_mcp_servers=("calc",))) == ["config.required_mcp_servers[0]"]
    many = tuple(f"s{number}" for number in range(65))
    assert paths(with_options(required_mcp_servers=many)) == ["config.required_mcp_servers"]
