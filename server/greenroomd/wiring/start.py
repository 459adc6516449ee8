"""Builds everything, in start order, in one exit stack; leaving it undoes all of it backwards.

Health says SERVING last and NOT_SERVING first. On the way down: no new calls, watchers are told, live sessions are
suspended, processes are ended, the writer flushes, the database is closed.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from greenroomd.app.maintenance.expiry_timer import DueWakeup, expiring
from greenroomd.app.maintenance.prewarming import warming
from greenroomd.app.maintenance.retention import keepings, retaining
from greenroomd.app.maintenance.startup_recovery import Reap, settle_all
from greenroomd.app.ports.processes import ProcessIdentity
from greenroomd.app.ports.profile_store import ProfileStore
from greenroomd.app.ports.storage import Announce, Store, StoredEvent
from greenroomd.app.supervision.node_context import NodeContext
from greenroomd.app.supervision.process_runner import ProcessRunner
from greenroomd.app.supervision.registry import Supervisors, supervising
from greenroomd.app.usecases.create_session import Creation
from greenroomd.app.usecases.delete_session import Deletion
from greenroomd.app.usecases.fork_session import Forking
from greenroomd.app.usecases.profiles import Profiles
from greenroomd.app.usecases.sessions import Sessions
from greenroomd.app.usecases.turns import Turns
from greenroomd.app.watch.listener_paths import ListenerUnusable
from greenroomd.app.watch.listeners import listening
from greenroomd.app.watch.tail import Tail
from greenroomd.app.watch.watch import Watch
from greenroomd.processes.claude.discovery import FoundCli, find_cli
from greenroomd.processes.claude.transcripts import TranscriptFiles
from greenroomd.processes.host.cgroup_setup import NotDelegated
from greenroomd.processes.host.memory_watchdog import MemoryWatchdog
from greenroomd.processes.host.server_run import ServerRun, server_run
from greenroomd.processes.node.allowed_roots import AllowedRoots
from greenroomd.processes.node.enforcement_report import host_limits
from greenroomd.processes.node.reaper import reap
from greenroomd.processes.node.state_lock import StateDirUnusable, lock_state_dir
from greenroomd.processes.pool.warm_pool import WarmProcesses
from greenroomd.rpc import server as rpc
from greenroomd.rpc.convert.profile_proto import profile_answer
from greenroomd.rpc.services.event_service import EventService
from greenroomd.rpc.services.node_service import NodeService
from greenroomd.rpc.services.profile_service import ProfileService
from greenroomd.rpc.services.server_facts import ServerFacts
from greenroomd.rpc.services.session_service import SessionService
from greenroomd.rpc.services.turn_service import TurnService
from greenroomd.rpc.stream.draining import Drain
from greenroomd.rpc.stream.event_codec import EventCodec, event_of
from greenroomd.settings.environment import search_path
from greenroomd.settings.record import Settings
from greenroomd.store.engine import UnsupportedDatabase
from greenroomd.store.schema.upgrade import SchemaTooNew
from greenroomd.store.secrets import KeyFileUnusable
from greenroomd.store.sql_store import open_store
from greenroomd.telemetry.exposition import ExposingFailed, exposing
from greenroomd.telemetry.metrics import Metrics
from greenroomd.wiring import build_processes

log = structlog.get_logger(__name__)

LISTENERS = 1_000
LISTENERS_QUIET = timedelta(seconds=15)
"""How far a listener's kept place may be behind what does not concern it."""

_UNSTARTABLE = (
    StateDirUnusable,
    NotDelegated,
    rpc.ListenFailed,
    ExposingFailed,
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
    stack.enter_context(lock_state_dir(settings.state_dir))

    tail, due = Tail(head=0), DueWakeup()
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
        listening(
            build_processes.listeners(settings),
            _listeners_watch(store, tail),
            store.positions,
            event_of,
            metrics,
        )
    )

    groups, why_not = build_processes.cgroups(settings)
    limits = host_limits(frozenset() if groups is None else groups.controllers, why_not)
    run = stack.enter_context(server_run(settings.state_dir, groups))
    watchdog = MemoryWatchdog()
    await stack.enter_async_context(watchdog.on_duty())
    pool = build_processes.pool(settings, metrics)
    processes = build_processes.processes(settings, cli, run, watchdog, groups)
    warm = WarmProcesses(processes, pool)
    await stack.enter_async_context(warm.on_duty())
    metrics.pool_from(pool.numbers)
    node = NodeContext(
        node_id=build_processes.node_id(settings.state_dir),
        store=store,
        tail=tail,
        codec=codecs[0],
        runner=ProcessRunner(
            slots=pool,
            processes=processes,
            patience=build_processes.shutdown_timeouts(settings),
            handshake_timeout=settings.handshake_timeout,
            warm=warm,
        ),
        patience=build_processes.patience(settings),
        now=lambda: datetime.now(UTC),
        observer=metrics,
        enforcement=limits,
    )
    supervisors = await stack.enter_async_context(supervising(node, drain_timeout=settings.drain_timeout))
    await settle_all(node, supervisors, _reaper(settings.state_dir, run))
    await stack.enter_async_context(expiring(store, supervisors, due, node.now))
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
            node.now,
            every=max(settings.retention_interval, 2 * settings.bookmark_interval),
        )
    )
    drain = Drain()
    facts = _facts(settings, cli, node)
    services = rpc.Services(
        sessions=_session_service(settings, supervisors, sessions, store.profiles, codecs[0], drain),
        turns=TurnService(Turns(supervisors, sessions, watch), drain),
        events=EventService(sessions, store, watch, codecs[0], drain),
        profiles=ProfileService(Profiles(store.profiles, profile_answer, node.now, profiles_changed.set)),
        nodes=NodeService(facts, store, lambda: build_processes.pool_facts(pool)),
    )
    return await stack.enter_async_context(
        rpc.serving(
            settings.listen,
            services,
            drain=drain,
            answered=sessions.replay,
            observer=metrics,
            patience=rpc.ServerTimeouts(
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


def _announcing(tail: Tail, due: DueWakeup) -> Announce:
    def announce(events: Sequence[StoredEvent], head: int) -> None:
        tail.announce(events, head)
        due.announce(events, head)

    return announce


def _listeners_watch(store: Store, tail: Tail) -> Watch:
    """Return a watch of the listeners' own: they count against no client's cap."""
    return Watch(store, tail, quiet=LISTENERS_QUIET, per_session=1, per_node=LISTENERS)


def _reaper(state_dir: Path, run: ServerRun) -> Reap:
    async def end(identities: Sequence[ProcessIdentity]) -> None:
        reaped = await asyncio.to_thread(reap, state_dir, identities, run)
        if reaped.killed or reaped.survivors:
            log.warning("reaped", killed=sorted(reaped.killed), survivors=sorted(reaped.survivors))

    return end


def _facts(settings: Settings, cli: FoundCli, node: NodeContext) -> ServerFacts:
    return ServerFacts(
        server_version=version(),
        node_id=node.node_id,
        cli_path=str(cli.path),
        cli_version=cli.version,
        store_kind=settings.database_url.get_secret_value().partition(":")[0].partition("+")[0],
        start_time=datetime.now(UTC),
        max_processes=settings.max_processes,
        max_session_watchers=settings.watchers_per_session,
        max_node_watchers=settings.watchers_per_node,
        approval_timeout=settings.approval_timeout,
        enforcement=node.enforcement,
    )
