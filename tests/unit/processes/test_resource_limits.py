"""What one process may take: memory with all that it starts, and open files."""

import resource
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from driving import IMPATIENT, a_launch, driven, eventually, result_of
from fake_cli.installed import install, turn
from greenroomd.domain.config import Limits
from greenroomd.processes.claude.cli import ClaudeCli
from greenroomd.processes.claude.launch_command import CliDefaults
from greenroomd.processes.host.memory_watchdog import MemoryWatchdog
from greenroomd.processes.host.server_run import ServerRun, server_run
from greenroomd.processes.linux import procfs
from greenroomd.processes.node.allowed_roots import AllowedRoots

MIB = 2**20
LIMIT = 256 * MIB
ABOVE = 300 * MIB


@pytest.fixture
async def mine(tmp_path: Path) -> AsyncIterator[ServerRun]:
    async with server_run(tmp_path) as mine:
        yield mine
        assert not procfs.marked(f"GREENROOM_PROCESS={mine.marker}")


@pytest.fixture
async def cli(tmp_path: Path, mine: ServerRun) -> AsyncIterator[ClaudeCli]:
    """A fake CLI, watched a hundred times as often as in earnest."""
    watchdog = MemoryWatchdog(timedelta(milliseconds=10))
    async with watchdog.on_duty():
        defaults = CliDefaults(open_files=300)
        roots = AllowedRoots([tmp_path])
        yield ClaudeCli(install(tmp_path), tmp_path, mine, defaults, IMPATIENT, watchdog, directories=roots)


async def test_a_process_over_its_limit_is_killed_and_its_neighbour_feels_nothing(
    cli: ClaudeCli, tmp_path: Path
) -> None:
    limited = a_launch(tmp_path, limits=Limits(memory_bytes=LIMIT))
    async with driven(cli, limited) as greedy, driven(cli, a_launch(tmp_path)) as neighbour:
        await greedy.say(turn(memory=ABOVE, hang=True))
        await neighbour.say(turn(memory=ABOVE, wait=0.5))
        await greedy.said()
        ended = await greedy.process.end(IMPATIENT)
        assert (ended.signal, ended.memory_limit_hit, ended.group_gone) == (9, True, True)
        assert result_of(await neighbour.until_idle()).succeeded
        assert not (await neighbour.process.end(IMPATIENT)).memory_limit_hit


@pytest.mark.parametrize("kind", ["marked", "clean"])
async def test_what_it_started_counts_and_goes_with_it(cli: ClaudeCli, tmp_path: Path, kind: str) -> None:
    async with driven(cli, a_launch(tmp_path)) as claude:
        await claude.turn(turn(fork=kind))
        identity = claude.process.identity
        alone = procfs.resident_bytes(identity.pid)
        await claude.process.hold_to(Limits(memory_bytes=alone + MIB))  # the child holds some 9 MiB
        await claude.said()
        assert (await claude.process.end(IMPATIENT)).memory_limit_hit


async def test_a_limit_can_be_lowered_while_it_runs(cli: ClaudeCli, tmp_path: Path) -> None:
    async with driven(cli, a_launch(tmp_path, limits=Limits(memory_bytes=2 * ABOVE))) as claude:
        assert result_of(await claude.turn(turn(memory=ABOVE))).succeeded
        await claude.process.hold_to(Limits(memory_bytes=LIMIT))
        await claude.said()
        assert (await claude.process.end(IMPATIENT)).memory_limit_hit


async def test_a_process_has_no_more_files_than_it_may(cli: ClaudeCli, tmp_path: Path) -> None:
    async with driven(cli, a_launch(tmp_path)) as claude:
        assert resource.prlimit(claude.pid, resource.RLIMIT_NOFILE) == (300, 300)
        await claude.turn(turn(fork="marked"))
        marked = procfs.variable(claude.pid, "GREENROOM_PROCESS")
        await eventually(lambda: len(procfs.marked(f"GREENROOM_PROCESS={marked}")) == 2)
        (child,) = (pid for pid in procfs.marked(f"GREENROOM_PROCESS={marked}") if pid != claude.pid)
        assert resource.prlimit(child, resource.RLIMIT_NOFILE) == (300, 300)
