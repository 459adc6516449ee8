"""The one owner of a live session: takes orders and its process' messages in turn, decides, commits, then acts.

All deciding is pure (orders.py, process_*.py and deadlines.py in domain/lifecycle/). No lock guards a session: this
task is the only one that changes it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import structlog

from greenroomd.app.commands import Change
from greenroomd.app.ports.observers import end_cause
from greenroomd.app.ports.processes import AgentProcess, Handshake, Launch, Lease, ProcessFailed
from greenroomd.app.ports.storage import Request, Unit
from greenroomd.app.supervision.mailbox import Mailbox
from greenroomd.app.supervision.node_context import NodeContext
from greenroomd.app.supervision.process_runner import (
    Exited,
    FramesReceived,
    NotStarted,
    ProcessMessage,
    Ready,
    SlotGranted,
    Spawned,
)
from greenroomd.domain.config import PermissionMode
from greenroomd.domain.errors import (
    Draining,
    EtagMismatch,
    OwnershipLost,
    SessionNotFound,
    StoreUnavailable,
)
from greenroomd.domain.lifecycle import deadlines, orders, process_end, process_output, process_start
from greenroomd.domain.lifecycle.crash_recovery import RECOVERING
from greenroomd.domain.lifecycle.live import (
    AbandonLaunch,
    Action,
    AnswerPermission,
    Ending,
    EndProcess,
    InterruptCli,
    LaunchProcess,
    Live,
    Purpose,
    Reconfigure,
    SayPrompt,
    Step,
)
from greenroomd.domain.session import ProcessFacts, Session, etag
from greenroomd.domain.states import POOL_PRESSURE
from greenroomd.domain.turn import Problem, Turn

log = structlog.get_logger(__name__)

RETRY_COMMIT = timedelta(milliseconds=500)
_AT_ONCE = timedelta(0)


@dataclass(frozen=True, slots=True)
class Order:
    """Something a caller wants; `act` decides within a step, and the reply is the session after it and act's result."""

    change: Change
    act: Callable[[Step], Any]
    reply: asyncio.Future[tuple[Session, Any]]

    def refuse(self) -> None:
        """Tell the caller, unless there was an answer, that nobody will carry the order out any more."""
        if not self.reply.done():
            self.reply.set_exception(Draining("the session's owner has stopped; try again"))


@dataclass(frozen=True, slots=True)
class Evict:
    """The pool wants the slot back."""


Message = Order | Evict | ProcessMessage


class Supervisor:
    """Owns one session while it has, wants or ends a process, or an order for it is being carried out."""

    def __init__(self, live: Live, node: NodeContext) -> None:
        self.live = live
        self.mailbox: Mailbox[Message] = Mailbox()
        self._node = node
        self._process: AgentProcess | None = None
        self._lease: Lease | None = None
        self._hosting: asyncio.Task[None] | None = None
        self._deleted = False
        self.ended_turn: Turn | None = None
        """The turn that ended last, as it was committed: who follows it wants it at once."""
        self.draining = False
        """Whether a restart that is due later is left to the next run of the server."""
        self.task: asyncio.Task[None] | None = None
        """The task that runs this supervisor, for whoever waits for its end."""

    def refuse_rest(self) -> None:
        """Fail the orders that nobody will carry out any more."""
        while (message := self.mailbox.take_now()) is not None:
            if isinstance(message, Order):
                message.refuse()

    async def run(self, retire: Callable[[], None]) -> None:
        """Own the session until there is nothing left to own; `retire` is called in the same breath."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            if self.live.launching:
                self._launch()
            while len(self.mailbox) or self._in_charge:
                due = deadlines.next_due(self.live, self._node.patience, self._node.clocks())
                wait = None if due is None else max(0.0, due.total_seconds())
                message = await self.mailbox.take(wait)
                await self._handle(message)
                # Overdue already: a full mailbox holds no deadline up.
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
                finally:  # cancelled meanwhile, it has answered nothing, and the caller would wait for ever
                    message.refuse()
            case FramesReceived(frames=frames, taken=taken):
                await self._react(lambda step: process_output.said(step, frames))
                taken.set()
            case SlotGranted(lease=lease):
                self._lease = lease
                await self._react(process_start.slot_granted)
            case Spawned():
                await self._react(self._spawned(message))
            case Ready(handshake=handshake):
                await self._react(self._ready(handshake))
            case NotStarted(error=error, memory_limit_hit=hit):
                self._forget_process(memory_limit_hit=hit)
                await self._react(lambda step: process_end.not_started(step, error, memory_limit_hit=hit))
            case Exited(exit=end):
                self._forget_process(memory_limit_hit=end.memory_limit_hit)
                await self._react(
                    lambda step: process_end.exited(
                        step,
                        code=end.code,
                        signal=end.signal,
                        group_gone=end.group_gone,
                        stderr_tail=end.stderr_tail,
                        memory_limit_hit=end.memory_limit_hit,
                    )
                )
            case Evict() if self.live.evictable:
                await self._react(lambda step: orders.suspend(step, reason=POOL_PRESSURE))
            case None:
                await self._react(deadlines.tick)

    def _spawned(self, message: Spawned) -> Callable[[Step], None]:
        process, launch = message.process, message.launch
        self._process = process
        facts = self._facts(process)
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
        return lambda step: process_start.ready(step, cli_version=handshake.cli_version, startup=startup)

    async def _obey(self, order: Order) -> None:
        """Carry out a caller's order; whatever it raises is the caller's, and changes nothing.

        Raises OwnershipLost as well as telling the caller: this owner's row is not the stored one any more, so that it
        cannot carry out anything.
        """
        step = self._step()
        try:
            if self._deleted:
                raise SessionNotFound(order.change.session_id)
            if order.change.etag and order.change.etag != etag(step.session):
                raise EtagMismatch(etag(step.session))
            result = order.act(step)
            session = await self._commit(step, order.change.request, order.change.answers)
        except Exception as error:  # handed to the caller, who alone can tell a refusal from a bug
            if not order.reply.done():
                order.reply.set_exception(error)
            if isinstance(error, OwnershipLost):
                raise
            return
        if not order.reply.done():
            order.reply.set_result((session, result))
        await self._perform(step.actions)

    async def _react(self, decide: Callable[[Step], None]) -> None:
        """Follow what happened; a database that is away delays this session and loses nothing of it."""
        step = self._step()
        decide(step)
        while True:
            try:
                await self._commit(step)
                break
            except StoreUnavailable as error:
                log.warning("store_unavailable", session_id=self.live.session.session_id, error=str(error))
                await asyncio.sleep(RETRY_COMMIT.total_seconds())
        await self._perform(step.actions)

    async def _commit(
        self, step: Step, request: Request | None = None, answers: Request | None = None
    ) -> Session:
        session = step.session
        if step.changed or request is not None or answers is not None:
            session = await self._node.store.commit(
                Unit(
                    session=session,
                    events=step.events,
                    configures=step.configures,
                    oauth_token=step.oauth_token,
                    turns=tuple(step.turns.values()),
                    approvals=tuple(step.approvals.values()),
                    request=request,
                    answers=answers,
                    deletes=step.deletes,
                )
            )
        self._deleted |= step.deletes
        for turn in step.turns.values():
            if turn.state.final:
                self.ended_turn = turn
        self.live = replace(step.live, session=session)
        if step.ephemeral:
            self._node.show(step.ephemeral, session)
        return session

    async def _perform(self, actions: list[Action]) -> None:
        try:
            for action in actions:
                await self._do(action)
        except ProcessFailed as failure:
            if self.live.ending is None and self.live.running:
                problem = Problem(reason=failure.reason, message=str(failure))
                ending = Ending(purpose=Purpose.FAIL, error=problem)
                await self._react(lambda step: process_end.end_for(step, ending, gently=False))
        if self._process is not None:
            await self._process.hold_to(self.live.session.config.limits)  # they may have changed
        if self._lease is not None:
            if self.live.evictable:
                self._lease.idle(lambda: self.mailbox.put(Evict()))
            else:
                self._lease.busy()

    async def _do(self, action: Action) -> None:
        match action:
            case LaunchProcess():
                self._count_restart()
                self._launch()
            case AbandonLaunch():
                if self._hosting is not None:
                    await asyncio.sleep(0)  # cancelled before its first step, it would tell nothing
                    self._hosting.cancel()
            case _ if self._process is not None:
                await self._address(self._process, action)
            case _:
                pass  # the process is gone; its end is in the mailbox and settles what was asked of it

    async def _address(self, process: AgentProcess, action: Action) -> None:
        match action:
            case EndProcess(gently=gently):
                self._group.create_task(self._end(process, gently))
            case SayPrompt(turn=turn):
                await process.say(turn.turn_id, turn.prompt, turn.content)
            case InterruptCli():
                self._group.create_task(_interrupt(process))
            case Reconfigure():
                await self._reconfigure(process, action)
            case AnswerPermission(approval_id=approval_id, tool_input=None, message=message):
                await process.deny(approval_id, message)
            case AnswerPermission(approval_id=approval_id, tool_input=tool_input):
                await process.allow(approval_id, tool_input or {})

    def _count_restart(self) -> None:
        if self.live.restarting:
            self._node.observer.process_restarted("order")
        elif self.live.session.state_reason == RECOVERING:
            self._node.observer.process_restarted("recovery")

    def _launch(self) -> None:
        host = self._node.runner.run(self.live.session, self._prepare, self.mailbox.put)
        self._hosting = self._group.create_task(host)

    async def _prepare(self) -> Launch:
        """Gather what the process is started with, as it is now."""
        session = self.live.session
        token = None
        if session.config.oauth_token_set:
            token = await self._node.store.oauth_token(session.session_id)
        return Launch(
            session_id=session.session_id,
            workspace_id=session.workspace_id,
            cli_session_id=session.cli_session_id,
            resume=session.conversation,
            first=session.process.start_time is None and not session.conversation,
            config=session.config,
            generation=session.config_generation,
            spent_usd=session.usage.cost_usd,
            oauth_token=token,
        )

    async def _reconfigure(self, process: AgentProcess, change: Reconfigure) -> None:
        if "model" in change.options:
            await process.set_model(change.config.model)
        if "permission_mode" in change.options:
            await process.set_permission_mode(change.config.permission_mode or PermissionMode.DEFAULT)
        await self._react(lambda step: process_start.reconfigured(step, change.config, change.generation))

    async def _end(self, process: AgentProcess, gently: bool) -> None:
        patience = self._node.runner.patience
        await process.end(patience if gently else replace(patience, after_eof=_AT_ONCE))

    def _forget_process(self, *, memory_limit_hit: bool = False) -> None:
        if self._process is not None:
            cause = end_cause(self.live.ending, memory_limit_hit=memory_limit_hit)
            self._node.observer.process_ended(cause)
        self._process = self._lease = self._hosting = None

    def _facts(self, process: AgentProcess) -> ProcessFacts:
        identity, before = process.identity, self.live.session.process
        return replace(
            before,
            node_id=self._node.node_id,
            pid=identity.pid,
            kernel_start=identity.kernel_start,
            boot_id=identity.boot_id,
            from_warm_pool=process.warm,
            start_time=identity.start_time,
        )

    def _step(self) -> Step:
        return Step(self.live, self._node.clocks(), self._node.patience)


async def _interrupt(process: AgentProcess) -> None:
    """Ask a process to stop; its owner goes on meanwhile, and ends it if it has not obeyed in time."""
    try:
        await process.interrupt()
    except ProcessFailed as failure:
        log.info("interrupt_failed", pid=process.identity.pid, reason=str(failure))
