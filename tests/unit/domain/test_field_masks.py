"""An update takes the fields that its mask names, and no others."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from greenroomd.domain.config import Limits, PermissionMode, RecoveryMode, Secret, SessionConfig
from greenroomd.domain.errors import InvalidUpdateMask
from greenroomd.domain.rules.field_masks import MAX_PATHS, Parts, masked
from greenroomd.domain.rules.session_field_rules import OperatorBounds, part_violations
from greenroomd.domain.session import Session

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = timedelta(days=1)
BEFORE = Session(
    session_id="0b7c5e2e-8f0e-4d0f-9a39-3f5d1f6f3c11",
    workspace_id="default",
    display_name="old",
    labels={"team": "red", "tier": "1"},
    metadata={"ticket": 7.0, "kept": True},
    config=SessionConfig(
        working_dir="/srv/app",
        model="opus",
        max_turns=5,
        environment={"A": "1", "B": "2"},
        limits=Limits(cpu_cores=2.0, output_bytes=10),
        oauth_token_set=True,
    ),
    state_time=NOON,
    cli_session_id="0b7c5e2e-8f0e-4d0f-9a39-3f5d1f6f3c11",
    create_time=NOON,
    update_time=NOON,
    last_active_time=NOON,
)
WITHOUT_TOKEN = replace(BEFORE, config=replace(BEFORE.config, oauth_token_set=False))


def given(**parts: Any) -> Parts:
    config = SessionConfig(**{"working_dir": "", **parts.pop("config", {})})
    return Parts(config=config, **parts)


def test_maps_change_as_a_whole_or_by_key() -> None:
    parts = given(labels={"team": "blue", "new": "x"}, metadata={"ticket": 8.0})
    assert masked(BEFORE, parts, ["labels"]).labels == {"team": "blue", "new": "x"}
    by_key = masked(BEFORE, parts, ["labels.team", "labels.tier", "metadata.ticket", "metadata.kept"])
    assert by_key.labels == {"team": "blue"}
    assert by_key.metadata == {"ticket": 8.0}
    assert by_key.display_name == "old"
    assert by_key.config == BEFORE.config


def test_options_change_one_by_one_and_are_unset_by_leaving_them_out() -> None:
    parts = given(
        config={
            "model": "haiku",
            "environment": {"B": "3", "C": "4"},
            "limits": Limits(cpu_cores=1.0),
        }
    )
    paths = [
        "config.model",
        "config.max_turns",
        "config.environment.B",
        "config.environment.A",
        "config.limits.cpu",
    ]
    config = masked(BEFORE, parts, paths).config
    assert (config.model, config.max_turns, config.environment) == ("haiku", None, {"B": "3"})
    assert config.limits == Limits(cpu_cores=1.0, output_bytes=10)
    assert config.recovery.mode is RecoveryMode.NEVER
    assert config.oauth_token_set


def test_the_whole_config_keeps_the_working_directory() -> None:
    parts = masked(WITHOUT_TOKEN, given(config={"model": "haiku"}), ["config"])
    assert parts.config == SessionConfig(working_dir="/srv/app", model="haiku")
    same = masked(WITHOUT_TOKEN, given(config={"working_dir": "/srv/app"}), ["config"])
    assert same.config == SessionConfig(working_dir="/srv/app")


def test_the_whole_config_keeps_the_token_that_it_never_shows() -> None:
    written_back = masked(BEFORE, given(config={"model": "haiku"}), ["config"])
    assert (written_back.oauth_token, written_back.config.oauth_token_set) == (None, True)
    assert not masked(WITHOUT_TOKEN, given(), ["config"]).config.oauth_token_set
    token = Secret("new")
    brought = given(config={"oauth_token_set": True}, oauth_token=token)
    replaced = masked(BEFORE, brought, ["config"])
    assert (replaced.oauth_token, replaced.config.oauth_token_set) == (token, True)


@pytest.mark.parametrize("paths", [["config", "config.oauth_token"], ["config.oauth_token", "config"]])
def test_a_token_that_is_named_goes_with_the_whole_config_too(paths: list[str]) -> None:
    parts = masked(BEFORE, given(config={"model": "haiku"}), paths)
    assert (parts.oauth_token, parts.config.oauth_token_set) == (Secret(""), False)
    assert parts.config.model == "haiku"


def test_a_token_comes_and_goes() -> None:
    token = Secret("new")
    parts = masked(BEFORE, given(oauth_token=token), ["config.oauth_token"])
    assert (parts.oauth_token, parts.config.oauth_token_set) == (token, True)
    parts = masked(BEFORE, given(), ["config.oauth_token"])
    assert (parts.oauth_token, parts.config.oauth_token_set) == (Secret(""), False)
    assert part_violations(parts, bounds=OperatorBounds(may_bypass=False)) == []
    assert masked(BEFORE, given(oauth_token=token), ["config.model"]).oauth_token is None


@pytest.mark.parametrize(
    "path",
    [
        "",
        "state",
        "session_id",
        "etag",
        "display_name.x",
        "config.working_dir",
        "config.colour",
        "config.limits.colour",
        "config.oauth_token_set",
        "Config.model",
    ],
)
def test_what_cannot_be_changed_is_told(path: str) -> None:
    with pytest.raises(InvalidUpdateMask) as refused:
        masked(BEFORE, given(), ["labels.team", path])
    (violation,) = refused.value.violations
    assert violation.field == "update_mask"
    assert f'"{path}"' in violation.description


def test_no_other_working_directory_with_the_whole_config() -> None:
    with pytest.raises(InvalidUpdateMask, match="immutable"):
        masked(BEFORE, given(config={"working_dir": "/elsewhere"}), ["config"])


def test_what_is_too_much_of_a_mask_is_counted_not_judged() -> None:
    with pytest.raises(InvalidUpdateMask) as refused:
        masked(BEFORE, given(), ["colour" * 1_000] * 100_000)
    first, *others = refused.value.violations
    assert first.description.endswith("names 100000")
    assert len(others) == MAX_PATHS
    assert len(str(refused.value)) < 100_000


def test_an_empty_mask_changes_nothing_and_is_refused() -> None:
    with pytest.raises(InvalidUpdateMask):
        masked(BEFORE, given(), [])


def test_who_bypasses_permissions_already_may_go_on() -> None:
    config = {"working_dir": "/srv/app", "permission_mode": PermissionMode.BYPASS_PERMISSIONS}
    parts = given(config=config)
    (violation,) = part_violations(parts, bounds=OperatorBounds(may_bypass=False))
    assert violation.field == "config.permission_mode"
    assert part_violations(parts, bounds=OperatorBounds(may_bypass=True)) == []
    assert part_violations(parts, bounds=OperatorBounds(may_bypass=False), before=parts.config) == []


def test_the_operator_bounds_the_time_for_mcp_servers_to_connect() -> None:
    parts = Parts(config=SessionConfig(working_dir="/srv", mcp_connect_timeout=timedelta(seconds=5)))
    tight = OperatorBounds(may_bypass=False, mcp_connect_timeout=timedelta(seconds=4))
    (violation,) = part_violations(parts, bounds=tight)
    assert violation.field == "config.mcp_connect_timeout"
    assert "at most 4 s" in violation.description
    assert part_violations(parts, bounds=tight, before=parts.config) == []  # it had it before
    assert part_violations(parts, bounds=OperatorBounds(may_bypass=False)) == []


def test_a_grace_above_that_of_the_server_is_refused_unless_the_session_has_it_already() -> None:
    parts = given(config={"working_dir": "/srv/app", "limits": Limits(background_grace=2 * DAY)})
    (violation,) = part_violations(parts, bounds=OperatorBounds(may_bypass=False))
    assert violation.field == "config.limits.background_grace"
    assert "GREENROOM_MAX_BACKGROUND_GRACE" in violation.description
    assert part_violations(parts, bounds=OperatorBounds(may_bypass=False), before=parts.config) == []
    assert part_violations(parts, bounds=OperatorBounds(may_bypass=False, background_grace=2 * DAY)) == []
