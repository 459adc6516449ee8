"""What a config message sets, and what it leaves to what lies below it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from full_config import FULL
from greenroom.v1 import config_pb2 as pb
from greenroomd.domain.config import (
    ApprovalPolicy,
    Limits,
    OnIdle,
    RecoveryMode,
    RecoveryPolicy,
    SessionConfig,
)
from greenroomd.domain.errors import Violation
from greenroomd.domain.rules.config.config_overlay import OPTIONS, PartialConfig
from greenroomd.rpc.convert.config_proto import config_of, partial_config_message, partial_config_of


def read(message: pb.SessionConfig) -> PartialConfig:
    problems: list[Violation] = []
    partial = partial_config_of(message, "config", problems)
    assert problems == []
    return partial


def test_the_sample_is_full() -> None:
    assert FULL.options.keys() == OPTIONS


def test_every_option_goes_there_and_back() -> None:
    assert read(partial_config_message(FULL, oauth_token_set=False)) == FULL


@pytest.mark.parametrize("name", sorted(OPTIONS))
def test_an_option_goes_there_and_back_alone(name: str) -> None:
    one = PartialConfig({name: FULL.options[name]})
    assert read(partial_config_message(one, oauth_token_set=False)) == one


@pytest.mark.parametrize(
    "empty",
    [
        {"model": "", "allowed_tools": [], "environment": {}},
        {"permission_mode": 0, "on_idle": 0, "approval_policy": 0},
        {"limits": pb.SessionLimits(), "recovery_policy": pb.RecoveryPolicy()},
        {"oauth_token": "sk-secret", "oauth_token_set": True},
    ],
)
def test_empty_values_without_presence_set_nothing(empty: dict[str, Any]) -> None:
    assert read(pb.SessionConfig(**empty)).options == {}


def test_empty_values_with_presence_are_set() -> None:
    message = pb.SessionConfig(system_prompt="", temperature=0, max_turns=0)
    message.settings.SetInParent()
    message.tool_timeout.SetInParent()
    message.limits.memory_bytes = 0
    assert read(message).options == {
        "system_prompt": "",
        "temperature": 0.0,
        "max_turns": 0,
        "settings": {},
        "tool_timeout": timedelta(),
        "limits.memory_bytes": 0,
    }


def test_default_values_of_enumerations_are_set_where_they_are_named() -> None:
    message = pb.SessionConfig(
        on_idle=pb.ON_IDLE_SUSPEND,
        approval_policy=pb.APPROVAL_POLICY_ASK,
        recovery_policy=pb.RecoveryPolicy(mode=pb.RECOVERY_MODE_NEVER),
    )
    assert read(message).options == {
        "on_idle": OnIdle.SUSPEND,
        "approval_policy": ApprovalPolicy.ASK,
        "recovery.mode": RecoveryMode.NEVER,
    }


def test_what_cannot_be_read_is_a_problem_and_sets_nothing() -> None:
    problems: list[Violation] = []
    message = pb.SessionConfig(on_idle=99, model="opus")  # type: ignore[arg-type]
    message.limits.idle_timeout.seconds = 2**62
    assert partial_config_of(message, "config", problems).options == {"model": "opus"}
    assert [problem.field for problem in problems] == ["config.on_idle", "config.limits.idle_timeout"]


def test_a_config_by_itself_has_the_defaults_and_keeps_its_nulls() -> None:
    message = partial_config_message(PartialConfig({"settings": {"a": None}}), oauth_token_set=False)
    message.oauth_token = "sk-secret"
    message.limits.cpu = 2
    config = config_of(message, "config", [])
    assert config == SessionConfig(
        working_dir="",
        settings={"a": None},
        oauth_token_set=True,
        limits=Limits(cpu_cores=2),
        recovery=RecoveryPolicy(),
    )


def test_the_mark_of_a_token_is_shown_and_the_rest_is_not_set() -> None:
    message = partial_config_message(PartialConfig({}), oauth_token_set=True)
    assert message == pb.SessionConfig(oauth_token_set=True)
