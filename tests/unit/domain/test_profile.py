"""The rules of a profile, and what an update mask does to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from greenroomd.domain.config import OnIdle, ProjectContext, RecoveryMode, Secret
from greenroomd.domain.errors import EtagMismatch, InvalidUpdateMask
from greenroomd.domain.profile import (
    MAX_DESCRIPTION_LENGTH,
    MAX_SESSIONS,
    MAX_WARM_PROCESSES,
    Profile,
    ProfileParts,
    changed,
    etag,
    profile_violations,
    require_etag,
    settled,
)
from greenroomd.domain.rules.config.config_overlay import PartialConfig

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=1)
PARTS = ProfileParts(
    display_name="Reviewer",
    description="reads",
    labels={"team": "red", "tier": "1"},
    config=PartialConfig(
        {
            "model": "opus",
            "environment": {"TZ": "UTC", "LANG": "C"},
            "limits.cpu_cores": 2.0,
            "limits.memory_bytes": 2**30,
            "recovery.mode": RecoveryMode.ON_CRASH,
        }
    ),
    warm_processes=1,
    max_sessions=5,
)
PROFILE = Profile(
    workspace_id="lab", profile_id="reviewer", parts=PARTS, create_time=NOON, update_time=NOON, version=3
)


def after(*paths: str, **given: Any) -> ProfileParts:
    return changed(PROFILE, ProfileParts(**given), paths, at=LATER).parts


def options_after(*paths: str, **given: Any) -> dict[str, Any]:
    options = {name.replace("__", "."): value for name, value in given.items()}
    parts = after(*paths, config=PartialConfig(options))
    return dict(parts.config.options)


def fields(parts: ProfileParts) -> Sequence[str]:
    return [each.field for each in profile_violations(parts)]


def test_a_good_profile_needs_no_working_dir() -> None:
    assert profile_violations(PARTS) == []
    assert profile_violations(ProfileParts()) == []


def test_every_broken_rule_is_found_with_its_path() -> None:
    parts = ProfileParts(
        display_name="x" * 257,
        description="a\0b",
        labels={"Team": ""},
        config=PartialConfig({"working_dir": "relative", "max_turns": 0, "environment": {"LD_PRELOAD": "x"}}),
        oauth_token=Secret("two words"),
        warm_processes=-1,
        max_sessions=-1,
    )
    assert fields(parts) == [
        "profile.display_name",
        "profile.description",
        "profile.warm_processes",
        "profile.max_sessions",
        'profile.labels["Team"]',
        "profile.config.working_dir",
        "profile.config.max_turns",
        'profile.config.environment["LD_PRELOAD"]',
        "profile.config.oauth_token",
    ]


@pytest.mark.parametrize(
    ("field", "highest"), [("warm_processes", MAX_WARM_PROCESSES), ("max_sessions", MAX_SESSIONS)]
)
def test_numbers_have_a_range(field: str, highest: int) -> None:
    assert fields(ProfileParts(**{field: highest})) == []  # type: ignore[arg-type]
    assert fields(ProfileParts(**{field: highest + 1})) == [f"profile.{field}"]  # type: ignore[arg-type]


def test_a_description_has_lines_and_a_length() -> None:
    assert fields(ProfileParts(description="é\n\t" * (MAX_DESCRIPTION_LENGTH // 3))) == []
    assert fields(ProfileParts(description="x" * (MAX_DESCRIPTION_LENGTH + 1))) == ["profile.description"]
    assert fields(ProfileParts(description="\x1b[2J")) == ["profile.description"]


def test_taking_a_token_away_breaks_no_rule() -> None:
    assert profile_violations(ProfileParts(oauth_token=Secret(""))) == []


def test_a_mask_changes_what_it_names_and_one_version() -> None:
    profile = changed(PROFILE, ProfileParts(description="writes", max_sessions=9), ["description"], at=LATER)
    assert profile == replace(
        PROFILE, parts=replace(PARTS, description="writes"), update_time=LATER, version=4
    )


def test_plain_fields_are_set_or_emptied() -> None:
    parts = after("display_name", "warm_processes", "max_sessions", display_name="X", warm_processes=2)
    assert (parts.display_name, parts.warm_processes, parts.max_sessions) == ("X", 2, 0)


def test_labels_change_as_a_whole_or_by_key() -> None:
    assert after("labels", labels={"a": "b"}).labels == {"a": "b"}
    assert after("labels.team", labels={"team": "blue", "tier": "9"}).labels == {"team": "blue", "tier": "1"}
    assert after("labels.team").labels == {"tier": "1"}


def test_an_option_is_set_or_left_open_again() -> None:
    assert options_after("config.model", model="haiku", max_turns=9)["model"] == "haiku"
    assert "model" not in options_after("config.model")
    assert options_after("config.on_idle", on_idle=OnIdle.SUSPEND)["on_idle"] is OnIdle.SUSPEND


def test_an_option_of_a_group_is_one_by_itself() -> None:
    options = options_after("config.limits.cpu", limits__cpu_cores=1.0, limits__memory_bytes=2**29)
    assert (options["limits.cpu_cores"], options["limits.memory_bytes"]) == (1.0, 2**30)
    options = options_after("config.recovery_policy.mode")
    assert "recovery.mode" not in options


def test_a_group_changes_as_a_whole() -> None:
    options = options_after("config.limits", limits__cpu_cores=1.0)
    assert options["limits.cpu_cores"] == 1.0
    assert "limits.memory_bytes" not in options
    assert options["model"] == "opus"


def test_the_environment_changes_by_name() -> None:
    options = options_after(
        "config.environment.LANG", "config.environment.TZ", environment={"LANG": "de", "X": "1"}
    )
    assert options["environment"] == {"LANG": "de"}
    assert "environment" not in options_after("config.environment.LANG", "config.environment.TZ")
    assert options_after("config.environment", environment={"A": "1"})["environment"] == {"A": "1"}


def test_the_config_changes_as_a_whole_but_keeps_the_token() -> None:
    assert options_after("config", model="haiku") == {"model": "haiku"}
    assert after("config").oauth_token is None
    assert after("config", oauth_token=Secret("new")).oauth_token == Secret("new")


def test_the_token_is_replaced_or_removed_where_it_is_named() -> None:
    assert after("config.oauth_token", oauth_token=Secret("new")).oauth_token == Secret("new")
    assert after("config.oauth_token").oauth_token == Secret("")
    assert after("config.oauth_token", "config").oauth_token == Secret("")
    assert after("display_name", oauth_token=Secret("new")).oauth_token is None


def test_a_profile_at_rest_tells_only_that_it_has_a_token() -> None:
    fresh = replace(PROFILE, parts=replace(PARTS, oauth_token=Secret("new")))
    profile, token = settled(fresh)
    assert (profile, token) == (replace(PROFILE, oauth_token_set=True), Secret("new"))
    taken, token = settled(replace(fresh, parts=replace(PARTS, oauth_token=Secret("")), oauth_token_set=True))
    assert (taken, token) == (PROFILE, Secret(""))
    assert settled(profile) == (profile, None)


@pytest.mark.parametrize(
    "path",
    ["profile_id", "workspace_id", "etag", "create_time", "metadata", "config.colour", "config.labels", ""],
)
def test_what_cannot_be_changed_is_refused(path: str) -> None:
    with pytest.raises(InvalidUpdateMask) as refused:
        after(path, "display_name")
    assert len(refused.value.violations) == 1
    assert f'"{path}"' in refused.value.violations[0].description


def test_an_empty_mask_is_refused() -> None:
    with pytest.raises(InvalidUpdateMask):
        after()


def test_an_etag_is_of_one_version_of_one_profile() -> None:
    require_etag(PROFILE, "")
    require_etag(PROFILE, etag(PROFILE))
    other = [replace(PROFILE, version=4), replace(PROFILE, create_time=NOON + timedelta(microseconds=1))]
    for profile in other:
        with pytest.raises(EtagMismatch) as refused:
            require_etag(profile, etag(PROFILE))
        assert refused.value.current == etag(profile)


def test_no_process_is_started_ahead_for_what_a_project_says() -> None:
    config = PartialConfig({"project_context": (ProjectContext.SKILLS,)})
    (refused,) = profile_violations(ProfileParts(config=config, warm_processes=1))
    assert refused.field == "profile.warm_processes"
    assert profile_violations(ProfileParts(config=config)) == []
