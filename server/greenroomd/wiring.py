"""Builds everything, in start order, in one exit stack; leaving it undoes all of it backwards.

Health says SERVING last and NOT_SERVING first. On the way down: no new calls, watchers are told, live sessions are
suspended, processes are ended, the writer flushes, the database is closed.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from greenroom.v1.event_pb2 import Event
from greenroomd.app.creation import Creation
from greenroomd.app.deletion import Deletion
from greenroomd.app.expiry import DueBell, expiring
from greenroomd.app.forking import Forking
from greenroomd.app.hosting import Host
from greenroomd.app.listener_paths import ListenerUnusable, load
from greenroomd.app.listeners import Listener, listening
from greenroomd.app.ports import EndPatience, ProcessIdentity
from greenroomd.app.profile_store import ProfileStore
from greenroomd.app.profiles import Profiles
from greenroomd.app.recovery import Reap, settle_all
from greenroomd.app.retention import keepings, retaining
from greenroomd.app.sessions import Sessions
from greenroomd.app.stage import Stage
from greenroomd.app.storage import Announce, Store, StoredEvent
from greenroomd.app.supervisors import Supervisors, supervising
from greenroomd.app.tail import Tail
from greenroomd.app.turns import Turns
from greenroomd.app.warming import warming
from greenroomd.app.watch import Watch
from greenroomd.domain.config import Secret
from greenroomd.domain.live import Patience
from greenroomd.processes.admission import Admission
from greenroomd.processes.claude_cli import ClaudeCli
from greenroomd.processes.delegation import ControlGroups, NotDelegated, take_possession
from greenroomd.processes.discovery import FoundCli, find_cli
from greenroomd.processes.host_limits import host_limits
from greenroomd.processes.incarnation import Incarnation, incarnation
from greenroomd.processes.launch import CliDefaults
from greenroomd.processes.memory import MemoryWatchdog
from greenroomd.processes.pool import Pool
from greenroomd.processes.possession import StateDirTaken, possession
from greenroomd.processes.reaper import reap
from greenroomd.processes.roots import AllowedRoots
from greenroomd.processes.transcripts import TranscriptFiles
from greenroomd.processes.warm import WarmProcesses
from greenroomd.rpc import server as rpc
from greenroomd.rpc.codec import EventCodec, event_of
from greenroomd.rpc.convert.profile import profile_answer
from greenroomd.rpc.draining import Drain
from greenroomd.rpc.event_service import EventService
from greenroomd.rpc.facts import PoolFacts, ServerFacts, WorkspacePoolFacts
from greenroomd.rpc.node_service import NodeService
from greenroomd.rpc.profile_service import ProfileService
from greenroomd.rpc.session_service import SessionService
from greenroomd.rpc.turn_service import TurnService
from greenroomd.settings import MEMORY_PER_PROCESS, Settings, search_path
from greenroomd.store.engine import UnsupportedDatabase
from greenroomd.store.schema import SchemaTooNew
from greenroomd.store.secrets import KeyFileUnusable
from greenroomd.store.sql_store import open_store
from greenroomd.telemetry import Metrics, exposing

log = structlog.get_logger(__name__)


LISTENERS = 1_000
LISTENERS_QUIET = timedelta(
    seconds=15
)  # how far a listener's kept place may be behind what does not concern it

_UNSTARTABLE = (
    StateDirTaken,
    NotDelegated,
    rpc.ListenFailed,
    UnsupportedDatabase,
    SchemaTooNew,
    KeyFileUnusable,
    ListenerUnusable,
)


class StartFailed(Exception):
    """The server cannot start; the text says why and what to do."""


def version() -> str:
    """Return the version of the installed server."""
    return importlib.metadata.version("greenroomd")


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[str]:
    """Run the whole server while the block runs; gives the address. Raises StartFailed, CliMissing, CliTooOld."""
    async with AsyncExitStack() as stack:
        try:
            address = await _build(settings, stack)
        except _UNSTARTABLE as error:
            raise StartFailed(str(error)) from error
        yield address


async def _build(settings: Settings, stack: AsyncExitStack) -> str:
    metrics = Metrics()
    if settings.metrics_listen is not None:
        stack.enter_context(exposing(metrics, *settings.metrics_listen))
    cli = await find_cli(settings.claude_path, search_path())
    stack.enter_context(possession(settings.state_dir))

    tail, due = Tail(head=0), DueBell()
    codecs: list[EventCodec] = []

    def codec_of(store_id: str) -> EventCodec:
        codecs.append(EventCodec(store_id))
        return codecs[0]

    store = await stack.enter_async_context(
        open_store(
            settings.database_url.get_secret_value(),
            key_file=settings.state_dir / "keys.json",
            codec=codec_of,
            announce=_announcing(tail, due),
            cached_sessions=settings.cached_sessions,
            poll=settings.poll_interval,
            observer=metrics,
        )
    )
    tail.begin(store.head)
    if settings.metrics_listen is not None:
        metrics.sessions_counted({state.value: count for state, count in (await store.counted()).items()})
    await stack.enter_async_context(
        listening(_listeners(settings), _listeners_watch(store, tail), store.positions, event_of, metrics)
    )

    groups, why_not = _control_groups(settings)
    limits = host_limits(frozenset() if groups is None else groups.controllers, why_not)
    run = stack.enter_context(incarnation(settings.state_dir, groups))
    watchdog = MemoryWatchdog()
    await stack.enter_async_context(watchdog.on_duty())
    pool = _pool(settings, metrics)
    processes = _processes(settings, cli, run, watchdog, groups)
    warm = WarmProcesses(processes, pool)
    await stack.enter_async_context(warm.on_duty())
    metrics.pool_from(pool.numbers)
    stage = Stage(
        node_id=_node_id(settings.state_dir),
        store=store,
        tail=tail,
        codec=codecs[0],
        host=Host(
            slots=pool,
            processes=processes,
            patience=_end_patience(settings),
            handshake_timeout=settings.handshake_timeout,
            warm=warm,
        ),
        patience=_patience(settings),
        now=lambda: datetime.now(UTC),
        observer=metrics,
        enforcement=limits,
    )
    supervisors = await stack.enter_async_context(supervising(stage, drain_timeout=settings.drain_timeout))
    await settle_all(stage, supervisors, _reaper(settings.state_dir, run))
    await stack.enter_async_context(expiring(store, supervisors, due, stage.now))
    profiles_changed = asyncio.Event()
    await stack.enter_async_context(
        warming(store.profiles, AllowedRoots(settings.allowed_roots), warm, profiles_changed)
    )

    sessions = Sessions(supervisors, may_bypass=settings.allow_bypass_permissions)
    watch = Watch(
        store,
        tail,
        quiet=settings.bookmark_interval,
        per_session=settings.watchers_per_session,
        per_node=settings.watchers_per_node,
    )
    metrics.watchers_from(lambda: watch.open)
    await stack.enter_async_context(
        retaining(
            store.compactor,
            keepings(settings.retention_age, settings.retention_events),
            lambda: store.head,
            stage.now,
            every=max(settings.retention_interval, 2 * settings.bookmark_interval),
        )
    )
    drain = Drain()
    facts = _facts(settings, cli, stage)
    services = rpc.Services(
        sessions=_session_service(settings, supervisors, sessions, store.profiles, codecs[0], drain),
        turns=TurnService(Turns(supervisors, sessions, watch), drain),
        events=EventService(sessions, store, watch, codecs[0], drain),
        profiles=ProfileService(Profiles(store.profiles, profile_answer, stage.now, profiles_changed.set)),
        nodes=NodeService(facts, store, lambda: _pool_facts(pool)),
    )
    return await stack.enter_async_context(
        rpc.serving(
            settings.listen,
            services,
            drain=drain,
            answered=sessions.replay,
            observer=metrics,
            patience=rpc.Patience(
                keepalive=settings.keepalive_interval, connection_age=settings.connection_age
            ),
        )
    )


def _session_service(
    settings: Settings,
    supervisors: Supervisors,
    sessions: Sessions,
    profiles: ProfileStore,
    codec: EventCodec,
    drain: Drain,
) -> SessionService:
    roots, may_bypass = AllowedRoots(settings.allowed_roots), settings.allow_bypass_permissions
    creation = Creation(supervisors, roots, profiles, may_bypass=may_bypass)
    transcripts = TranscriptFiles(settings.state_dir)
    forking = Forking(supervisors, creation, transcripts)
    deletion = Deletion(supervisors, sessions, transcripts)
    return SessionService(creation, forking, deletion, sessions, codec.places, drain)


def _announcing(tail: Tail, due: DueBell) -> Announce:
    def announce(events: Sequence[StoredEvent], head: int) -> None:
        tail.announce(events, head)
        due.announce(events, head)

    return announce


def _listeners(settings: Settings) -> list[Listener[Event]]:
    listeners: list[Listener[Event]] = [load(path) for path in settings.listeners]
    if settings.webhook_url is not None and settings.webhook_secret is not None:
        from greenroomd.webhook.sender import Webhook  # its HTTP client takes a tenth of a second to load

        webhook = Webhook(
            settings.webhook_url.get_secret_value(),
            settings.webhook_secret.get_secret_value(),
            types=settings.webhook_types,
            timeout=settings.webhook_timeout,
        )
        listeners.append(webhook)
    return listeners


def _listeners_watch(store: Store, tail: Tail) -> Watch:
    """Return a watch of the listeners' own: they count against no client's cap."""
    return Watch(store, tail, quiet=LISTENERS_QUIET, per_session=1, per_node=LISTENERS)


def _control_groups(settings: Settings) -> tuple[ControlGroups | None, str]:
    """Return the control groups to use, and why they do not hold every limit."""
    if settings.cgroup == "off":
        return None, "the setting GREENROOM_CGROUP forbids cgroups"
    given = None if settings.cgroup == "auto" else settings.cgroup
    try:
        groups = take_possession(given)
    except NotDelegated as error:
        if given is not None:
            raise
        return None, f"no cgroup v2 is delegated to the server ({error})"
    log.info("cgroup_divided", root=str(groups.root), controllers=sorted(groups.controllers))
    return groups, groups.why_not


def _processes(
    settings: Settings,
    cli: FoundCli,
    run: Incarnation,
    watchdog: MemoryWatchdog,
    groups: ControlGroups | None,
) -> ClaudeCli:
    environment = {name: Secret(value.get_secret_value()) for name, value in settings.cli_environment.items()}
    defaults = CliDefaults(
        environment=environment,
        api_timeout=settings.api_timeout,
        api_max_retries=settings.api_max_retries,
        memory_bytes=settings.memory_per_session,
        open_files=settings.open_files,
    )
    return ClaudeCli(cli.path, settings.state_dir, run, defaults, _end_patience(settings), watchdog, groups)


def _end_patience(settings: Settings) -> EndPatience:
    return EndPatience(
        after_eof=settings.end_after_eof,
        after_term=settings.end_after_term,
        after_kill=settings.end_after_kill,
    )


def _patience(settings: Settings) -> Patience:
    return Patience(
        turn_timeout=settings.turn_timeout,
        stall_timeout=settings.stall_timeout,
        interrupt_grace=settings.interrupt_grace,
        approval_timeout=settings.approval_timeout,
        ready_grace=settings.ready_grace,
        idle_timeout=settings.idle_timeout,
    )


def _reaper(state_dir: Path, run: Incarnation) -> Reap:
    async def end(identities: Sequence[ProcessIdentity]) -> None:
        reaped = await asyncio.to_thread(reap, state_dir, identities, run)
        if reaped.killed or reaped.survivors:
            log.warning("reaped", killed=sorted(reaped.killed), survivors=sorted(reaped.survivors))

    return end


def _facts(settings: Settings, cli: FoundCli, stage: Stage) -> ServerFacts:
    return ServerFacts(
        server_version=version(),
        node_id=stage.node_id,
        cli_path=str(cli.path),
        cli_version=cli.version,
        store_kind=settings.database_url.get_secret_value().partition(":")[0].partition("+")[0],
        start_time=datetime.now(UTC),
        max_processes=settings.max_processes,
        max_session_watchers=settings.watchers_per_session,
        max_node_watchers=settings.watchers_per_node,
        approval_timeout=settings.approval_timeout,
        enforcement=stage.enforcement,
    )


def _pool(settings: Settings, metrics: Metrics) -> Pool:
    admission = Admission(settings.memory_reserve, MEMORY_PER_PROCESS)
    return Pool(
        settings.max_processes,
        settings.slot_wait,
        per_workspace=settings.max_processes_per_workspace,
        room=admission.admits,
        evicted=metrics.process_evicted,
    )


def _pool_facts(pool: Pool) -> PoolFacts:
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


def _node_id(state_dir: Path) -> str:
    """Return the id of this node: a UUID, made once for its state directory."""
    path = state_dir / "node_id"
    if not path.exists():
        path.write_text(str(uuid.uuid4()), encoding="ascii")
    return path.read_text(encoding="ascii").strip()
