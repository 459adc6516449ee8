"""A session's own config over its profile's: a field that the session sets wins, the others are the profile's."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenroomd.domain.config import (
    Limits,
    OnIdle,
    PermissionMode,
    RecoveryMode,
    RecoveryPolicy,
    SessionConfig,
)
from greenroomd.domain.rules.config.config_overlay import OPTIONS, PartialConfig, layered, overlay

BASE = SessionConfig(
    working_dir="/srv/profile",
    system_prompt="be kind",
    model="opus",
    permission_mode=PermissionMode.PLAN,
    max_turns=10,
    temperature=0.5,
    allowed_tools=("Read", "Bash(git *)"),
    environment={"TZ": "UTC", "LANG": "C"},
    oauth_token_set=True,
    mcp_config={"mcpServers": {"calc": {"command": "calc", "args": ["-x"]}, "wiki": {"command": "wiki"}}},
    limits=Limits(memory_bytes=2**30, idle_timeout=timedelta(minutes=5)),
    recovery=RecoveryPolicy(mode=RecoveryMode.ON_CRASH, max_restarts=3),
    on_idle=OnIdle.CLOSE,
)


def over(**options: Any) -> SessionConfig:
    return overlay(BASE, PartialConfig(options))


def test_what_sets_nothing_changes_nothing() -> None:
    assert over() == BASE


def test_a_set_option_wins_even_if_it_is_the_default() -> None:
    after = over(model="haiku", temperature=0.0, on_idle=OnIdle.SUSPEND, system_prompt="")
    assert (after.model, after.temperature, after.on_idle, after.system_prompt) == (
        "haiku",
        0.0,
        OnIdle.SUSPEND,
        "",
    )
    assert (after.max_turns, after.permission_mode, after.working_dir) == (
        10,
        PermissionMode.PLAN,
        "/srv/profile",
    )


def test_a_list_replaces_a_list() -> None:
    after = over(allowed_tools=("Edit",))
    assert after.allowed_tools == ("Edit",)


def test_the_environment_merges_by_name() -> None:
    assert over(environment={"LANG": "de_DE", "A": ""}).environment == {"TZ": "UTC", "LANG": "de_DE", "A": ""}


def test_json_merges_at_every_depth_and_null_removes() -> None:
    after = over(mcp_config={"mcpServers": {"calc": {"args": []}, "wiki": None, "mail": {"command": "mail"}}})
    assert after.mcp_config == {
        "mcpServers": {"calc": {"command": "calc", "args": []}, "mail": {"command": "mail"}},
    }
    assert over(settings={"model": "x", "gone": None}).settings == {"model": "x"}


def test_each_option_of_a_group_is_one_by_itself() -> None:
    after = over(**{"limits.cpu_cores": 2.0, "limits.memory_bytes": 2**29, "recovery.max_restarts": 1})
    assert after.limits == Limits(memory_bytes=2**29, cpu_cores=2.0, idle_timeout=timedelta(minutes=5))
    assert after.recovery == RecoveryPolicy(mode=RecoveryMode.ON_CRASH, max_restarts=1)


def test_neither_side_is_changed() -> None:
    upper = {"mcpServers": {"wiki": {"args": ["-v"]}}}
    after = over(mcp_config=upper, environment={"A": "1"})
    assert after != BASE
    assert upper == {"mcpServers": {"wiki": {"args": ["-v"]}}}
    assert BASE.environment == {"TZ": "UTC", "LANG": "C"}
    assert BASE.mcp_config is not None
    assert BASE.mcp_config["mcpServers"]["wiki"] == {"command": "wiki"}


@pytest.mark.parametrize(
    "options", [{"colour": "red"}, {"limits": Limits()}, {"oauth_token_set": True}, {"model": None}]
)
def test_what_is_no_option_or_not_set_cannot_be_built(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        PartialConfig(options)


def test_every_field_of_a_config_is_an_option_but_the_mark_of_a_token() -> None:
    tops = {name.partition(".")[0] for name in OPTIONS}
    assert tops == {field.name for field in fields(SessionConfig)} - {"oauth_token_set"}


def test_layers_are_given_lowest_first_and_need_no_directory() -> None:
    profile = PartialConfig({"model": "opus", "max_turns": 5})
    session = PartialConfig({"working_dir": "/srv", "model": "haiku"})
    assert layered(profile, session) == SessionConfig(working_dir="/srv", model="haiku", max_turns=5)
    assert layered().working_dir == ""


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
json_objects = st.dictionaries(st.sampled_from("abc"), json_values, max_size=3)


@given(json_objects, json_objects)
def test_laying_the_same_over_twice_is_laying_it_once(lower: dict[str, Any], upper: dict[str, Any]) -> None:
    once = layered(PartialConfig({"settings": lower}), PartialConfig({"settings": upper}))
    assert overlay(once, PartialConfig({"settings": upper})) == once
