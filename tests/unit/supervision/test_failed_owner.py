"""An owner that fails, in whatever trouble: its session is put in order, and goes on with the next order."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from datetime import timedelta
from time import monotonic

import pytest

from contract.sample import message
from greenroomd.app import background
from greenroomd.app.commands import Change
from greenroomd.domain.decision.step import Step
from greenroomd.domain.errors import OwnershipLost
from greenroomd.domain.retryable_errors import StoreUnavailable, Unavailable
from greenroomd.domain.states import State
from greenroomd.domain.turn import TurnState
from unit.supervision.conftest import SOON, Node

BUG = RuntimeError("a bug")


class Trouble:
    """Lets the owner of a session fail once, at its next prompt, while the database takes no writes."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._outage = ExitStack()
        self.begun = asyncio.Event()
        node.host.obstacle = self._strike

    def _strike(self, what: str) -> None:
        if what.startswith("say"):
            self._node.host.obstacle = lambda what: None
            self._outage.enter_context(self._node.no_writing())
            self.begun.set()
            raise BUG

    async def lost(self, session_id: str) -> None:
        """Wait until the session has lost its process and nothing could be stored of that."""
        async with asyncio.timeout(SOON.total_seconds()):
            await self.begun.wait()
            await self._node.host.last.ended.wait()
            attempts = 0
            while attempts < 2:  # they wait their turn, so there was one without an order before the second
                with pytest.raises(Unavailable) as refused:
                    await self._node.start_turn(session_id)
                attempts += isinstance(refused.value, StoreUnavailable)

    def over(self) -> None:
        """Let the database take writes again."""
        self._outage.close()


async def test_an_owner_that_fails_while_the_database_is_away_leaves_a_session_that_runs_on(
    node: Node,
) -> None:
    session_id = (await node.create()).session_id
    trouble = Trouble(node)
    lost = await node.start_turn(session_id)
    await trouble.lost(session_id)
    trouble.over()
    turn = await node.start_turn(session_id)
    await node.until(session_id, State.ACTIVE)
    node.host.last.answers(turn.turn_id)
    await node.until(session_id, turn_id=turn.turn_id)
    assert (await node.turn(turn.turn_id)).state is TurnState.COMPLETED
    assert (await node.turn(lost.turn_id)).state is TurnState.INTERRUPTED


async def test_an_order_that_comes_before_the_session_was_put_in_order_does_that_first(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "FIRST_PAUSE", timedelta(hours=1))  # nobody else does it in this test
    session_id = (await node.create()).session_id
    trouble = Trouble(node)
    lost = await node.start_turn(session_id)
    await trouble.lost(session_id)
    trouble.over()
    turn = await node.start_turn(session_id)
    assert (await node.turn(lost.turn_id)).state is TurnState.INTERRUPTED
    await node.until(session_id, State.ACTIVE)
    node.host.last.answers(turn.turn_id)
    await node.until(session_id, turn_id=turn.turn_id)
    started = monotonic()
    await node.supervisors.drain(SOON)
    assert monotonic() - started < SOON.total_seconds() / 2, (
        "it waited for somebody to put the session in order"
    )


async def test_a_session_whose_owner_failed_is_put_in_order_without_an_order(node: Node) -> None:
    session_id = (await node.create()).session_id
    trouble = Trouble(node)
    await node.start_turn(session_id)
    await trouble.lost(session_id)
    trouble.over()
    settled = await node.until(session_id, State.SUSPENDED)
    assert (settled.process.pid, settled.current_turn_id) == (0, "")


async def test_an_owner_whose_row_was_changed_by_another_gives_the_session_up(node: Node) -> None:
    session_id = (await node.create()).session_id
    node.sql("UPDATE sessions SET fence = fence + 1 WHERE session_id = ?", session_id)

    def touch(step: Step) -> None:
        step.emit(message())

    with pytest.raises(OwnershipLost):
        await node.supervisors.order(Change(session_id=session_id), touch)
    await node.until(session_id, State.SUSPENDED)
    assert node.host.last.ended.is_set()
    await node.supervisors.order(Change(session_id=session_id), touch)
    turn = await node.start_turn(session_id)
    await node.until(session_id, State.ACTIVE)
    node.host.last.answers(turn.turn_id)
    await node.until(session_id, turn_id=turn.turn_id)
    assert [cli.ended.is_set() for cli in node.host.started] == [True, False]
