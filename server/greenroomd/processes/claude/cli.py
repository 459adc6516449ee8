"""Starts `claude` processes on this machine: the adapter behind the port `Processes`."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

import structlog

from greenroomd.app.ports.processes import Launch, ProcessFailed, ShutdownTimeouts
from greenroomd.domain.config import ProjectContext, SessionConfig
from greenroomd.domain.rules.config.settings_rules import additional_directories, with_directories
from greenroomd.processes.claude.cli_process import ClaudeProcess
from greenroomd.processes.claude.late_binding import Binding, binding
from greenroomd.processes.claude.launch_command import (
    CliDefaults,
    RunDirectory,
    arguments,
    environment,
    model_of,
    redactor_of,
)
from greenroomd.processes.claude.project_context import ProjectFiles, read_project
from greenroomd.processes.claude.stale_files import remove_stale_files
from greenroomd.processes.claude.transcripts import salvage
from greenroomd.processes.claude.workspace_directories import Workspace
from greenroomd.processes.filesystem.directory import Directory, WorkingDirectories, open_directory
from greenroomd.processes.filesystem.filesystem_pool import FilesystemHangs, FilesystemPool
from greenroomd.processes.filesystem.mount_table import mount_table
from greenroomd.processes.filesystem.removal import REMOVAL_TIMEOUT, remove_or_leave
from greenroomd.processes.host.child import running
from greenroomd.processes.host.finish import finish
from greenroomd.processes.host.memory_watchdog import MemoryWatchdog, Ward
from greenroomd.processes.host.resource_limits import ResourceLimits
from greenroomd.processes.host.server_run import ServerRun
from greenroomd.processes.host.spawn import Command
from greenroomd.processes.linux.cgroup import Cgroup
from greenroomd.processes.linux.cgroup_removal import CgroupRemoval
from greenroomd.processes.linux.cgroup_setup import Cgroups

log = structlog.get_logger(__name__)

T = TypeVar("T")


class ClaudeCli:
    """Runs the CLI at `executable`, each process with directories of its own below `state_dir`.

    `shutdown_timeouts` is for the ends that nobody asked for: a block left with its process still running.
    `directories` opens what sessions name as their working directory, at every start. `watchdog` keeps the limits of
    memory, while it is on duty; with `groups` each process has a control group of its own. The end of a process waits
    for the removal of its files for `removal_timeout`.
    """

    def __init__(
        self,
        executable: Path,
        state_dir: Path,
        server_run: ServerRun,
        defaults: CliDefaults,
        shutdown_timeouts: ShutdownTimeouts,
        watchdog: MemoryWatchdog | None = None,
        groups: Cgroups | None = None,
        *,
        directories: WorkingDirectories,
        filesystem: FilesystemPool | None = None,
        removal: CgroupRemoval | None = None,
        removal_timeout: timedelta = REMOVAL_TIMEOUT,
    ) -> None:
        self._executable = executable
        self._state_dir = state_dir
        self._server_run = server_run
        self._defaults = defaults
        self._shutdown_timeouts = shutdown_timeouts
        self._watchdog = watchdog or MemoryWatchdog()
        self._groups = groups
        self._directories = directories
        self._filesystem = filesystem or FilesystemPool()
        self._removal = removal or CgroupRemoval()
        self._removal_timeout = removal_timeout

    def binding(self, started: Launch, wanted: Launch) -> Binding | None:
        """Return how a process that was started for one launch can serve another; None if it cannot."""
        return binding(started, wanted, self._defaults)

    @asynccontextmanager
    async def running(self, launch: Launch) -> AsyncIterator[ClaudeProcess]:
        """Start a process for `launch`; it has ended, and its run directory is gone, when the block ends.

        Without a working directory it starts in its workspace's home, to be given one later.
        """
        marker, path = self._server_run.new_run()
        run = RunDirectory(path=path)
        workspace = Workspace.within(self._state_dir, launch.workspace_id)
        with _failing_to("read the conversation"):
            look = partial(salvage, workspace.config_dir, launch.cli_session_id)
            if not launch.resume and await self._in_workspace(workspace, look):
                launch = replace(launch, resume=True)
        await self._require_executable()
        redactor = redactor_of(launch, self._defaults)
        group = None if self._groups is None else self._groups.group(marker)
        confinement = ResourceLimits(group, self._defaults.memory_bytes)
        process = ClaudeProcess(
            launch,
            model_of(launch, self._defaults),
            redactor,
            confinement,
            self._directories,
            self._filesystem,
            run.tmp,
        )
        home = workspace.home_of(launch.cli_session_id, launch.config.home)
        config_dir = workspace.config_of(launch.cli_session_id)
        try:
            settled = await self._with_directories(launch.config)
            with _failing_to("make the run directory"):
                make = partial(run.make, workspace, settled, home, config_dir)
                await self._in_workspace(workspace, make, lambda _made: run.remove())
            with _failing_to("make the control group"):
                await confinement.build(launch.config.limits)
            with await self._directory(launch.config.working_dir, workspace) as directory:
                process.project = await self._project(launch.config.project_context, directory, run)
                command = Command(
                    argv=[str(self._executable), *arguments(launch, self._defaults, run)],
                    environment=environment(launch, self._defaults, workspace, run),
                    directory=directory,
                    marker=marker,
                    open_files=self._defaults.open_files,
                )
                leftovers = partial(self._remove_stale_files, workspace, config_dir)
                async with running(
                    command, process, redactor, self._shutdown_timeouts, group, leftovers
                ) as child:
                    ward = Ward(leader=process.identity, marker=marker, limit=None, kill=child.kill)
                    confinement.watched(ward)
                    with self._watchdog.watching(ward):
                        async with process.following_commands():
                            yield process
        finally:
            own = {home, config_dir} - {workspace.home, workspace.config_dir}
            unused = () if launch.session_id or process.warm else own
            await finish(self._clean_up(run, workspace, group, unused))

    async def _clean_up(
        self, run: RunDirectory, workspace: Workspace, group: Cgroup | None, unused: Iterable[Path]
    ) -> None:
        """Remove what was the process's alone; `unused` are the directories of one that no session has got."""
        await self._tidy(workspace, run.remove)
        for directory in unused:
            await self._tidy(workspace, partial(shutil.rmtree, directory, ignore_errors=True))
        if group is not None:
            await self._removal.remove(group)

    async def _remove_stale_files(self, workspace: Workspace, config_dir: Path, pid: int) -> None:
        await self._tidy(workspace, partial(remove_stale_files, pid, [config_dir]))

    async def _tidy(self, workspace: Workspace, remove: Callable[[], object]) -> None:
        """Remove files of a process that has ended."""
        await remove_or_leave(self._filesystem, workspace.root, remove, timeout=self._removal_timeout)

    async def _directory(self, working_dir: str, workspace: Workspace) -> Directory:
        if working_dir:
            return await self._directories.open(working_dir)
        with _failing_to("enter the workspace's home"):
            enter = partial(open_directory, str(workspace.home))
            return await self._in_workspace(workspace, enter, Directory.close)

    async def _project(
        self, wanted: Sequence[ProjectContext], directory: Directory, run: RunDirectory
    ) -> ProjectFiles:
        """Read what the session wants of the project in its directory, and write the plugin that its flags name."""
        if not wanted:
            return ProjectFiles()
        with _failing_to("read the project's context"):
            where = mount_table().filesystem(directory.path)
            project = await self._filesystem.run(where, partial(read_project, directory, wanted))
            await asyncio.to_thread(project.make_plugin, run.plugin)
            return project

    async def _in_workspace(
        self,
        workspace: Workspace,
        look: Callable[[], T],
        discard: Callable[[T], object] = lambda _found: None,
    ) -> T:
        """Call `look` in a thread: a tool may have put a link to a file system that hangs in its workspace."""
        return await self._filesystem.run(str(workspace.root), look, discard)

    async def _with_directories(self, config: SessionConfig) -> SessionConfig:
        """Return `config` with its additional directories as they are now, without links; raises as `_directory`."""
        resolved = []
        for _, path in additional_directories(config.settings):
            with await self._directories.open(path) as directory:
                resolved.append(directory.path)
        if not resolved or config.settings is None:
            return config
        return replace(config, settings=with_directories(config.settings, resolved))

    async def _require_executable(self) -> None:
        """Raise ProcessFailed if the CLI is missing or not executable: a failed start would not tell which."""
        try:
            there, executable = await self._filesystem.run(
                str(self._executable),  # threads of its own: it is on no file system that a session names
                lambda: (self._executable.exists(), os.access(self._executable, os.X_OK)),
            )
        except FilesystemHangs as error:
            raise ProcessFailed("SPAWN_FAILED", f"{self._executable} cannot be looked at: {error}") from None
        if not there:
            raise ProcessFailed("CLI_MISSING", f"{self._executable} is gone since the server was started")
        if not executable:
            raise ProcessFailed("SPAWN_FAILED", f"{self._executable} is not an executable file")


@contextmanager
def _failing_to(do: str) -> Iterator[None]:
    """Raise ProcessFailed with SPAWN_FAILED for an OSError in the block, and if its file system hangs."""
    try:
        yield
    except (OSError, FilesystemHangs) as error:
        raise ProcessFailed("SPAWN_FAILED", f"cannot {do}: {error}") from None
