"""Processes that were started ahead of need: spawned, never spoken to, and handed to the first session they fit.

A process that has never seen a message belongs to nobody; once handed over it is its session's alone, and ends with it.
What is fixed when a process is spawned is the launch key; what the CLI takes later is given with the handshake.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

import structlog

from greenroomd.app.beside import beside, task_group
from greenroomd.app.ports import AgentProcess, Launch, ProcessFailed, WarmStart
from greenroomd.domain.config import (
    ApprovalPolicy,
    Limits,
    OnIdle,
    PermissionMode,
    RecoveryPolicy,
    Secret,
    SessionConfig,
)
from greenroomd.processes import kernel
from greenroomd.processes.claude_cli import ClaudeCli
from greenroomd.processes.claude_process import ClaudeProcess
from greenroomd.processes.finish import finish
from greenroomd.processes.pool import Pool, PoolLease

log = structlog.get_logger(__name__)

LOOK_EVERY = timedelta(seconds=1)
"""How often free slots are looked for, beside the moments in which a process was taken."""
AFTER_FAILURE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class LaunchKey:
    """What cannot be changed in a process any more; only a launch with an equal key may have it."""

    workspace_id: str
    config: SessionConfig
    oauth_token: Secret | None
    spent_usd: float


def key_of(launch: Launch) -> LaunchKey:
    """Return a launch's key: all of it but the prompts, model and mode, and what only the session's owner looks at."""
    config = launch.config
    bypass = config.permission_mode is PermissionMode.BYPASS_PERMISSIONS
    fixed = replace(
        config,
        system_prompt=None,
        append_system_prompt=None,
        model=None,
        permission_mode=PermissionMode.BYPASS_PERMISSIONS if bypass else None,
        limits=Limits(),
        recovery=RecoveryPolicy(),
        on_idle=OnIdle.SUSPEND,
        approval_policy=ApprovalPolicy.ASK,
    )
    return LaunchKey(launch.workspace_id, fixed, launch.oauth_token, launch.spent_usd)


@dataclass(slots=True, eq=False)
class _Kept:
    """One process that waits for its session, and the `Claim` on it once it was taken.

    `over` is set once nobody needs it any more, `gone` once it has ended.
    """

    key: LaunchKey
    lease: PoolLease
    process: ClaudeProcess | None = None
    taken: bool = False
    over: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def running(self, launch: Launch) -> AsyncIterator[AgentProcess]:
        """Serve a session; the process has ended when the block ends."""
        assert self.process is not None, "it was claimed"
        try:
            self.process.hand_over(launch)
            yield self.process
        finally:
            self.over.set()
            await finish(self.gone.wait())


class WarmProcesses:
    """Keeps processes waiting, as far as there are slots that nobody else wants, and gives them away with their slots.

    While they wait, the pool takes their slots back before any other.
    """

    def __init__(self, cli: ClaudeCli, pool: Pool) -> None:
        self._cli = cli
        self._pool = pool
        self._wanted: Sequence[WarmStart] = ()
        self._kept: list[_Kept] = []
        self._changed = asyncio.Event()
        self._failed_at: dict[int, float] = {}

    def keep(self, wanted: Sequence[WarmStart]) -> None:
        """Keep so many processes ready from now on, as far as slots are free; what is not wanted any more ends."""
        self._wanted = wanted
        self._changed.set()

    def claim(self, launch: Launch) -> _Kept | None:
        """Take a waiting process that fits a session's first launch, if there is one; its slot is busy from now on."""
        if not launch.first or not self._kept:
            return None
        key = key_of(launch)
        for kept in list(self._kept):
            # One whose slot was asked back for another session is on its way out.
            if kept.process is None or kept.over.is_set() or kept.key != key:
                continue
            self._kept.remove(kept)
            self._changed.set()
            if kernel.alive(kept.process.identity):
                kept.taken = True
                kept.lease.adopt()
                return kept
            kept.over.set()
        return None

    @asynccontextmanager
    async def on_duty(self) -> AsyncIterator[None]:
        """Keep processes ready while the block runs; none is left when it ends."""
        async with task_group() as group, beside(self._refill_again_and_again(group)):
            try:
                yield
            finally:
                for kept in self._kept:
                    kept.over.set()

    async def _refill_again_and_again(self, group: asyncio.TaskGroup) -> None:
        while True:
            self._changed.clear()
            self._refill(group)
            try:
                async with asyncio.timeout(LOOK_EVERY.total_seconds()):
                    await self._changed.wait()
            except TimeoutError:
                pass

    def _refill(self, group: asyncio.TaskGroup) -> None:
        surplus = list(self._kept)
        for number, wanted in enumerate(self._wanted):
            key = key_of(wanted.launch)
            there = [kept for kept in surplus if kept.key == key][: wanted.count]
            surplus = [kept for kept in surplus if kept not in there]
            if asyncio.get_running_loop().time() < self._failed_at.get(number, 0.0):
                continue
            for _ in range(wanted.count - len(there)):
                lease = self._pool.spare(wanted.launch.workspace_id)
                if lease is None:
                    break
                kept = _Kept(key, lease)
                self._kept.append(kept)
                group.create_task(self._keep(kept, wanted.launch, number))
        for kept in surplus:
            kept.over.set()

    async def _keep(self, kept: _Kept, launch: Launch, number: int) -> None:
        """Hold one process until it is not needed: by its session, or by anybody."""
        own = replace(launch, cli_session_id=str(uuid.uuid4()))
        try:
            async with self._cli.running(own) as process:
                kept.process = process
                kept.lease.idle(kept.over.set)
                await kept.over.wait()
        except ProcessFailed as failure:
            log.warning("warm_start_failed", workspace_id=launch.workspace_id, reason=str(failure))
            self._failed_at[number] = asyncio.get_running_loop().time() + AFTER_FAILURE_SECONDS
        finally:
            if kept in self._kept:
                self._kept.remove(kept)
            if not kept.taken:  # else the slot is the session's
                kept.lease.release()
            kept.gone.set()
            self._changed.set()
