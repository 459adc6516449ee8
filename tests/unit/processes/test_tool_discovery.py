"""The CLI's own tools, learned from a process that is asked for nothing: once, and never at a session's cost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from driving import IMPATIENT
from fake_cli.installed import at_start, install
from greenroomd.domain.config import Secret
from greenroomd.processes.claude.cli import ClaudeCli
from greenroomd.processes.claude.launch_command import CliDefaults
from greenroomd.processes.claude.transcripts import TranscriptFiles
from greenroomd.processes.host.server_run import server_run
from greenroomd.processes.node.allowed_roots import AllowedRoots
from greenroomd.processes.pool.slots import Pool
from greenroomd.processes.pool.tool_discovery import ToolDiscovery

NONE: frozenset[str] = frozenset()


@asynccontextmanager
async def discovery(place: Path, **script: Any) -> AsyncIterator[tuple[ToolDiscovery, Pool]]:
    """Give what learns the tools of the fake CLI, with one slot."""
    environment = {name: Secret(value) for name, value in at_start(**script).items()}
    pool = Pool(1, timedelta(seconds=30))
    async with server_run(place) as mine:
        defaults, roots = CliDefaults(environment=environment), AllowedRoots([place])
        cli = ClaudeCli(install(place), place, mine, defaults, IMPATIENT, directories=roots)
        yield ToolDiscovery(cli, pool, TranscriptFiles(place)), pool


async def test_they_are_learned_once_whoever_asks(tmp_path: Path) -> None:
    async with discovery(tmp_path) as (tools, pool):
        asked = [tools.own_tools("w", NONE, {}) for _ in range(3)]
        assert await asyncio.gather(*asked) == [("Bash", "Read")] * 3
        assert pool.status().warm == 0
        lease = await pool.lease("w", "s")  # no process can be started any more
        assert await tools.own_tools("v", NONE, {}) == ("Bash", "Read")
        lease.release()


async def test_no_session_gives_up_a_slot_for_it(tmp_path: Path) -> None:
    async with discovery(tmp_path) as (tools, pool):
        lease = await pool.lease("w", "s")
        lease.idle(lambda: None)
        assert await tools.own_tools("w", NONE, {}) == ()
        lease.release()
        assert await tools.own_tools("w", NONE, {}) == ("Bash", "Read")


async def test_a_cli_that_dies_of_it_gives_its_slot_back(tmp_path: Path) -> None:
    async with discovery(tmp_path, die_of="initialize") as (tools, pool):
        assert await tools.own_tools("w", NONE, {}) == ()
        assert pool.spare("w") is not None
