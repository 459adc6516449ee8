"""Which changes a step commits: every stored field of the session, except those that change with each delta."""

from dataclasses import fields
from typing import Any

import pytest

from greenroomd.domain.decision.step import STORED_LATER, Step
from greenroomd.domain.fast_replace import evolve
from greenroomd.domain.session import Session
from unit.live.owner import Owner

STORED_NOW = [field.name for field in fields(Session) if field.name not in STORED_LATER]


class Other:
    """A value that equals no other."""


def step_after(**facts: Any) -> Step:
    owner = Owner()
    step = Step(owner.live, owner.now, owner.timeouts)
    step.update_live(session=evolve(step.session, **facts))
    return step


@pytest.mark.parametrize("name", STORED_NOW)
def test_a_change_of_a_stored_field_is_committed(name: str) -> None:
    """Without its `process`, for one, the next server would not find what the row's process left behind."""
    assert step_after(**{name: Other()}).changed


def test_what_changes_with_every_delta_waits_for_the_next_commit() -> None:
    assert {"last_active_time", "update_time"} == STORED_LATER
    assert not step_after(**{name: Other() for name in STORED_LATER}).changed
    assert not step_after().changed
