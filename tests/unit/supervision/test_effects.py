"""What was decided is done, also where the process does not take all of it."""

from __future__ import annotations

from datetime import timedelta

from greenroomd.app.commands import Change
from greenroomd.app.ports.processes import ProcessFailed
from greenroomd.domain.decision.step import Step
from greenroomd.domain.lifecycle import approval_flow, orders
from greenroomd.domain.states import State
from unit.live import says
from unit.supervision.conftest import Node

HOUR = timedelta(hours=1)


def fails_at(node: Node, told: str) -> None:
    """Let a process not take this from now on."""

    def refuse(what: str) -> None:
        if what == told:
            raise ProcessFailed("INPUT_STALLED", "the process does not read")

    node.host.obstacle = refuse


async def asking(node: Node, *questions: str) -> str:
    """Return the id of a session whose process has asked these questions in a turn."""
    session_id = (await node.create()).session_id
    await node.start_turn(session_id)
    await node.look(session_id)
    session = await node.sessions.get(session_id)
    node.host.last.says(*(says.asks(question) for question in questions))
    await node.until_changed(session)
    return session_id


async def test_an_action_that_fails_does_not_drop_the_rest(node: Node) -> None:
    session_id = await asking(node, "q1", "q2")
    fails_at(node, "deny q1")

    def answer(step: Step) -> None:
        for question in ("q1", "q2"):
            approval_flow.answer(step, question, allow=False)

    await node.supervisors.order(Change(session_id=session_id), answer)
    failed = await node.until(session_id, State.ERROR)
    assert node.host.last.told[1:3] == ["deny q2", "end"]
    assert failed.error is not None
    assert failed.error.reason == "INPUT_STALLED"


async def test_a_process_that_is_to_end_later_and_takes_nothing_more_is_ended_now(node: Node) -> None:
    session_id = await asking(node, "q1")
    change = Change(session_id=session_id)
    await node.supervisors.order(change, lambda step: orders.close(step, grace=HOUR))
    fails_at(node, "deny q1")
    await node.supervisors.order(change, lambda step: approval_flow.answer(step, "q1", allow=False))
    await node.until(session_id, State.CLOSED)
