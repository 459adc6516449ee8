"""Carries out what a session's owner has decided: starts its process, talks to it, ends it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

import structlog

from greenroomd.app.ports.observers import end_cause
from greenroomd.app.ports.process_slots import Lease
from greenroomd.app.ports.processes import AgentProcess, Launch, ProcessFailed
from greenroomd.app.supervision.launch_request import launch_request
from greenroomd.app.supervision.node_context import NodeContext
from greenroomd.app.supervision.process_runner import Answered, ProcessMessage
from greenroomd.domain.decision.actions import (
    AbandonLaunch,
    Action,
    AnswerPermission,
    EndProcess,
    InterruptCli,
    LaunchProcess,
    LookAtMcpServers,
    Reconfigure,
    ReconnectMcp,
    SayPrompt,
    StopTask,
)
from greenroomd.domain.decision.live import Live
from greenroomd.domain.decision.step import Step
from greenroomd.domain.in_force import mode_named, mode_of
from greenroomd.domain.lifecycle.process import mcp_tracking, process_end, process_start
from greenroomd.domain.lifecycle.process.crash_recovery import RECOVERING
from greenroomd.domain.mcp import McpServer
from greenroomd.domain.turn import Problem

log = structlog.get_logger(__name__)

Decision = Callable[[Step], None]

_AT_ONCE = timedelta(0)


@dataclass(frozen=True, slots=True)
class Evict:
    """The pool wants the slot back."""


class Effects:
    """Controls the process of one session for its owner.

    `live` returns the current session. `tell` puts messages about the process into the owner's mailbox. Tasks run in
    `group`.
    """

    def __init__(
        self,
        node: NodeContext,
        group: asyncio.TaskGroup,
        live: Callable[[], Live],
        tell: Callable[[ProcessMessage | Evict], None],
    ) -> None:
        self._node = node
        self._group = group
        self._live = live
        self._tell = tell
        self._running: asyncio.Task[None] | None = None
        self.process: AgentProcess | None = None
        """The process, from its start until it is proven gone."""
        self.lease: Lease | None = None
        """The process's slot; the process runner releases it."""

    def launch(self) -> None:
        """Get a slot and start a process in the background; its messages go to `tell`."""
        session = self._live().session
        self._running = self._group.create_task(self._node.runner.run(session, self._prepare, self._tell))

    async def perform(self, actions: Sequence[Action]) -> list[Decision]:
        """Perform the actions in order; return the decisions that follow from their success or failure.

        An action that fails does not stop the others.
        """
        following: list[Decision] = []
        for action in actions:
            try:
                if (decision := await self._do(action)) is not None:
                    following.append(decision)
            except ProcessFailed as failure:
                problem = Problem(reason=failure.reason, message=str(failure), facts=failure.facts)
                following.append(partial(process_end.unreachable, error=problem))
        if self.process is not None:
            await self.process.hold_to(self._live().session.config.limits)  # the limits may have changed
        self._offer_slot()
        return following

    def forget(self, *, memory_limit_hit: bool = False) -> None:
        """Forget the process: it has ended, or never started."""
        if self.process is not None:
            cause = end_cause(self._live().ending, memory_limit_hit=memory_limit_hit)
            self._node.observer.process_ended(cause)
        self.process = self.lease = self._running = None

    def _offer_slot(self) -> None:
        if self.lease is not None:
            if self._live().evictable:
                self.lease.idle(lambda: self._tell(Evict()))
            else:
                self.lease.busy()

    async def _prepare(self) -> Launch:
        return await launch_request(self._live().session, self._node.store)

    async def _do(self, action: Action) -> Decision | None:
        match action:
            case LaunchProcess():
                self._count_restart()
                self.launch()
            case AbandonLaunch():
                if self._running is not None:
                    await asyncio.sleep(0)  # a task cancelled before its first step would send no message
                    self._running.cancel()
            case Reconfigure() if self.process is not None:
                return await _reconfigure(self.process, action)
            case _ if self.process is not None:
                await self._address(self.process, action)
            case _:
                pass  # the process is gone; the message about its end is in the mailbox and settles the rest
        return None

    async def _address(self, process: AgentProcess, action: Action) -> None:
        match action:
            case EndProcess(gently=gently):
                self._group.create_task(self._end(process, gently))
            case SayPrompt(turn=turn):
                await process.say(turn.turn_id, turn.prompt, turn.content)
            case InterruptCli():
                self._group.create_task(_ask("interrupt", process, process.interrupt()))
            case StopTask(task_id=task_id):
                self._group.create_task(_ask("stop_task", process, process.stop_task(task_id)))
            case LookAtMcpServers(within=within):
                self._group.create_task(self._look_at_mcp_servers(process, within))
            case ReconnectMcp(name=name, within=within):
                self._group.create_task(self._reconnect_mcp(process, name, within))
            case AnswerPermission(approval_id=approval_id, tool_input=None, message=message):
                await process.deny(approval_id, message)
            case AnswerPermission(approval_id=approval_id, tool_input=tool_input):
                await process.allow(approval_id, tool_input or {})

    def _count_restart(self) -> None:
        if self._live().restarting:
            self._node.observer.process_restarted("order")
        elif self._live().session.state_reason == RECOVERING:
            self._node.observer.process_restarted("recovery")

    async def _look_at_mcp_servers(self, process: AgentProcess, within: timedelta) -> None:
        try:
            servers: Sequence[McpServer] | None = await process.mcp_servers(within)
        except ProcessFailed as failure:
            log.info("mcp_servers_unknown", pid=process.identity.pid, reason=failure.reason)
            servers = None
        if self.process is process:
            self._tell(Answered(partial(mcp_tracking.seen, answered=servers)))

    async def _reconnect_mcp(self, process: AgentProcess, name: str, within: timedelta) -> None:
        with suppress(ProcessFailed):  # the next look shows why
            await process.reconnect_mcp(name, within)
        if self.process is process:
            self._tell(Answered(partial(mcp_tracking.reconnected, name=name)))

    async def _end(self, process: AgentProcess, gently: bool) -> None:
        timeouts = self._node.runner.shutdown_timeouts
        await process.end(timeouts if gently else replace(timeouts, after_eof=_AT_ONCE))


async def _reconfigure(process: AgentProcess, change: Reconfigure) -> Decision:
    config, model, mode = change.config, "", None
    if "model" in change.options:
        model = await process.set_model(config.model)
    if "permission_mode" in change.options:
        mode = mode_named(await process.set_permission_mode(mode_of(config)))
    if "effort" in change.options:
        await process.set_effort(config.effort)
    if "max_thinking_tokens" in change.options:
        await process.set_max_thinking_tokens(config.max_thinking_tokens)
    return partial(
        process_start.reconfigured, config=config, generation=change.generation, model=model, mode=mode
    )


async def _ask(what: str, process: AgentProcess, request: Coroutine[Any, Any, None]) -> None:
    """Ask a process to stop something. Its owner does not wait for this: what becomes of it follows as a frame."""
    try:
        await request
    except ProcessFailed as failure:
        log.info("request_failed", request=what, pid=process.identity.pid, reason=str(failure))
