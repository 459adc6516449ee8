"""The parts of a server that follow from its settings alone, each made by one function; `wiring` puts them together."""

from __future__ import annotations

import uuid
from pathlib import Path

import structlog

from greenroom.v1.event_pb2 import Event
from greenroomd.app.ports.processes import ShutdownTimeouts
from greenroomd.app.watch.listener_paths import load
from greenroomd.app.watch.listeners import Listener
from greenroomd.domain.config import Secret
from greenroomd.domain.lifecycle.live import TurnTimeouts
from greenroomd.processes.claude.cli import ClaudeCli
from greenroomd.processes.claude.discovery import FoundCli
from greenroomd.processes.claude.launch_command import CliDefaults
from greenroomd.processes.host.cgroup_setup import Cgroups, NotDelegated, set_up_cgroups
from greenroomd.processes.host.memory_watchdog import MemoryWatchdog
from greenroomd.processes.host.server_run import ServerRun
from greenroomd.processes.pool.admission import Admission
from greenroomd.processes.pool.slots import Pool
from greenroomd.rpc.services.server_facts import PoolFacts, WorkspacePoolFacts
from greenroomd.settings.host_defaults import MEMORY_PER_PROCESS
from greenroomd.settings.record import Settings
from greenroomd.telemetry.metrics import Metrics

log = structlog.get_logger(__name__)


def listeners(settings: Settings) -> list[Listener[Event]]:
    """Return the listeners of the settings, the webhook among them."""
    every: list[Listener[Event]] = [load(path) for path in settings.listeners]
    if settings.webhook_url is not None and settings.webhook_secret is not None:
        from greenroomd.webhook.sender import Webhook  # its HTTP client takes a tenth of a second to load

        webhook = Webhook(
            settings.webhook_url.get_secret_value(),
            settings.webhook_secret.get_secret_value(),
            types=settings.webhook_types,
            timeout=settings.webhook_timeout,
        )
        every.append(webhook)
    return every


def cgroups(settings: Settings) -> tuple[Cgroups | None, str]:
    """Return the control groups to use, and why they do not hold every limit."""
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


def processes(
    settings: Settings,
    cli: FoundCli,
    run: ServerRun,
    watchdog: MemoryWatchdog,
    groups: Cgroups | None,
) -> ClaudeCli:
    """Return how processes of the CLI are made."""
    environment = {name: Secret(value.get_secret_value()) for name, value in settings.cli_environment.items()}
    defaults = CliDefaults(
        environment=environment,
        api_timeout=settings.api_timeout,
        api_max_retries=settings.api_max_retries,
        memory_bytes=settings.memory_per_session,
        open_files=settings.open_files,
    )
    return ClaudeCli(
        cli.path, settings.state_dir, run, defaults, shutdown_timeouts(settings), watchdog, groups
    )


def shutdown_timeouts(settings: Settings) -> ShutdownTimeouts:
    """Return how long a process may take to end."""
    return ShutdownTimeouts(
        after_eof=settings.end_after_eof,
        after_term=settings.end_after_term,
        after_kill=settings.end_after_kill,
    )


def patience(settings: Settings) -> TurnTimeouts:
    """Return how long a session's owner waits for what."""
    return TurnTimeouts(
        turn_timeout=settings.turn_timeout,
        stall_timeout=settings.stall_timeout,
        interrupt_grace=settings.interrupt_grace,
        approval_timeout=settings.approval_timeout,
        ready_grace=settings.ready_grace,
        idle_timeout=settings.idle_timeout,
    )


def pool(settings: Settings, metrics: Metrics) -> Pool:
    """Return the slots for processes."""
    admission = Admission(settings.memory_reserve, MEMORY_PER_PROCESS)
    return Pool(
        settings.max_processes,
        settings.slot_wait,
        per_workspace=settings.max_processes_per_workspace,
        room=admission.admits,
        evicted=metrics.process_evicted,
    )


def pool_facts(pool: Pool) -> PoolFacts:
    """Return how the slots stand, for GetPoolStatus."""
    status = pool.status()
    return PoolFacts(
        slots=status.slots,
        busy=status.busy + status.idle,
        warm=status.warm,
        waiting=status.waiting,
        longest_wait=status.longest_wait,
        evictions=status.evictions,
        workspaces={
            name: WorkspacePoolFacts(busy=use.busy + use.idle, warm=use.warm, waiting=use.waiting)
            for name, use in status.workspaces.items()
        },
    )


def node_id(state_dir: Path) -> str:
    """Return the id of this node: a UUID, made once for its state directory."""
    path = state_dir / "node_id"
    if not path.exists():
        path.write_text(str(uuid.uuid4()), encoding="ascii")
    return path.read_text(encoding="ascii").strip()
