"""The session follows the model and the permission mode of its process, whoever changes them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from greenroomd.domain.config import PermissionMode
from greenroomd.domain.decision.actions import Reconfigure
from greenroomd.domain.event_payloads import ModelChanged, PermissionModeChanged
from greenroomd.domain.lifecycle import orders
from greenroomd.domain.lifecycle.process import process_start
from greenroomd.domain.lifecycle.reconfiguration import Apply, Patch, update
from unit.live import says
from unit.live.owner import Owner, an_owner, payloads

DEFAULT, PLAN = PermissionMode.DEFAULT, PermissionMode.PLAN
EDITS = PermissionMode.ACCEPT_EDITS


def sets(owner: Owner, apply: Apply = Apply.WHEN_IDLE, **options: Any) -> None:
    config = replace(owner.session.config, **options)
    patch = Patch(paths=[f"config.{name}" for name in options], config=config)
    owner.decide(lambda step: update(step, patch, apply))


def asked(owner: Owner) -> list[Reconfigure]:
    return [action for action in owner.done() if isinstance(action, Reconfigure)]


def obeys(owner: Owner) -> Reconfigure:
    """The process takes the change that it was asked for, and says what is in force."""
    (change,) = asked(owner)
    config, options = change.config, change.options
    owner.decide(
        lambda step: process_start.reconfigured(
            step,
            config,
            change.generation,
            model=(config.model or "opus") if "model" in options else "",
            mode=config.permission_mode if "permission_mode" in options else None,
        )
    )
    return change


def restarted(owner: Owner) -> PermissionMode | None:
    """Return the mode with which the process starts that replaces this one."""
    owner.decide(orders.suspend)
    owner.exits()
    owner.forget().launched()
    assert owner.live.running_config is not None
    return owner.live.running_config.permission_mode


def test_what_the_first_process_says_is_in_force_and_no_change() -> None:
    owner = an_owner(config={"permission_mode": PLAN, "model": "haiku"})
    assert (owner.session.in_force.permission_mode, owner.session.in_force.model) == (PLAN, "haiku")
    assert not payloads(owner.events, PermissionModeChanged)
    assert not payloads(owner.events, ModelChanged)


def test_a_mode_that_the_cli_goes_to_is_shown_told_once_and_lasts() -> None:
    owner = an_owner(config={"permission_mode": PLAN})
    turn = owner.prompt()
    owner.says(says.init(mode="plan"), says.is_in_mode("acceptEdits"), says.is_in_mode("acceptEdits"))
    assert owner.session.in_force.permission_mode is EDITS
    assert owner.session.config.permission_mode is PLAN
    (event,) = [e for e in owner.events if isinstance(e.payload, PermissionModeChanged)]
    assert event.payload == PermissionModeChanged(from_mode=PLAN, to_mode=EDITS, own=True)
    assert (event.actor, event.turn_id) == ("cli", turn.turn_id)
    owner.answers(turn)
    assert asked(owner) == []
    assert restarted(owner) is EDITS
    assert payloads(owner.events, PermissionModeChanged) == []
    owner.lose_memory()
    assert owner.session.in_force.permission_mode is EDITS


def test_a_caller_brings_the_process_back_to_the_mode_that_is_configured() -> None:
    owner = an_owner(config={"permission_mode": EDITS})
    owner.says(says.is_in_mode("plan"))
    owner.forget()
    sets(owner, permission_mode=EDITS)
    assert owner.session.config_generation == 2
    assert obeys(owner).options == {"permission_mode"}
    assert owner.session.in_force.permission_mode is EDITS
    assert owner.session.observed_config_generation == 2
    (changed,) = payloads(owner.events, PermissionModeChanged)
    assert changed == PermissionModeChanged(from_mode=PLAN, to_mode=EDITS, own=False)
    sets(owner, permission_mode=EDITS)
    assert owner.session.config_generation == 2
    assert restarted(owner) is EDITS


def test_a_change_of_another_option_leaves_the_mode_alone() -> None:
    owner = an_owner(config={"permission_mode": EDITS})
    owner.says(says.is_in_mode("plan"))
    owner.forget()
    sets(owner, model="haiku")
    assert obeys(owner).options == {"model"}
    assert (owner.session.in_force.permission_mode, owner.session.in_force.model) == (PLAN, "haiku")
    assert restarted(owner) is PLAN


def test_the_whole_config_as_it_was_read_sets_the_mode_too() -> None:
    owner = an_owner(config={"permission_mode": EDITS})
    owner.says(says.is_in_mode("plan"))
    owner.forget()
    owner.decide(
        lambda step: update(step, Patch(paths=["config"], config=owner.session.config), Apply.WHEN_IDLE)
    )
    assert obeys(owner).config.permission_mode is EDITS


@pytest.mark.parametrize("apply", [Apply.WHEN_IDLE, Apply.NEXT_START])
def test_what_the_cli_changes_before_a_caller_s_setting_is_applied_does_not_undo_it(apply: Apply) -> None:
    owner = an_owner(config={"permission_mode": EDITS})
    turn = owner.prompt()
    sets(owner, apply, permission_mode=PermissionMode.DONT_ASK)
    owner.says(says.is_in_mode("plan"))
    assert owner.session.in_force.permission_mode is PLAN
    owner.answers(turn)
    if apply is Apply.WHEN_IDLE:
        assert obeys(owner).config.permission_mode is PermissionMode.DONT_ASK
    assert restarted(owner) is PermissionMode.DONT_ASK


def test_a_mode_set_at_rest_is_that_of_the_next_process() -> None:
    owner = an_owner(config={"permission_mode": EDITS})
    owner.says(says.is_in_mode("plan"))
    owner.decide(orders.suspend)
    owner.exits()
    sets(owner, permission_mode=EDITS)
    owner.forget().launched()
    assert owner.session.in_force.permission_mode is EDITS
    assert payloads(owner.events, PermissionModeChanged) == [
        PermissionModeChanged(from_mode=PLAN, to_mode=EDITS, own=False)
    ]


def test_a_mode_that_is_unknown_here_is_not_shown_as_the_last_one() -> None:
    owner = an_owner()
    owner.says(says.is_in_mode("futuristic"))
    assert owner.session.in_force.permission_mode is None
    owner.says(says.is_in_mode("plan"))
    assert owner.session.in_force.permission_mode is PLAN


def test_a_model_that_the_cli_went_to_for_good_lasts_until_a_caller_sets_one() -> None:
    owner = an_owner(config={"model": "opus"})
    owner.says(says.goes_on_with("sonnet"))
    (changed,) = payloads(owner.events, ModelChanged)
    assert changed == ModelChanged(from_model="opus", to_model="sonnet", own=True)
    restarted(owner)
    assert owner.live.running_config is not None
    assert owner.live.running_config.model == owner.session.in_force.model == "sonnet"
    sets(owner, model="opus")
    assert obeys(owner).config.model == "opus"
    assert owner.session.in_force.model == "opus"


def test_a_model_that_the_cli_uses_for_one_turn_is_shown_but_does_not_last() -> None:
    owner = an_owner(config={"model": "opus"})
    owner.says(says.init(), says.goes_on_with("sonnet", lasting=False))
    assert owner.session.in_force.model == "sonnet"
    owner.says(says.init())
    assert [(each.from_model, each.to_model) for each in payloads(owner.events, ModelChanged)] == [
        ("opus", "sonnet"),
        ("sonnet", "opus"),
    ]
    owner.says(says.goes_on_with("sonnet", lasting=False))
    restarted(owner)
    assert owner.live.running_config is not None
    assert owner.live.running_config.model == "opus"
