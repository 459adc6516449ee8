"""The calls on turns, on the approvals that the CLI asks for during them, and on its background tasks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from datetime import timedelta

from greenroomd.app.commands import Caller, Change, Decide, IfBusy, Interrupt, NewTurn, StopTask
from greenroomd.app.ids import new_id
from greenroomd.app.ports.storage import Page, Position, Selection, StoredEvent
from greenroomd.app.supervision.registry import Supervisors
from greenroomd.app.usecases.sessions import Sessions
from greenroomd.app.watch.tail import Batch
from greenroomd.app.watch.watch import Follower, Watch
from greenroomd.domain.approval import Approval
from greenroomd.domain.decision.step import Step
from greenroomd.domain.errors import (
    ApprovalDecided,
    ApprovalNotFound,
    InvalidRequest,
    TaskEnded,
    TaskNotFound,
    TurnNotFound,
)
from greenroomd.domain.events import TURN_ENDS
from greenroomd.domain.lifecycle import approval_flow, orders, turn_queue
from greenroomd.domain.rules.prompt_rules import prompt_violations
from greenroomd.domain.task import Task
from greenroomd.domain.turn import Turn, TurnState

INTERRUPT_ANSWER_WITHIN = timedelta(seconds=20)
STOP_ANSWER_WITHIN = timedelta(seconds=10)


class Turns:
    """The calls on turns and approvals."""

    def __init__(self, supervisors: Supervisors, sessions: Sessions, watch: Watch) -> None:
        self._supervisors = supervisors
        self._node = supervisors.node
        self._sessions = sessions
        self._watch = watch

    async def start(self, new: NewTurn, caller: Caller) -> Turn:
        """Give a session a prompt; returns the turn once it is durable.

        Raises InvalidRequest, SessionNotFound, IllegalTransition, TurnRunning, QueueFull.
        """
        found = [*new.violations, *prompt_violations(new.prompt, new.content, turn_timeout=new.timeout)]
        if found:
            raise InvalidRequest(found)

        def accept(step: Step) -> Turn:
            turn = Turn(
                turn_id=new_id(),
                session_id=new.session_id,
                number=step.session.turn_count + 1,
                state=TurnState.QUEUED,
                prompt=new.prompt,
                content=tuple(new.content),
                timeout=new.timeout,
                request_id=new.request.request_id if new.request else "",
                actor=caller.principal,
                create_time=step.at,
            )
            turn_queue.accept(step, turn, queue=new.if_busy is IfBusy.QUEUE)
            return step.turns[turn.turn_id]

        change = Change(session_id=new.session_id, actor=caller.principal, request=new.request)
        _, turn = await self._supervisors.order(change, accept)
        return turn

    async def run(
        self, new: NewTurn, caller: Caller, *, ephemeral: bool
    ) -> AsyncGenerator[Batch | Turn, None]:
        """Start a turn and yield its events until it ends, then the turn itself.

        The turn goes on when the reader leaves. Raises as `start` does, and WatcherCapReached before the start.
        """
        selection, now = Selection.of_session(new.session_id), self._watch.head
        # Before the start: no event of the turn is missed, and a watch that is refused starts no turn.
        with self._watch.following(selection, after=now, ephemeral=ephemeral) as follower:
            turn = await self.start(new, caller)
            async with aclosing(self._parts(turn, follower)) as parts:
                async for part in parts:
                    yield part

    async def follow(self, turn: Turn, *, after: int, ephemeral: bool) -> AsyncGenerator[Batch | Turn, None]:
        """Yield the events of a turn after a revision until it ends, then the turn itself.

        Raises CursorBelowFloor, WatcherCapReached.
        """
        selection = Selection.of_session(turn.session_id)
        with self._watch.following(selection, after=after, ephemeral=ephemeral) as follower:
            async with aclosing(self._parts(turn, follower)) as parts:
                async for part in parts:
                    yield part

    async def _parts(self, turn: Turn, follower: Follower) -> AsyncGenerator[Batch | Turn, None]:
        """Yield the events of a turn and then the turn; and a batch without events after each quiet time.

        Events of other turns are not yielded, so they do not count as news.
        """
        loop, quiet = asyncio.get_running_loop(), self._watch.quiet.total_seconds()
        told_at = loop.time()
        while True:
            batch = follower.look()
            if batch is None:
                await follower.more()
                continue
            mine = [event for event in batch.events if event.turn_id == turn.turn_id]
            if mine or not batch.events or loop.time() - told_at >= quiet:
                told_at = loop.time()
                yield Batch(mine, batch.revision, batch.dropped)
            if any(_ends(event) for event in mine):
                ended = self._supervisors.ended_turn(turn.session_id, turn.turn_id)
                yield ended or await self._node.store.turn(turn.turn_id)
                return

    async def interrupt(self, call: Interrupt) -> Turn:
        """Stop a turn and return it as it ended, or as it is after 20 s.

        Raises NoTurnRunning, TurnNotFound, SessionNotFound.
        """
        _, turn = await self._supervisors.order(
            call, lambda step: orders.interrupt(step, call.turn_id, actor=call.actor, reason=call.reason)
        )
        await self._sessions.wait(
            call.session_id,
            states=frozenset(),
            turn_id=turn.turn_id,
            after_revision=None,
            timeout=INTERRUPT_ANSWER_WITHIN,
        )
        return await self._node.store.turn(turn.turn_id)

    async def get(self, turn_id: str, session_id: str = "") -> Turn:
        """Return a turn, of this session if one is named; raises TurnNotFound."""
        turn = await self._node.store.turn(turn_id)
        if session_id and turn.session_id != session_id:
            raise TurnNotFound(turn_id)
        return turn

    async def list(self, session_id: str, *, after: Position | None, limit: int) -> Page[Turn]:
        """Return one page of a session's turns, oldest first; raises SessionNotFound."""
        await self._sessions.get(session_id)
        return await self._node.store.turns(session_id, after=after, limit=limit)

    async def approvals(self, session_id: str, *, after: Position | None, limit: int) -> Page[Approval]:
        """Return one page of a session's approvals, oldest first; raises SessionNotFound."""
        await self._sessions.get(session_id)
        return await self._node.store.approvals(session_id, after=after, limit=limit)

    async def tasks(self, session_id: str, *, after: Position | None, limit: int) -> Page[Task]:
        """Return one page of a session's background tasks, oldest first; raises SessionNotFound."""
        await self._sessions.get(session_id)
        return await self._node.store.tasks(session_id, after=after, limit=limit)

    async def stop_task(self, call: StopTask) -> Task:
        """Stop a background task and return it as it ended, or as it is after 10 s.

        Raises TaskNotFound, TaskEnded, TaskNotStoppable, SessionNotFound.
        """
        try:
            await self._supervisors.order(call, lambda step: orders.stop_task(step, call.task_id))
        except TaskNotFound:  # from the session's owner, which only knows open ones
            ended = await self._node.store.task(call.session_id, call.task_id)
            raise TaskEnded(ended.state.value) from None
        with (
            self._node.tail.listening(Selection.of_session(call.session_id)) as wakeup,
            suppress(TimeoutError),
        ):
            async with asyncio.timeout(STOP_ANSWER_WITHIN.total_seconds()):
                while not (await self.task(call.session_id, call.task_id)).state.final:
                    await wakeup.wait()
                    wakeup.clear()
        return await self.task(call.session_id, call.task_id)

    async def task(self, session_id: str, task_id: str) -> Task:
        """Return a background task; raises TaskNotFound."""
        return await self._node.store.task(session_id, task_id)

    async def decide(self, call: Decide) -> Approval:
        """Decide an approval; the first decision wins.

        Raises ApprovalNotFound, ApprovalDecided, and InvalidRequest for an answer that the CLI cannot take.
        """
        approval = await self._node.store.approval(call.approval_id)
        approval_flow.require_known(approval, call.session_id)
        change = Change(session_id=approval.session_id, actor=call.actor, request=call.request)
        try:
            _, decided = await self._supervisors.order(
                change,
                lambda step: approval_flow.answer(
                    step,
                    call.approval_id,
                    allow=call.allow,
                    updated_input=call.updated_input,
                    message=call.message,
                    actor=call.actor,
                ),
            )
        except ApprovalNotFound:  # from the session's owner, which only knows pending ones
            approval = await self._node.store.approval(call.approval_id)
            raise ApprovalDecided(approval.state.value) from None
        return decided


def _ends(event: StoredEvent) -> bool:
    return event.type in TURN_ENDS
