"""What was used and never told: a turn says so, and so does its session."""

from __future__ import annotations

import pytest

from greenroomd.domain.costs.usage import Usage
from greenroomd.domain.frames.frame import Frame
from greenroomd.domain.lifecycle import orders
from greenroomd.domain.lifecycle.process import process_end
from greenroomd.domain.task import TaskKind
from unit.live import says
from unit.live.owner import Owner, an_owner

BEGINNING = says.text("word by word", usage=Usage(input_tokens=9, output_tokens=1))
WHOLE = says.text("all words", usage=Usage(input_tokens=9, output_tokens=7), ended=True)
AN_AGENT = says.task_began("a1", TaskKind.AGENT)
AN_AGENT_THAT_IS_WAITED_FOR = says.task_began("a1", TaskKind.AGENT, background=False)


def working(*frames: Frame) -> Owner:
    """Return the owner of a session with a turn in which the CLI has said this."""
    owner = an_owner()
    owner.prompt()
    owner.says(says.RUNNING, *frames)
    return owner


def told(owner: Owner) -> bool:
    """Return what the only turn says, and its session too."""
    (turn,) = owner.turns.values()
    assert turn.usage.turns == 1
    assert turn.usage.incomplete == owner.session.usage.incomplete
    return turn.usage.incomplete


@pytest.mark.parametrize(
    ("said", "incomplete"),
    [
        ([], False),
        ([BEGINNING], True),
        ([WHOLE], False),
        ([WHOLE, AN_AGENT], True),
        ([WHOLE, AN_AGENT_THAT_IS_WAITED_FOR], True),
        ([WHOLE, AN_AGENT_THAT_IS_WAITED_FOR, says.task_reported("a1")], False),
        ([WHOLE, says.task_began("b1")], False),
    ],
)
def test_a_process_that_dies_while_something_is_written_leaves_it_untold(
    said: list[Frame], incomplete: bool
) -> None:
    owner = working(*said)
    owner.exits(signal=9)
    assert told(owner) is incomplete


@pytest.mark.parametrize(("said", "incomplete"), [(BEGINNING, True), (AN_AGENT, True)])
def test_a_server_that_dies_leaves_it_untold(said: Frame, incomplete: bool) -> None:
    owner = working(said)
    owner.lose_memory().decide(process_end.owner_lost)
    assert told(owner) is incomplete


def test_agents_that_are_interrupted_leave_it_untold() -> None:
    owner = working(AN_AGENT, says.lists("a1", kind=TaskKind.AGENT))
    (turn,) = owner.turns.values()
    owner.decide(lambda step: orders.interrupt(step, turn.turn_id))
    owner.says(says.task_reported("a1"), says.lists(), says.result(turn.turn_id), says.IDLE)
    assert told(owner)


def test_a_turn_that_comes_to_its_end_tells_everything() -> None:
    owner = working(BEGINNING, AN_AGENT, says.task_reported("a1"))
    (turn,) = owner.turns.values()
    owner.says(says.result(turn.turn_id, usage=Usage(input_tokens=9, output_tokens=20)), says.IDLE)
    assert not told(owner)
