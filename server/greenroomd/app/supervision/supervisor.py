"""The owner of a live session: handles orders and its process's messages in turn; decides, commits, then acts.

All decisions are pure functions (below domain/lifecycle/: orders.py, process/, deadlines.py). A session needs no
lock: this task is the only one that changes it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import takewhile

import structlog

from greenroomd.app.ports.processes import Handshake
from greenroomd.app.ports.storage import Request, Unit
from greenroomd.app.supervision.effects import Effects, Evict
from greenroomd.app.supervision.launch_request import process_facts
from greenroomd.app.supervision.mailbox import Mailbox
from greenroomd.app.supervision.node_context import NodeContext
from greenroomd.app.supervision.order import Order
from greenroomd.app.supervision.process_runner import (
    Answered,
    Exited,
    FramesReceived,
    NotStarted,
    ProcessMessage,
    Ready,
    SlotGranted,
    Spawned,
)
from greenroomd.domain.decision.actions import Action
from greenroomd.domain.decision.live import Live
from greenroomd.domain.decision.step import Step
from greenroomd.domain.errors import EtagMismatch, OwnershipLost, SessionNotFound
from greenroomd.domain.in_force import mode_named
from greenroomd.domain.lifecycle import deadlines, orders
from greenroomd.domain.lifecycle.process import process_end, process_output, process_start
from greenroomd.domain.retryable_errors import StoreUnavailable
from greenroomd.domain.session import Session, etag
from greenroomd.domain.states import POOL_PRESSURE
from greenroomd.domain.turn import Turn

log = structlog.get_logger(__name__)

RETRY_COMMIT = timedelta(milliseconds=500)

Message = Order | Evict | ProcessMessage


class Supervisor:
    """Owns one session while it has, wants or ends a process, or has orders to carry out."""

    def __init__(self, live: Live, node: NodeContext) -> None:
        self.live = live
        self.mailbox: Mailbox[Message] = Mailbox()
        self._node = node
        self._deleted = False
        self.ended_turn: Turn | None = None
        """The turn that ended last, as committed, for callers that follow it."""
        self.draining = False
        """Whether to leave a planned restart to the server's next run."""
        self.task: asyncio.Task[None] | None = None
        """The task that runs this supervisor, to wait for its end."""

    def refuse_rest(self) -> None:
        """Refuse the orders that are left in the mailbox."""
        while (message := self.mailbox.take_now()) is not None:
            if isinstance(message, Order):
                message.refuse()

    async def run(self, retire: Callable[[], None]) -> None:
        """Own the session until there is nothing left to own; then call `retire` before any other task runs."""
        async with asyncio.TaskGroup() as group:
            self._effects = Effects(self._node, group, lambda: self.live, self.mailbox.put)
            if self.live.launching:
                self._effects.launch()
            while len(self.mailbox) or self._in_charge:
                due = deadlines.next_due(self.live, self._node.turn_timeouts, self._node.clocks())
                wait = None if due is None else max(0.0, due.total_seconds())
                message = await self.mailbox.take(wait)
                await self._handle(message)
                # The deadline was overdue: a full mailbox must not delay it.
                if message is not None and wait == 0.0:
                    await self._handle(None)
            retire()

    @property
    def _in_charge(self) -> bool:
        return self.live.hosted or (self.live.recovering and not self.draining)

    async def _handle(self, message: Message | None) -> None:
        match message:
            case Order():
                try:
                    await self._obey(message)
                finally:  # if cancelled before it answered, the caller would wait forever
                    message.refuse()
            case FramesReceived(frames=frames, taken=taken):
                await self._react(lambda step: process_output.said(step, frames))
                taken.set()
            case SlotGranted(lease=lease):
                self._effects.lease = lease
                await self._react(process_start.slot_granted)
            case Spawned():
                await self._react(self._spawned(message))
            case Ready(handshake=handshake):
                await self._react(self._ready(handshake))
            case NotStarted() | Exited():
                await self._react(self._gone(message))
            case Answered(decide=decide):
                await self._react(decide)
            case Evict() if self.live.evictable:
                await self._react(lambda step: orders.suspend(step, reason=POOL_PRESSURE))
            case None:
                await self._react(deadlines.tick)

    def _gone(self, message: NotStarted | Exited) -> Callable[[Step], None]:
        if isinstance(message, NotStarted):
            error, hit = message.error, message.memory_limit_hit
            self._effects.forget(memory_limit_hit=hit)
            return lambda step: process_end.not_started(step, error, memory_limit_hit=hit)
        end = message.exit
        self._effects.forget(memory_limit_hit=end.memory_limit_hit)
        return lambda step: process_end.exited(
            step,
            code=end.code,
            signal=end.signal,
            group_gone=end.group_gone,
            stderr_tail=end.stderr_tail,
            memory_limit_hit=end.memory_limit_hit,
        )

    def _spawned(self, message: Spawned) -> Callable[[Step], None]:
        process, launch = message.process, message.launch
        self._effects.process = process
        facts = process_facts(process, self.live.session.process, self._node.node_id)
        self._node.observer.process_started("warm" if facts.from_warm_pool else "cold")
        ready = None if message.handshake is None else self._ready(message.handshake)

        def decide(step: Step) -> None:
            enforcement, generation = self._node.enforcement, launch.generation
            process_start.spawned(step, facts, launch.config, generation, enforcement, process.conversation)
            if ready is not None:
                ready(step)

        return decide

    def _ready(self, handshake: Handshake) -> Callable[[Step], None]:
        now = self._node.clocks().moment
        startup = now - (self.live.launched_at or now)
        self._node.observer.process_ready(startup.total_seconds())
        return lambda step: process_start.ready(
            step,
            cli_version=handshake.cli_version,
            startup=startup,
            capabilities=handshake.capabilities,
            model=handshake.model,
            mode=mode_named(handshake.permission_mode),
        )

    async def _obey(self, order: Order) -> None:
        """Carry out a caller's order. An exception goes to the caller, and nothing has changed.

        OwnershipLost is raised here too: this owner's row is no longer the stored one, so it can do nothing more.
        """
        step = self._step()
        try:
            if self._deleted:
                raise SessionNotFound(order.change.session_id)
            if order.change.etag and order.change.etag != etag(step.session):
                raise EtagMismatch(etag(step.session))
            result = order.act(step)
            session = await self._commit(step, order.change.request, order.change.answers)
        except Exception as error:  # passed on to the caller, which knows a refusal from a bug
            if not order.reply.done():
                order.reply.set_exception(error)
            if isinstance(error, OwnershipLost):
                raise
            return
        if not order.reply.done():
            order.reply.set_result((session, result))
        await self._act(step.actions)

    async def _react(self, decide: Callable[[Step], None]) -> None:
        """Commit a decision about something that happened, and act on it; retry while the database is unavailable."""
        step = self._step()
        decide(step)
        self._show_first(step)
        while True:
            try:
                await self._commit(step)
                break
            except StoreUnavailable as error:
                log.warning("store_unavailable", session_id=self.live.session.session_id, error=str(error))
                await asyncio.sleep(RETRY_COMMIT.total_seconds())
        await self._act(step.actions)

    async def _commit(
        self, step: Step, request: Request | None = None, answers: Request | None = None
    ) -> Session:
        """Commit a step, if there is anything to commit; its ephemeral events are announced among its durable ones."""
        session = step.session
        if step.changed or request is not None or answers is not None:
            session = await self._node.store.commit(
                Unit(
                    session=session,
                    events=step.events,
                    ephemeral=step.ephemeral,
                    configures=step.configures,
                    oauth_token=step.oauth_token,
                    turns=tuple(step.turns.values()),
                    approvals=tuple(step.approvals.values()),
                    tasks=tuple(step.tasks.values()),
                    request=request,
                    answers=answers,
                    tells_profile=step.tells_profile,
                    deletes=step.deletes,
                )
            )
        self._node.charged(step)
        self._deleted |= step.deletes
        for turn in step.turns.values():
            if turn.state.final:
                self.ended_turn = turn
        self.live = replace(step.live, session=session)
        return session

    def _show_first(self, step: Step) -> None:
        """Show the ephemeral events that come before the step's first durable one: they need not wait for its commit.

        The rest is announced with the commit, so that watchers see everything in the order in which it happened.
        """
        first = list(takewhile(lambda placed: placed.after == 0, step.ephemeral))
        if first:
            self._node.show([placed.event for placed in first], step.session)
            del step.ephemeral[: len(first)]

    async def _act(self, actions: Sequence[Action]) -> None:
        """Perform actions, then make the decisions that follow from their outcome."""
        for decide in await self._effects.perform(actions):
            await self._react(decide)

    def _step(self) -> Step:
        return Step(self.live, self._node.clocks(), self._node.turn_timeouts)
