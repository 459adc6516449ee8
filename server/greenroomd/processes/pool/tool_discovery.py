"""Learns the CLI's own tools, which it only tells at the beginning of a turn: from a process that is asked for nothing.

A hook refuses that process's only prompt before the model is asked. As observed with the CLI 2.1.332.
"""

from __future__ import annotations

import asyncio
import json
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

MOST_KNOWN = 256
"""For how many combinations of forbidden tools and settings the tools are remembered."""

_NOT_FOR_IT = frozenset({"hooks", "disableAllHooks", "env", "permissions"})
"""Settings that would run something, or let the prompt pass; forbidden tools are told apart from them."""
_REFUSING: JsonObject = {
    "hooks": {"UserPromptSubmit": [{"hooks": [{"type": "command", "command": "exit 2", "timeout": 5}]}]}
}


class ToolDiscovery:
    """The adapter of the port `OwnTools`. What it has learned holds as long as the server runs."""

    def __init__(self, cli: ClaudeCli, pool: Pool, transcripts: Transcripts) -> None:
        self._cli = cli
        self._pool = pool
        self._transcripts = transcripts
        self._known: dict[tuple[frozenset[str], str], tuple[str, ...]] = {}
        self._one_at_a_time = asyncio.Lock()

    async def own_tools(
        self, workspace_id: str, hidden: frozenset[str], settings: JsonObject
    ) -> tuple[str, ...]:
        """Return the tools of a session with these settings, in which those of `hidden` are forbidden."""
        switches = {name: value for name, value in settings.items() if name not in _NOT_FOR_IT}
        key = hidden, json.dumps(switches, sort_keys=True)
        async with self._one_at_a_time:
            if key not in self._known and (tools := await self._learn(workspace_id, hidden, switches)):
                self._known[key] = tools
                if len(self._known) > MOST_KNOWN:
                    del self._known[next(iter(self._known))]
            return self._known.get(key, ())

    async def _learn(
        self, workspace_id: str, hidden: frozenset[str], switches: JsonObject
    ) -> tuple[str, ...]:
        lease = self._pool.spare(workspace_id)
        if lease is None:  # sessions come first
            return ()
        launch = _launch(workspace_id, hidden, switches)
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


def _launch(workspace_id: str, hidden: frozenset[str], switches: JsonObject) -> Launch:
    settings = {**switches, **_REFUSING}
    config = SessionConfig(working_dir="", settings=settings, disallowed_tools=tuple(sorted(hidden)))
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
