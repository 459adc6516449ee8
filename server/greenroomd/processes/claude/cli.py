"""Starts `claude` processes on this machine: the adapter behind the port `Processes`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import structlog

from greenroomd.app.ports.processes import Launch, ProcessFailed, ShutdownTimeouts
from greenroomd.processes.claude.cli_process import ClaudeProcess
from greenroomd.processes.claude.late_binding import Binding, binding
from greenroomd.processes.claude.launch_command import (
    CliDefaults,
    RunDirectory,
    Workspace,
    arguments,
    environment,
    model_of,
    redactor_of,
)
from greenroomd.processes.claude.stale_files import remove_leftovers
from greenroomd.processes.claude.transcripts import salvage
from greenroomd.processes.host.cgroup import Cgroup
from greenroomd.processes.host.cgroup_setup import Cgroups
from greenroomd.processes.host.child import running
from greenroomd.processes.host.filesystem_pool import Lookups, is_directory
from greenroomd.processes.host.finish import finish
from greenroomd.processes.host.memory_watchdog import MemoryWatchdog, Ward
from greenroomd.processes.host.resource_limits import Confinement
from greenroomd.processes.host.server_run import ServerRun
from greenroomd.processes.host.spawn import Command

log = structlog.get_logger(__name__)


class ClaudeCli:
    """Runs the CLI at *executable*, each process with directories of its own below *state_dir*.

    *patience* is for the ends that nobody asked for: a block left with its process still running. *watchdog* keeps the
    limits of memory, while it is on duty; with *groups* each process has a control group of its own.
    """

    def __init__(
        self,
        executable: Path,
        state_dir: Path,
        incarnation: ServerRun,
        defaults: CliDefaults,
        patience: ShutdownTimeouts,
        watchdog: MemoryWatchdog | None = None,
        groups: Cgroups | None = None,
    ) -> None:
        self._executable = executable
        self._state_dir = state_dir
        self._incarnation = incarnation
        self._defaults = defaults
        self._patience = patience
        self._watchdog = watchdog or MemoryWatchdog()
        self._groups = groups
        self._lookups = Lookups()

    def binding(self, started: Launch, wanted: Launch) -> Binding | None:
        """Return how a process that was started for one launch serves another; None if it cannot."""
        return binding(started, wanted, self._defaults)

    @asynccontextmanager
    async def running(self, launch: Launch) -> AsyncIterator[ClaudeProcess]:
        """Start a process for *launch*; it has ended, and its run directory is gone, when the block ends.

        Without a working directory it starts in its workspace's home, to be given one later.
        """
        marker, path = self._incarnation.new_run()
        run = RunDirectory(path=path)
        workspace = Workspace.within(self._state_dir, launch.workspace_id)
        with _failing_to("read the conversation"):
            if not launch.resume and await asyncio.to_thread(
                salvage, workspace.config_dir, launch.cli_session_id
            ):
                launch = replace(launch, resume=True)
        await self._lookups.run(partial(self._require, launch.config.working_dir))
        redactor = redactor_of(launch, self._defaults)
        group = None if self._groups is None else self._groups.group(marker)
        confinement = Confinement(group, self._defaults.memory_bytes)
        process = ClaudeProcess(
            launch, model_of(launch, self._defaults), redactor, confinement, self._lookups
        )
        command = Command(
            argv=[str(self._executable), *arguments(launch, self._defaults, run)],
            environment=environment(launch, self._defaults, workspace, run),
            cwd=launch.config.working_dir or str(workspace.home),
            marker=marker,
            open_files=self._defaults.open_files,
        )
        pid = 0
        try:
            with _failing_to("make the run directory"):
                run.make(workspace, launch.config)
            with _failing_to("make the control group"):
                await confinement.build(launch.config.limits)
            async with running(command, process, redactor, self._patience, group) as child:
                pid = process.identity.pid
                ward = Ward(session=pid, marker=marker, limit=None, kill=child.kill)
                confinement.watched(ward)
                with self._watchdog.watching(ward):
                    yield process
        finally:
            await finish(asyncio.to_thread(_clean_up, run, workspace, pid, group))

    def _require(self, working_dir: str) -> None:
        """Tell what a failed start would not tell apart; raises ProcessFailed."""
        if not self._executable.exists():
            raise ProcessFailed("CLI_MISSING", f"{self._executable} is gone since the server was started")
        if working_dir and not is_directory(working_dir):
            raise ProcessFailed("WORKING_DIR_GONE", f"{working_dir} is not a directory any more")


@contextmanager
def _failing_to(do: str) -> Iterator[None]:
    """Tell an OSError as the start that failed for it."""
    try:
        yield
    except OSError as error:
        raise ProcessFailed("SPAWN_FAILED", f"cannot {do}: {error}") from None


def _clean_up(run: RunDirectory, workspace: Workspace, pid: int, group: Cgroup | None) -> None:
    run.remove()
    if group is not None and not group.remove():
        log.warning("group_not_removed", group=str(group.path), members=group.members())
    if pid:
        remove_leftovers(pid, [workspace.config_dir])
