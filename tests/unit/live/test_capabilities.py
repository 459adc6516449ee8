"""What can be chosen in a session: known from READY on, and a change is told."""

from __future__ import annotations

from datetime import timedelta

from greenroomd.domain.capabilities import Capabilities, Command, with_etag
from greenroomd.domain.events import EventType
from greenroomd.domain.frames.setting_frames import CommandsChanged
from greenroomd.domain.lifecycle import orders
from greenroomd.domain.lifecycle.process import process_start
from unit.live import says
from unit.live.owner import Owner

CHANGED = EventType.SESSION_CAPABILITIES_CHANGED
ONE = with_etag(Capabilities(commands=(Command(name="one"),)))
TWO = with_etag(Capabilities(commands=(Command(name="two"),)))


def ready(owner: Owner, capabilities: Capabilities) -> list[EventType]:
    """Let a new process be ready, and return what was told of that."""
    owner.decide(orders.start if not owner.session.process.start_time else orders.resume)
    owner.slot_granted()
    owner.spawned()
    owner.told()
    startup = timedelta(milliseconds=200)
    owner.decide(
        lambda step: process_start.ready(step, cli_version="2", startup=startup, capabilities=capabilities)
    )
    return owner.told()


def suspended(owner: Owner) -> Owner:
    owner.decide(orders.suspend)
    owner.exits(code=0)
    return owner


def test_the_first_process_tells_no_change_and_a_later_one_only_a_change() -> None:
    owner = Owner()
    assert CHANGED not in ready(owner, ONE)
    assert owner.session.process.capabilities_etag == ONE.etag
    assert CHANGED not in ready(suspended(owner), ONE)
    assert CHANGED in ready(suspended(owner), TWO)
    assert owner.live.capabilities == TWO
    assert owner.session.process.capabilities_etag == TWO.etag


def test_commands_that_change_within_a_process_are_told() -> None:
    owner = Owner()
    ready(owner, ONE)
    frame = CommandsChanged(
        raw=b"{}", type="system", subtype="commands_changed", commands=(Command(name="two"),)
    )
    owner.says(frame)
    assert CHANGED in owner.told()
    assert owner.live.capabilities == TWO
    owner.says(frame)
    assert CHANGED not in owner.told()


def test_the_tools_of_a_turn_are_noted_without_those_of_mcp_servers() -> None:
    owner = Owner()
    ready(owner, ONE)
    owner.prompt()
    owner.says(says.init(tools=("Bash", "mcp__near__look", "Read")))
    assert owner.live.tools == ("Bash", "Read")
