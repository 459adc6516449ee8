"""Processes that were started ahead of need: spawned, never spoken to, and given to the first session they fit.

A process that has never seen a message belongs to nobody; once claimed it is its session's alone, and ends with it.
Which session it fits, and what it is told then, is decided in `late_binding.py`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any

import structlog

from greenroomd.app.background import background_tasks, restarting, task_group
from greenroomd.app.ids import new_id
from greenroomd.app.ports.process_slots import WarmStart
from greenroomd.app.ports.processes import AgentProcess, Launch, ProcessFailed
from greenroomd.processes.claude.cli import ClaudeCli
from greenroomd.processes.claude.cli_process import ClaudeProcess
from greenroomd.processes.claude.late_binding import Binding, as_started
from greenroomd.processes.host.finish import finish
from greenroomd.processes.linux import procfs
from greenroomd.processes.pool.pool_lease import PoolLease
from greenroomd.processes.pool.restart_pauses import RestartPauses
from greenroomd.processes.pool.slots import Pool

log = structlog.get_logger(__name__)

LOOK_EVERY = timedelta(seconds=1)
"""How often free slots are looked for, beside the moments in which a process was taken."""
REFILL_AFTER = timedelta(milliseconds=150)
"""How long the place of a process that was taken stays empty: its session starts first, and alone."""
AFTER_FAILURE = timedelta(seconds=30)
"""How long no process is started like one that could not be, or like two that ended while they waited."""
BIND_WITHIN = timedelta(seconds=5)
"""Timeout for reconfiguring a warm process: typically 20 to 100 ms, longer if MCP servers must connect."""


@dataclass(slots=True, eq=False)
class WarmSlot:
    """One process that waits for its session, and its slot."""

    launch: Launch
    """What it is started with."""
    lease: PoolLease
    """The slot that it runs in."""
    process: ClaudeProcess | None = None
    """The process, once it has started."""
    claimed: bool = False
    """Return whether a session has it, and its slot, now."""
    started: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the process has started, or cannot."""
    release_requested: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the process is not needed any more."""
    exited: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the process has ended."""

    async def end(self) -> None:
        """End the process; returns when that is done, however often it is cancelled."""
        self.release_requested.set()
        await finish(self.exited.wait())


@dataclass(frozen=True, slots=True)
class WarmClaim:
    """The `Claim` on a process that waited. If it does not take what its session wants, another one is started."""

    lease: PoolLease
    slot: WarmSlot
    binding: Binding
    cli: ClaudeCli

    @asynccontextmanager
    async def running(self, launch: Launch) -> AsyncIterator[AgentProcess]:
        """Bind the process to the session, or start one in its slot; either has ended when the block ends."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.slot.end)
            process = await self._bound(launch)
            if process is None:
                await self.slot.end()  # one slot holds one process
                process = await stack.enter_async_context(self.cli.running(launch))
            yield process

    async def _bound(self, launch: Launch) -> ClaudeProcess | None:
        await self.slot.started.wait()
        process = self.slot.process
        try:
            if process is not None:
                await process.bind(self.binding, BIND_WITHIN)
        except ProcessFailed as failure:
            log.warning(
                "warm_process_discarded",
                session_id=launch.session_id,
                reason=failure.reason,
                message=str(failure),
            )
            return None
        return process


class WarmProcesses:
    """Keeps processes waiting, as far as there are slots that nobody else wants, and gives them away with their slots.

    While they wait, the pool takes their slots back before any other. One that ends while it waits gives its slot back
    at once, and another one like it is started; how soon, `RestartPauses` decides.
    """

    def __init__(self, cli: ClaudeCli, pool: Pool) -> None:
        self._cli = cli
        self._pool = pool
        self._wanted: Sequence[WarmStart] = ()
        self.waiting: list[WarmSlot] = []
        """Those that no session has claimed, oldest first."""
        self._existing: set[WarmSlot] = set()
        self._changed = asyncio.Event()
        self._pauses = RestartPauses(AFTER_FAILURE, time.monotonic)

    def keep(self, wanted: Sequence[WarmStart]) -> None:
        """Keep so many processes ready from now on, as far as slots are free; what is not wanted any more ends."""
        self._wanted = wanted
        self._changed.set()

    def claim(self, launch: Launch) -> WarmClaim | None:
        """Take the waiting process that fits a session's first launch best; its slot is busy from now on."""
        if not launch.first:
            return None
        fitting = [claim for slot in self.waiting if (claim := self._fits(slot, launch))]
        for claim in sorted(fitting, key=lambda claim: claim.binding.effort):
            slot = claim.slot
            if slot.process is not None and not procfs.alive(slot.process.identity):
                continue  # it died a moment ago: `_hold` will see that, and free its slot
            self.waiting.remove(slot)
            asyncio.get_running_loop().call_later(REFILL_AFTER.total_seconds(), self._changed.set)
            slot.claimed = True
            slot.lease.adopt()
            return claim
        return None

    def _fits(self, slot: WarmSlot, launch: Launch) -> WarmClaim | None:
        if slot.release_requested.is_set():  # its slot was asked back for another session
            return None
        if slot.process is None and self._pool.waiting:  # it will be, as soon as it has started
            return None
        binding = self._cli.binding(slot.launch, launch)
        return None if binding is None else WarmClaim(slot.lease, slot, binding, self._cli)

    @asynccontextmanager
    async def on_duty(self) -> AsyncIterator[None]:
        """Keep processes ready while the block runs; none is left when it ends."""
        async with task_group() as group:
            refilling = restarting("warm_refill", partial(self._refill_again_and_again, group))
            async with background_tasks(refilling):
                try:
                    yield
                finally:
                    for slot in self._existing:
                        slot.release_requested.set()

    async def _refill_again_and_again(self, group: asyncio.TaskGroup) -> None:
        while True:
            self._changed.clear()
            self._refill(group)
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY.total_seconds()):
                    await self._changed.wait()

    def _refill(self, group: asyncio.TaskGroup) -> None:
        surplus = list(self.waiting)
        for wanted in self._wanted:
            launch = as_started(wanted.launch)
            there = [slot for slot in surplus if slot.launch == launch][: wanted.count]
            surplus = [slot for slot in surplus if slot not in there]
            if self._pauses.paused(launch):
                continue
            for _ in range(wanted.count - len(there)):
                lease = self._pool.spare(wanted.launch.workspace_id)
                if lease is None:
                    break
                slot = WarmSlot(launch, lease)
                self.waiting.append(slot)
                self._existing.add(slot)
                group.create_task(self._hold(slot))
        for slot in surplus:
            slot.release_requested.set()

    async def _hold(self, slot: WarmSlot) -> None:
        """Hold one process until it is not needed: by its session, or by anybody. No failure of it harms another."""
        own = replace(slot.launch, cli_session_id=new_id())
        try:
            async with self._cli.running(own) as process:
                slot.process = process
                slot.lease.spawned(process.identity)
                slot.started.set()
                if not slot.claimed:
                    slot.lease.idle(slot.release_requested.set)
                await _first_of(slot.release_requested.wait(), process.exited())
                if slot.release_requested.is_set() or slot.claimed:
                    await slot.release_requested.wait()
                else:
                    log.warning("warm_process_died", workspace_id=own.workspace_id)
                    self._pauses.died(slot.launch)
        except ProcessFailed as failure:
            log.warning("warm_start_failed", workspace_id=own.workspace_id, reason=str(failure))
            self._pauses.failed(slot.launch)
        except Exception:
            log.exception("warm_process_failed", workspace_id=own.workspace_id)
            self._pauses.failed(slot.launch)
        finally:
            if slot in self.waiting:
                self.waiting.remove(slot)
            if not slot.claimed:  # else the slot is the session's
                slot.lease.release()
            self._existing.discard(slot)
            slot.started.set()
            slot.exited.set()
            self._changed.set()


async def _first_of(*waits: Coroutine[Any, Any, object]) -> None:
    """Return when the first of them does; the others are cancelled."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(wait) for wait in waits]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
