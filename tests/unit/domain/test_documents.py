"""The parts of the documents that are written by hand leave nothing out."""

from __future__ import annotations

from pathlib import Path

import pytest

from greenroomd.domain.rules.config.config_overlay import OPTIONS as LAYERED
from greenroomd.domain.rules.config.config_rules import OPTIONS
from greenroomd.domain.states import Signal, State

DOCS = Path(__file__).parents[3] / "docs"


def rows(document: str) -> set[str]:
    """Return what stands first in the rows of all tables, several in one cell taken apart."""
    lines = (DOCS / document).read_text(encoding="utf-8").splitlines()
    cells = [line.split("|")[1].strip() for line in lines if line.startswith("| ")]
    return {name.strip("`") for cell in cells for name in cell.split(", ")}


def test_every_state_and_every_signal_is_explained() -> None:
    assert {state.name for state in State} | set(Signal) <= rows("states.md")


@pytest.mark.parametrize("path", sorted({path for path, *_ in OPTIONS} | {"oauth_token"}))
def test_every_rule_of_an_option_is_explained(path: str) -> None:
    assert path in rows("configuration.md")


def test_every_option_is_explained() -> None:
    explained = {row.partition(".")[0] for row in rows("configuration.md")}
    tops = {name.partition(".")[0] for name in LAYERED} - {"recovery"} | {"recovery_policy"}
    assert tops <= explained
