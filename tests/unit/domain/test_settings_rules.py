"""Which of the CLI's settings a session may give."""

from __future__ import annotations

from typing import Any

import pytest

from greenroomd.domain.rules.config.settings_rules import (
    ACCEPTED,
    MAX_DIRECTORIES,
    REFUSED,
    accepted,
    additional_directories,
    settings_violations,
)

GOOD: dict[str, Any] = {
    "attribution": {"commit": "", "pr": "by a machine", "sessionUrl": False},
    "autoCompactEnabled": False,
    "autoCompactWindow": 200_000.0,
    "autoMemoryEnabled": True,
    "bashEditDiffEnabled": True,
    "bashOutputMaxChars": 5000,
    "disableAllHooks": True,
    "disableBundledSkills": True,
    "disableWorkflows": True,
    "includeCoAuthoredBy": False,
    "includeGitInstructions": False,
    "language": "Deutsch",
    "outputStyle": "Explanatory",
    "promptCacheTtl": "1h",
    "showThinkingSummaries": True,
    "skillOverrides": {"security-review": "off"},
    "subagentPromptCacheTtl": "5m",
}


def fields(settings: dict[str, Any]) -> list[str]:
    return sorted(violation.field for violation in settings_violations(settings))


def test_every_accepted_setting_has_a_good_value() -> None:
    assert GOOD.keys() == ACCEPTED.keys()
    assert fields(GOOD) == []
    assert accepted(GOOD) == GOOD


@pytest.mark.parametrize("name", ACCEPTED)
@pytest.mark.parametrize("bad", [None, [], {"x": 1}, "", 0, 1e12, 1.5])
def test_a_setting_of_another_kind_is_refused(name: str, bad: Any) -> None:
    assert fields({name: bad}) == [f"config.settings.{name}"]


@pytest.mark.parametrize("name", REFUSED)
def test_a_setting_that_reaches_beyond_the_session_is_refused_with_the_reason(name: str) -> None:
    values: list[Any] = [1, "x", True, None, {}]
    for value in values:
        (violation,) = settings_violations({name: value})
        assert violation.field == f"config.settings.{name}"
        assert violation.description == f"must not be set: {REFUSED[name]}"
    assert accepted({name: 1}) == {}


@pytest.mark.parametrize("name", ["theme", "deep", "futureSetting", "Model", "cleanupperioddays"])
def test_a_setting_that_is_not_known_is_refused(name: str) -> None:
    assert fields({name: {}}) == [f"config.settings.{name}"]
    assert accepted({name: {}}) == {}


def test_a_name_that_is_no_word_is_shown_in_quotes() -> None:
    assert fields({"a.b": 1, "": 1}) == ['config.settings[""]', 'config.settings["a.b"]']


def test_the_environment_in_settings_obeys_the_rules_of_the_environment() -> None:
    given = {
        "LD_PRELOAD": "x",
        "TZ": "UTC",
        "1": "x",
        "ANTHROPIC_API_KEY": "k",
        "ANTHROPIC_CUSTOM_HEADERS": "a: b",
    }
    assert fields({"env": given}) == [
        'config.settings.env["1"]',
        'config.settings.env["ANTHROPIC_API_KEY"]',
        'config.settings.env["ANTHROPIC_CUSTOM_HEADERS"]',
        'config.settings.env["LD_PRELOAD"]',
    ]


@pytest.mark.parametrize("env", [None, [], "TZ=UTC", {"TZ": None}, {"PORT": 80.0}])
def test_the_environment_in_settings_is_a_map_of_strings(env: Any) -> None:
    assert fields({"env": env}) == ["config.settings.env"]


def test_settings_cannot_choose_the_permission_mode() -> None:
    settings = {
        "permissions": {"defaultMode": "bypassPermissions", "allow": [], "disableAutoMode": "disable"}
    }
    assert fields(settings) == [
        "config.settings.permissions.defaultMode",
        "config.settings.permissions.disableAutoMode",
    ]


def test_rules_in_settings_obey_the_rules_of_the_lists_of_tools() -> None:
    assert fields({"permissions": {"allow": ["Read"], "deny": ["mcp__x__*"], "ask": ["Bash(rm *)"]}}) == []
    given = {"allow": ["Read", "bash", "Edit*"], "deny": ["Bash()"], "ask": "Bash"}
    assert fields({"permissions": given}) == [
        "config.settings.permissions.allow[1]",
        "config.settings.permissions.allow[2]",
        "config.settings.permissions.ask",
        "config.settings.permissions.deny[0]",
    ]


def test_additional_directories_are_absolute_and_few() -> None:
    path = "config.settings.permissions.additionalDirectories"
    good = {"permissions": {"additionalDirectories": ["/a", "/b c"]}}
    assert fields(good) == []
    assert additional_directories(good) == [
        ("permissions.additionalDirectories[0]", "/a"),
        ("permissions.additionalDirectories[1]", "/b c"),
    ]
    bad = ["../x", "~/x", "", "/a\0b", "/" * 5000]
    assert fields({"permissions": {"additionalDirectories": bad}}) == [f"{path}[{n}]" for n in range(5)]
    many = ["/a"] * (MAX_DIRECTORIES + 1)
    assert fields({"permissions": {"additionalDirectories": many}}) == [path]
    for none in (None, {}, {"permissions": 1}, {"permissions": {"additionalDirectories": "/a"}}):
        assert additional_directories(none) == ()


def test_settings_are_an_object_of_at_most_64_kib() -> None:
    assert fields({"language": "x" * 70_000}) == ["config.settings"]
    assert fields({"language": float("nan")}) == ["config.settings"]


def test_hooks_are_judged_below_their_path() -> None:
    assert fields({"hooks": {"Stop": 1}}) == ["config.settings.hooks.Stop"]
