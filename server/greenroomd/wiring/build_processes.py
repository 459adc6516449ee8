"""Builds everything that runs the CLI's processes: control groups, slots, warm processes, and the reaper."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from greenroomd.app.ports.own_tools import OwnTools
from greenroomd.app.ports.processes import ProcessIdentity, Reap, ShutdownTimeouts
from greenroomd.app.ports.resource_usage import Measure, ResourceUsage
from greenroomd.app.supervision.process_runner import ProcessRunner
from greenroomd.domain.config import Secret
from greenroomd.domain.enforcement import OptionReport
from greenroomd.processes.claude.cli import ClaudeCli
from greenroomd.processes.claude.discovery import FoundCli
from greenroomd.processes.claude.launch_command import CliDefaults
from greenroomd.processes.claude.transcripts import TranscriptFiles
from greenroomd.processes.filesystem.filesystem_pool import FilesystemPool
from greenroomd.processes.host.memory_watchdog import MemoryWatchdog
from greenroomd.processes.host.process_usage import usage_of
from greenroomd.processes.host.server_run import ServerRun, server_run
from greenroomd.processes.linux.cgroup_removal import CgroupRemoval
from greenroomd.processes.linux.cgroup_setup import Cgroups, NotDelegated, set_up_cgroups
from greenroomd.processes.node.allowed_roots import AllowedRoots
from greenroomd.processes.node.enforcement_report import host_limits
from greenroomd.processes.node.reaper import reap
from greenroomd.processes.pool.admission import Admission
from greenroomd.processes.pool.slots import Pool
from greenroomd.processes.pool.tool_discovery import ToolDiscovery
from greenroomd.processes.pool.warm_pool import WarmProcesses
from greenroomd.settings.host_defaults import MEMORY_PER_PROCESS
from greenroomd.settings.record import Settings
from greenroomd.telemetry.metrics import Metrics

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessParts:
    """What the rest of the server needs to run processes."""

    runner: ProcessRunner
    """Starts and runs a session's process."""
    pool: Pool
    """Grants the slots for processes."""
    warm: WarmProcesses
    """Keeps processes ready for sessions of profiles that ask for it."""
    own_tools: OwnTools
    """Learns the CLI's own tools."""
    roots: AllowedRoots
    """The directories in which sessions may work."""
    measure: Measure
    """Measures what processes use."""
    reap: Reap
    """Ends the processes that an earlier run of the server left behind."""
    limits: Sequence[OptionReport]
    """How this host enforces each limit of a session's config."""


@asynccontextmanager
async def process_parts(settings: Settings, cli: FoundCli, metrics: Metrics) -> AsyncIterator[ProcessParts]:
    """Yield the parts that run processes of `cli` in this state directory; raises NotDelegated."""
    groups, why_not = _cgroups(settings)
    pool = _pool(settings, metrics)
    metrics.pool_from(pool.numbers)
    watchdog, removal, filesystem = MemoryWatchdog(), CgroupRemoval(), FilesystemPool()
    roots = AllowedRoots(settings.allowed_roots, filesystem)
    async with server_run(settings.state_dir, groups, filesystem=filesystem) as run:
        processes = ClaudeCli(
            cli.path,
            settings.state_dir,
            run,
            _defaults(settings),
            _shutdown_timeouts(settings),
            watchdog,
            groups,
            directories=roots,
            filesystem=filesystem,
            removal=removal,
        )
        warm = WarmProcesses(processes, pool)
        runner = ProcessRunner(
            slots=pool,
            processes=processes,
            shutdown_timeouts=_shutdown_timeouts(settings),
            handshake_timeout=settings.handshake_timeout,
            warm=warm,
        )
        async with removal.on_duty(), watchdog.on_duty(), warm.on_duty():
            yield ProcessParts(
                runner=runner,
                pool=pool,
                warm=warm,
                own_tools=ToolDiscovery(processes, pool, TranscriptFiles(settings.state_dir)),
                roots=roots,
                measure=_measuring(watchdog),
                reap=_reaper(settings.state_dir, run, filesystem),
                limits=host_limits(frozenset() if groups is None else groups.controllers, why_not),
            )


def _cgroups(settings: Settings) -> tuple[Cgroups | None, str]:
    """Return the control groups to use, None for none, and why they do not enforce every limit."""
    if settings.cgroup == "off":
        return None, "the setting GREENROOM_CGROUP forbids cgroups"
    given = None if settings.cgroup == "auto" else settings.cgroup
    try:
        groups = set_up_cgroups(given)
    except NotDelegated as error:
        if given is not None:
            raise
        return None, f"no cgroup v2 is delegated to the server ({error})"
    log.info("cgroup_divided", root=str(groups.root), controllers=sorted(groups.controllers))
    return groups, groups.why_not


def _defaults(settings: Settings) -> CliDefaults:
    environment = {name: Secret(value.get_secret_value()) for name, value in settings.cli_environment.items()}
    return CliDefaults(
        environment=environment,
        api_timeout=settings.api_timeout,
        api_max_retries=settings.api_max_retries,
        mcp_connect_timeout=settings.mcp_connect_timeout,
        memory_bytes=settings.memory_per_session,
        open_files=settings.open_files,
    )


def _shutdown_timeouts(settings: Settings) -> ShutdownTimeouts:
    return ShutdownTimeouts(
        after_eof=settings.end_after_eof,
        after_term=settings.end_after_term,
        after_kill=settings.end_after_kill,
    )


def _pool(settings: Settings, metrics: Metrics) -> Pool:
    admission = Admission(settings.memory_reserve, MEMORY_PER_PROCESS)
    return Pool(
        settings.max_processes,
        settings.slot_wait,
        per_workspace=settings.max_processes_per_workspace,
        room=admission.room,
        evicted=metrics.process_evicted,
    )


def _measuring(watchdog: MemoryWatchdog) -> Measure:
    async def measure(pids: Collection[int]) -> Mapping[int, ResourceUsage]:
        wards = [ward for ward in watchdog.wards if ward.leader.pid in pids]
        return await asyncio.to_thread(usage_of, wards)

    return measure


def _reaper(state_dir: Path, run: ServerRun, filesystem: FilesystemPool) -> Reap:
    async def end(identities: Sequence[ProcessIdentity]) -> None:
        reaped = await reap(state_dir, identities, run, filesystem=filesystem)
        if reaped.killed or reaped.survivors:
            log.warning("reaped", killed=sorted(reaped.killed), survivors=sorted(reaped.survivors))

    return end
