"""The database takes no writes for a while: the owner of a session waits, and loses nothing of what happened."""

from __future__ import annotations

import pytest

from contract.sample import creation, new_session
from greenroomd.app.ports.storage import Selection
from greenroomd.domain.events import EventType
from greenroomd.domain.retryable_errors import Unavailable
from greenroomd.domain.states import State
from greenroomd.domain.turn import TurnState
from unit.live import says
from unit.supervision.conftest import Node


async def refused_creation(node: Node) -> None:
    """Wait until a commit has been tried and failed."""
    with pytest.raises(Unavailable):
        await node.supervisors.found(creation(new_session()))


async def test_what_a_process_says_meanwhile_is_stored_afterwards(node: Node) -> None:
    session_id = (await node.create()).session_id
    turn = await node.start_turn(session_id)
    await node.look(session_id)
    cli = node.host.last
    with node.no_writing():
        cli.says(says.RUNNING, says.init(cli_session_id=cli.launch.cli_session_id), says.text("one"))
        cli.says(says.text("two"), says.tool_use())
        for _ in range(2):  # the first may have been tried together with what was said
            await refused_creation(node)
    cli.says(says.tool_result(), says.result(turn.turn_id), says.IDLE)
    await node.until(session_id, turn_id=turn.turn_id)
    assert (await node.turn(turn.turn_id)).state is TurnState.COMPLETED
    assert [each.number for each in node.host.started] == [1]
    stored = await node.supervisors.node.store.events(Selection.of_session(session_id), after=0, limit=100)
    assert [event.sequence for event in stored] == list(range(1, len(stored) + 1))
    kinds = [event.type for event in stored]
    assert kinds.count(EventType.MESSAGE_ASSISTANT) == 2
    assert kinds.count(EventType.MESSAGE_TOOL_USE) == kinds.count(EventType.MESSAGE_TOOL_RESULT) == 1


async def test_an_order_meanwhile_is_refused_and_changes_nothing(node: Node) -> None:
    session = await node.create()
    with node.no_writing(), pytest.raises(Unavailable):
        await node.start_turn(session.session_id)
    assert await node.sessions.get(session.session_id) == session
    turn = await node.start_turn(session.session_id)
    await node.until(session.session_id, State.ACTIVE)
    await node.look(session.session_id)
    assert node.host.last.told == [f"say {turn.turn_id}"]


async def test_the_end_of_a_process_meanwhile_is_told_afterwards(node: Node) -> None:
    session_id = (await node.create()).session_id
    with node.no_writing():
        node.host.last.says()  # it closes its output, and is gone
        for _ in range(2):
            await refused_creation(node)
        assert (await node.sessions.get(session_id)).state is State.READY
    await node.until(session_id, State.ERROR)
