"""Ids, names, labels and metadata that a caller may choose."""

from __future__ import annotations

from typing import Any

import pytest

from greenroomd.domain.rules.naming_rules import label_violations, metadata_violations, name_violations

# Written out: they are part of the tests' names, and workers that share the tests must agree on those.
UUID1 = "c232ab00-9414-11ec-b3c8-9f6bdeced846"
UUID4 = "919108f7-52d1-4320-9bac-f847db4148a8"

GOOD = {
    "session_id": [UUID4, "00000000-0000-4000-8000-000000000000"],
    "request_id": [UUID1, UUID4.upper()],
    "workspace_id": ["default", "a", "7-up", "w" * 63],
    "profile_id": ["blue-room", "p" * 63],
    "user_id": ["alice", "auth0|5f7c", "alice@example.com", "u" * 128],
    "display_name": ["Alice's séance", "名前", "d" * 256],
}
BAD = {
    "session_id": ["x", UUID1, UUID4.upper(), UUID4.replace("-", ""), f"{{{UUID4}}}", f"{UUID4}\n"],
    "request_id": ["x", UUID4.replace("-", ""), f"urn:uuid:{UUID4}"],
    "workspace_id": ["-", "-a", "Default", "a b", "a/b", "w" * 64],
    "profile_id": ["-", "Blue", "blue_room", "p" * 64],
    "user_id": ["two words", "älice", "a\n", "u" * 129],
    "display_name": ["d" * 257, "two\nlines", "\x1b[31mred"],
}


@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field, values in GOOD.items() for value in values]
)
def test_a_good_name_is_taken(field: str, value: str) -> None:
    assert name_violations(**{field: value}) == []


@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field, values in BAD.items() for value in values]
)
def test_a_bad_name_is_one_violation_of_its_field(field: str, value: str) -> None:
    assert [violation.field for violation in name_violations(**{field: value})] == [field]


def test_an_empty_name_is_not_set() -> None:
    assert name_violations(**dict.fromkeys(GOOD, "")) == []


def test_all_bad_names_are_told_at_once() -> None:
    assert len(name_violations(**{field: values[0] for field, values in BAD.items()})) == len(BAD)


@pytest.mark.parametrize("key", ["a", "team", "team-2", "cost_center", "k" * 63])
@pytest.mark.parametrize("value", ["", "blue", "Any text: ü", "v" * 63])
def test_a_good_label_is_taken(key: str, value: str) -> None:
    assert label_violations({key: value}) == []


@pytest.mark.parametrize("key", ["", "Team", "2nd", "-a", "a.b", "a/b", "ü", "k" * 64])
def test_a_key_must_fit_into_an_update_mask(key: str) -> None:
    [violation] = label_violations({key: "x", "fine": "x"})
    assert violation.field.startswith('labels["')


@pytest.mark.parametrize("value", ["v" * 64, "two\nlines"])
def test_a_value_is_short_and_printable(value: str) -> None:
    assert [violation.field for violation in label_violations({"team": value})] == ['labels["team"]']


def test_there_may_be_64_labels_and_the_rest_is_not_judged() -> None:
    full = {f"k{number}": "" for number in range(64)}
    assert label_violations(full) == []
    assert [violation.field for violation in label_violations({**full, "Bad": ""})] == ["labels"]


@pytest.mark.parametrize("metadata", [{}, {"a": [1.0, {"b": None}]}, {"text": "x" * 65000}])
def test_metadata_is_free_json(metadata: dict[str, Any]) -> None:
    assert metadata_violations(metadata) == []


@pytest.mark.parametrize("metadata", [{"text": "x" * 65536}, {"n": float("nan")}, {"n": float("inf")}])
def test_metadata_is_json_of_at_most_64_kib(metadata: dict[str, Any]) -> None:
    assert [violation.field for violation in metadata_violations(metadata)] == ["metadata"]
