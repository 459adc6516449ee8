"""How a changed config becomes a generation, and when and by which way it reaches the process."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from greenroomd.domain.config import Limits, OnIdle, PermissionMode, Secret
from greenroomd.domain.decision.actions import EndProcess, LaunchProcess, Reconfigure, SayPrompt
from greenroomd.domain.errors import IllegalTransition, InvalidUpdateMask, TurnRunning
from greenroomd.domain.event_payloads import ConfigApplied
from greenroomd.domain.events import EventType
from greenroomd.domain.lifecycle import orders
from greenroomd.domain.lifecycle.process import process_start
from greenroomd.domain.lifecycle.reconfiguration import CONFIG_CHANGED, Apply, Patch, update
from greenroomd.domain.states import State
from unit.live.owner import Owner, an_owner, payloads


def configure(
    owner: Owner, apply: Apply = Apply.WHEN_IDLE, token: Secret | None = None, **options: Any
) -> None:
    config = replace(owner.session.config, **options)
    patch = Patch(paths=[f"config.{name}" for name in options], config=config, oauth_token=token)
    owner.decide(lambda step: update(step, patch, apply))


def took(owner: Owner) -> None:
    """The process takes the change that it was last asked for."""
    (asked,) = (action for action in owner.done() if isinstance(action, Reconfigure))
    owner.decide(lambda step: process_start.reconfigured(step, asked.config, asked.generation))


def test_a_description_is_no_generation() -> None:
    owner = an_owner()
    patch = Patch(paths=["labels.team"], labels={"team": "red"}, config=owner.session.config)
    owner.decide(lambda step: update(step, patch, Apply.NOW))
    assert (owner.session.labels, owner.session.config_generation) == ({"team": "red"}, 1)
    assert (owner.told(), owner.done()) == ([EventType.SESSION_UPDATED], [])


@pytest.mark.parametrize(
    "options",
    [{"limits": Limits(turn_timeout=None, cpu_cores=1.0)}, {"on_idle": OnIdle.CLOSE}],
    ids=["limits", "on_idle"],
)
def test_what_only_the_owner_looks_at_is_applied_at_once(options: dict[str, Any]) -> None:
    owner = an_owner()
    configure(owner, **options)
    assert owner.session.observed_config_generation == owner.session.config_generation == 2
    assert payloads(owner.events, ConfigApplied) == [ConfigApplied(generation=2, restarted=False)]
    assert owner.done() == []


def test_model_and_permission_mode_change_in_the_process() -> None:
    owner = an_owner()
    configure(owner, model="haiku", permission_mode=PermissionMode.PLAN)
    assert owner.session.observed_config_generation == 1
    took(owner)
    assert owner.session.observed_config_generation == 2
    assert owner.state is State.READY


def test_no_turn_begins_before_the_change_is_done() -> None:
    owner = an_owner()
    configure(owner, model="haiku")
    turn = owner.prompt()
    (asked,) = owner.done()
    assert isinstance(asked, Reconfigure)
    owner.decide(lambda step: process_start.reconfigured(step, asked.config, asked.generation))
    (said,) = owner.done()
    assert isinstance(said, SayPrompt)
    assert said.turn.turn_id == turn.turn_id


@pytest.mark.parametrize(
    "options",
    [{"system_prompt": "You are."}, {"permission_mode": PermissionMode.BYPASS_PERMISSIONS}],
    ids=["system_prompt", "bypass"],
)
def test_other_options_take_another_process(options: dict[str, Any]) -> None:
    owner = an_owner()
    configure(owner, **options)
    assert owner.done() == [EndProcess()]
    owner.exits()
    assert (owner.state, owner.session.state_reason) == (State.INITIALIZING, CONFIG_CHANGED)
    assert owner.done() == [LaunchProcess()]
    owner.forget().launched()
    assert payloads(owner.events, ConfigApplied) == [ConfigApplied(generation=2, restarted=True)]
    assert EventType.SESSION_RESTARTED in owner.told()


def test_a_process_that_bypasses_permissions_can_be_told_to_ask_again() -> None:
    owner = an_owner(config={"permission_mode": PermissionMode.BYPASS_PERMISSIONS})
    configure(owner, permission_mode=PermissionMode.DEFAULT)
    took(owner)
    assert owner.session.observed_config_generation == 2


def test_a_new_token_takes_another_process_though_no_option_differs() -> None:
    owner = an_owner(config={"oauth_token_set": True})
    configure(owner, token=Secret("new"))
    assert owner.session.config_generation == 2
    assert owner.done() == [EndProcess()]


def test_a_new_token_during_a_start_takes_one_more_process() -> None:
    owner = an_owner(config={"oauth_token_set": True})
    owner.decide(orders.restart)
    owner.exits()
    before = owner.session.config_generation
    configure(owner, token=Secret("new"))
    facts = replace(owner.session.process, pid=4712, start_time=owner.at)
    config = owner.session.config
    owner.decide(lambda step: process_start.spawned(step, facts, config, before))
    owner.forget().ready()
    assert owner.done() == [EndProcess()]
    owner.exits()
    owner.launched()
    assert owner.forget().session.observed_config_generation == before + 1
    assert owner.done() == []


def test_a_running_turn_is_waited_for_or_the_change_refused() -> None:
    owner = an_owner()
    turn = owner.prompt()
    owner.forget()
    with pytest.raises(TurnRunning):
        configure(owner, Apply.NOW, system_prompt="You are.")
    assert (owner.session.config_generation, owner.told()) == (1, [])
    configure(owner, system_prompt="You are.")
    assert owner.done() == []
    owner.answers(turn)
    assert owner.done() == [EndProcess()]


def test_the_next_start_brings_what_waits_for_it() -> None:
    owner = an_owner()
    configure(owner, Apply.NEXT_START, model="haiku")
    owner.answers(owner.prompt())
    assert not any(isinstance(action, Reconfigure | EndProcess) for action in owner.done())
    assert owner.session.observed_config_generation == 1
    owner.decide(orders.restart)
    owner.exits()
    owner.launched()
    assert owner.session.observed_config_generation == 2


def test_at_rest_a_generation_waits_for_a_process() -> None:
    owner = Owner()
    configure(owner, Apply.NOW, model="haiku")
    assert (owner.session.config_generation, owner.session.observed_config_generation) == (2, 0)
    assert owner.done() == []


def test_the_working_directory_stays() -> None:
    owner = an_owner()
    with pytest.raises(InvalidUpdateMask):
        configure(owner, working_dir="/elsewhere")


def test_only_a_closed_session_is_deleted() -> None:
    owner = an_owner()
    with pytest.raises(IllegalTransition):
        owner.decide(orders.delete)
    owner.decide(orders.close)
    owner.exits()
    owner.forget()
    owner.decide(lambda step: orders.delete(step, actor="ann"))
    (event,) = owner.events
    assert (event.type, event.actor) == (EventType.SESSION_DELETED, "ann")
