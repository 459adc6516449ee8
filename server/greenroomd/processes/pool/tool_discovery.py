"""Learns the CLI's own tools, which it only tells at the beginning of a turn: from a process that is asked for nothing.

A hook refuses that process's only prompt before the model is asked. As observed with the CLI 2.1.332.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from datetime import timedelta

import structlog

from greenroomd.app.ids import new_id
from greenroomd.app.ports.processes import Launch, ProcessFailed
from greenroomd.app.ports.transcripts import Transcripts
from greenroomd.domain.config import JsonObject, SessionConfig
from greenroomd.domain.frames.setting_frames import TurnInitialized
from greenroomd.domain.frames.turn_frames import TurnResult
from greenroomd.domain.retryable_errors import StoreUnavailable
from greenroomd.processes.claude.cli import ClaudeCli
from greenroomd.processes.claude.cli_process import ClaudeProcess
from greenroomd.processes.pool.slots import Pool

log = structlog.get_logger(__name__)

WITHIN = timedelta(seconds=10)
"""How long all of it may take; 0.5 s are typical."""

_REFUSING: JsonObject = {
    "hooks": {"UserPromptSubmit": [{"hooks": [{"type": "command", "command": "exit 2", "timeout": 5}]}]}
}


class ToolDiscovery:
    """The adapter of the port `OwnTools`. What it has learned holds as long as the server runs."""

    def __init__(self, cli: ClaudeCli, pool: Pool, transcripts: Transcripts) -> None:
        self._cli = cli
        self._pool = pool
        self._transcripts = transcripts
        self._known: dict[frozenset[str], tuple[str, ...]] = {}
        self._one_at_a_time = asyncio.Lock()

    async def own_tools(self, workspace_id: str, hidden: frozenset[str]) -> tuple[str, ...]:
        """Return the tools of a session in which those of `hidden` are forbidden."""
        async with self._one_at_a_time:
            if hidden not in self._known and (tools := await self._learn(workspace_id, hidden)):
                self._known[hidden] = tools
            return self._known.get(hidden, ())

    async def _learn(self, workspace_id: str, hidden: frozenset[str]) -> tuple[str, ...]:
        lease = self._pool.spare(workspace_id)
        if lease is None:  # sessions come first
            return ()
        launch = _launch(workspace_id, hidden)
        try:
            async with asyncio.timeout(WITHIN.total_seconds()), self._cli.running(launch) as process:
                lease.spawned(process.identity)
                return await _tools_of(process)
        except (ProcessFailed, TimeoutError) as failure:
            log.warning("tools_unknown", workspace_id=workspace_id, reason=str(failure) or "too slow")
            return ()
        finally:
            lease.release()
            await self._forget(launch)

    async def _forget(self, launch: Launch) -> None:
        try:
            await self._transcripts.remove(launch.workspace_id, launch.cli_session_id)
        except StoreUnavailable as error:
            log.warning("transcript_left", workspace_id=launch.workspace_id, reason=str(error))


def _launch(workspace_id: str, hidden: frozenset[str]) -> Launch:
    config = SessionConfig(working_dir="", settings=_REFUSING, disallowed_tools=tuple(sorted(hidden)))
    return Launch(
        session_id="", workspace_id=workspace_id, cli_session_id=new_id(), resume=False, config=config
    )


async def _tools_of(process: ClaudeProcess) -> tuple[str, ...]:
    await process.handshake(WITHIN)
    await process.say(new_id(), "Which tools are there?", ())
    async with aclosing(process.frames()) as batches:  # type: ignore[type-var]
        async for batch in batches:
            for frame in batch:
                if isinstance(frame, TurnInitialized):
                    return frame.tools
                if isinstance(frame, TurnResult):
                    return ()
    return ()
