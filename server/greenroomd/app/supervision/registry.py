"""All live sessions of this node: finds or appoints the owner of a session, and passes orders to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import TypeVar
from weakref import WeakValueDictionary

import structlog

from greenroomd.app.background import restarting, task_group
from greenroomd.app.commands import Change
from greenroomd.app.ports.storage import Unit
from greenroomd.app.supervision.node_context import NodeContext
from greenroomd.app.supervision.order import Order
from greenroomd.app.supervision.settlement import open_tasks, settle
from greenroomd.app.supervision.supervisor import Supervisor
from greenroomd.domain.decision.live import Live, taken_over
from greenroomd.domain.decision.step import Step
from greenroomd.domain.errors import GreenroomError, SessionNotFound
from greenroomd.domain.lifecycle import orders
from greenroomd.domain.lifecycle.process import process_end
from greenroomd.domain.retryable_errors import Draining
from greenroomd.domain.session import Session, StartMode
from greenroomd.domain.turn import Turn

log = structlog.get_logger(__name__)

T = TypeVar("T")

_STEPS_TO_A_PROCESS = 2
"""Loop iterations to yield so that the new supervisor claims a warm process before the RPC is answered."""


class Supervisors:
    """Appoints at most one supervisor per session, and drops it when there is nothing left to own."""

    def __init__(self, node: NodeContext, group: asyncio.TaskGroup) -> None:
        self.node = node
        self._group = group
        self._of: dict[str, Supervisor] = {}
        self._settling: dict[str, asyncio.Task[None]] = {}
        self._founding: set[asyncio.Task[None]] = set()
        self._appointing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._draining = False

    def __len__(self) -> int:
        return len(self._of)

    def own(self, live: Live) -> None:
        """Appoint an owner for a session that has none."""
        self._appoint(live)

    async def found(self, unit: Unit) -> Session:
        """Store a new session and, with start mode AUTO, own it at once; raises what the commit raises.

        Both happen or neither, even if the caller is cancelled meanwhile.
        """
        if unit.session.start_mode is StartMode.MANUAL:  # it needs no owner yet
            return await self.node.store.commit(unit)
        reply: asyncio.Future[Session] = asyncio.get_running_loop().create_future()
        founding = self._group.create_task(self._found(unit, reply))
        self._founding.add(founding)
        founding.add_done_callback(self._founding.discard)
        return await reply

    async def _found(self, unit: Unit, reply: asyncio.Future[Session]) -> None:
        # Under the lock, so that an order for the new session finds this owner instead of loading the row.
        async with self._appointment(unit.session.session_id):
            try:
                session = await self.node.store.commit(unit)
            except (
                asyncio.CancelledError
            ):  # the server ends while it is not known whether the session is stored
                reply.cancel()
                raise
            except Exception as refusal:  # passed on to the caller
                if not reply.done():
                    reply.set_exception(refusal)
                return
            tasks = {task.task_id: task for task in unit.tasks}
            self.own(
                Live(session=session, tasks=tasks, launching=True, launched_at=self.node.clocks().moment)
            )
        try:
            for _ in range(_STEPS_TO_A_PROCESS):
                await asyncio.sleep(0)
        finally:
            if not reply.done():
                reply.set_result(session)

    async def order(self, change: Change, act: Callable[[Step], T]) -> tuple[Session, T]:
        """Have the session's owner carry out an order; returns the session after it and the order's result.

        Raises what the order raises, EtagMismatch, SessionNotFound, StoreUnavailable, Draining.
        """
        if self._draining:
            raise Draining("this server is shutting down")
        return await self._order(change, act)

    async def _order(self, change: Change, act: Callable[[Step], T]) -> tuple[Session, T]:
        supervisor = self._of.get(change.session_id) or await self._load(change.session_id)
        reply: asyncio.Future[tuple[Session, T]] = asyncio.get_running_loop().create_future()
        supervisor.mailbox.put(Order(change, act, reply))
        return await reply

    def running(self) -> Mapping[int, Session]:
        """Return every session that has a process here, by the process's pid."""
        sessions = (owner.live.session for owner in self._of.values() if owner.live.running)
        return {session.process.pid: session for session in sessions}

    def lives(self) -> Iterable[Live]:
        """Yield what every owner here knows about its session."""
        return (supervisor.live for supervisor in self._of.values())

    def live(self, session_id: str) -> Live | None:
        """Return what the session's owner knows about it; None if it has no owner."""
        supervisor = self._of.get(session_id)
        return None if supervisor is None else supervisor.live

    def ended_turn(self, session_id: str, turn_id: str) -> Turn | None:
        """Return an ended turn if it is the last one to end in a session that is live here."""
        supervisor = self._of.get(session_id)
        ended = None if supervisor is None else supervisor.ended_turn
        return ended if ended is not None and ended.turn_id == turn_id else None

    async def drain(self, timeout: timedelta) -> None:
        """Refuse new orders and suspend every live session; returns when all are at rest, or when `timeout` is over.

        Turns may run until just enough time is left to interrupt them and end their processes.
        """
        self._draining = True
        grace = max(
            timedelta(),
            timeout - self.node.turn_timeouts.interrupt_grace - self.node.runner.shutdown_timeouts.total,
        )
        for supervisor in self._of.values():
            supervisor.draining = True

        async def suspend(session_id: str) -> None:
            try:
                change = Change(session_id=session_id)
                await self._order(change, partial(orders.drain, grace=grace))
            except GreenroomError as refusal:  # it is closing or has failed, and ends by itself
                log.info("not_suspended", session_id=session_id, reason=str(refusal))
            except Exception:  # a bug in one session must not keep the others from ending in order
                log.exception("not_suspended", session_id=session_id)

        try:
            async with asyncio.timeout(timeout.total_seconds()):
                async with asyncio.TaskGroup() as group:
                    for session_id in list(self._of):
                        group.create_task(suspend(session_id))
                while tasks := [
                    *self._settling.values(),
                    *(s.task for s in self._of.values() if s.task is not None),
                ]:
                    await asyncio.wait(tasks)
        except TimeoutError:
            log.warning("drain_incomplete", sessions=len(self._of))

    def dismiss_all(self) -> None:
        """End every supervisor and its process now; unsettled sessions are settled at the server's next start."""
        for task in [
            *self._founding,
            *self._settling.values(),
            *(s.task for s in self._of.values() if s.task is not None),
        ]:
            task.cancel()

    def _appointment(self, session_id: str) -> asyncio.Lock:
        """Return the lock to hold while a session gets an owner or is settled.

        Without it, a row could be read before another owner comes and goes, and be used afterwards.
        """
        return self._appointing.setdefault(session_id, asyncio.Lock())

    async def _load(self, session_id: str) -> Supervisor:
        async with self._appointment(session_id):
            supervisor = self._of.get(session_id)
            if supervisor is not None:
                return supervisor
            session = await self.node.store.session(session_id)
            if session.live:  # its owner failed, and the failure is not stored yet
                live = await settle(self.node, session, process_end.owner_failed)
                if settling := self._settling.get(session_id):  # a drain would wait for its next attempt
                    settling.cancel()
                return self._appoint(live)
            turns, tasks = await self.node.store.open_turns(session_id), await open_tasks(self.node, session)
            return self._appoint(taken_over(session, self.node.clocks(), turns=turns, tasks=tasks))

    def _appoint(self, live: Live) -> Supervisor:
        session_id = live.session.session_id
        supervisor = Supervisor(live, self.node)
        supervisor.draining = self._draining
        self._of[session_id] = supervisor
        supervisor.task = self._group.create_task(self._oversee(session_id, supervisor))
        return supervisor

    async def _oversee(self, session_id: str, supervisor: Supervisor) -> None:
        """Run a supervisor. If it fails, only its session is affected, and that is settled as soon as possible."""
        try:
            await supervisor.run(retire=lambda: self._dismiss(session_id, supervisor))
        except Exception:
            log.exception("supervisor_failed", session_id=session_id)
            self._settle_later(session_id)
        finally:
            self._dismiss(session_id, supervisor)
            supervisor.refuse_rest()

    def _settle_later(self, session_id: str) -> None:
        settling = self._group.create_task(restarting("settling", partial(self._settle, session_id)))
        self._settling[session_id] = settling

        def forget(ended: asyncio.Task[None]) -> None:
            if self._settling.get(session_id) is ended:
                del self._settling[session_id]

        settling.add_done_callback(forget)

    async def _settle(self, session_id: str) -> None:
        """Settle a session whose supervisor failed; its process ended with the supervisor."""
        async with self._appointment(session_id):
            if session_id in self._of:  # an order came first and settled it
                return
            try:
                session = await self.node.store.session(session_id)
            except SessionNotFound:
                return
            if session.unsettled:
                await settle(self.node, session, process_end.owner_failed)

    def _dismiss(self, session_id: str, supervisor: Supervisor) -> None:
        if self._of.get(session_id) is supervisor:
            del self._of[session_id]


@asynccontextmanager
async def supervising(node: NodeContext, *, drain_timeout: timedelta) -> AsyncIterator[Supervisors]:
    """Own live sessions while the block runs; on exit, drain them, then end those that are left."""
    async with task_group() as group:
        supervisors = Supervisors(node, group)
        try:
            yield supervisors
        finally:
            try:
                await supervisors.drain(drain_timeout)
            finally:  # also if the drain is cancelled: the group would wait for supervisors that are not told to end
                supervisors.dismiss_all()
