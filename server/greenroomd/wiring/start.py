"""Starts everything in order, in one exit stack, which stops everything in reverse order.

Health reports SERVING last and NOT_SERVING first. At shutdown: no new calls, watchers are told, live sessions are
suspended, processes end, the writer flushes, the database is closed.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import partial

import structlog

from greenroomd.app.background import background_tasks, restarting
from greenroomd.app.maintenance.expiry_timer import DueWakeup, expiring
from greenroomd.app.maintenance.prewarming import warming
from greenroomd.app.maintenance.readiness import follow_readiness
from greenroomd.app.maintenance.retention import keepings, retaining
from greenroomd.app.maintenance.startup_recovery import settle_all
from greenroomd.app.supervision.node_context import NodeContext
from greenroomd.app.supervision.process_stats import show_stats
from greenroomd.app.supervision.registry import Supervisors, supervising
from greenroomd.app.usecases.sessions import Sessions
from greenroomd.app.usecases.workspaces import Workspaces
from greenroomd.app.watch.listener_paths import ListenerUnusable
from greenroomd.app.watch.listening import listening
from greenroomd.app.watch.tail import Tail
from greenroomd.app.watch.watch import Watch
from greenroomd.domain.decision.live import TurnTimeouts
from greenroomd.domain.retryable_errors import DatabaseTakenOver
from greenroomd.identity.keys_unusable import KeysUnusable
from greenroomd.processes.claude.discovery import find_cli
from greenroomd.processes.linux.cgroup_setup import NotDelegated
from greenroomd.processes.node.descriptor_limit import raise_descriptor_limit
from greenroomd.processes.node.state_dir import node_id
from greenroomd.processes.node.state_lock import StateDirUnusable, lock_state_dir
from greenroomd.rpc import server as rpc
from greenroomd.rpc.access.guard import Guard
from greenroomd.rpc.listening.listen import ListenFailed
from greenroomd.rpc.listening.tls_files import CertificateUnusable
from greenroomd.rpc.stream.cursor_codec import CursorCodec
from greenroomd.rpc.stream.draining import Drain
from greenroomd.rpc.stream.event_codec import EventCodec, event_of
from greenroomd.settings.environment import search_path
from greenroomd.settings.host_defaults import descriptors_needed
from greenroomd.settings.record import Settings
from greenroomd.store.open_engines import UnsupportedDatabase
from greenroomd.store.ownership.owner_record import DatabaseInUse
from greenroomd.store.schema.upgrade import SchemaTooNew
from greenroomd.store.secrets import KeyFileUnusable
from greenroomd.store.sql_store import SqlStore
from greenroomd.telemetry.exposition import ExposingFailed, exposing
from greenroomd.telemetry.metrics import Metrics
from greenroomd.wiring.build_authentication import authentication
from greenroomd.wiring.build_listeners import listeners, watch_for_listeners
from greenroomd.wiring.build_processes import ProcessParts, process_parts
from greenroomd.wiring.build_services import operator_bounds, services
from greenroomd.wiring.build_store import opened_store
from greenroomd.wiring.build_transport import certificates_in_use, warn_of_open_doors

log = structlog.get_logger(__name__)

_UNSTARTABLE = (
    StateDirUnusable,
    NotDelegated,
    CertificateUnusable,
    ListenFailed,
    ExposingFailed,
    UnsupportedDatabase,
    DatabaseInUse,
    SchemaTooNew,
    KeyFileUnusable,
    KeysUnusable,
    ListenerUnusable,
)


_ADVICE = {
    errno.ENOSPC: "; make room on its disk",
    errno.EDQUOT: "; make room on its disk, or raise the quota of this user",
    errno.EACCES: "; let the user of this process write there, or name another place",
    errno.EPERM: "; let the user of this process write there, or name another place",
    errno.EROFS: "; name a place that can be written",
    errno.ENOENT: "; make its directory, or name another place",
    errno.EMFILE: "; raise the limit of open files",
}
"""What an operator can do about an error of the system, by its number."""


class StartFailed(Exception):
    """The server cannot start; the text says why and what to do."""


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[str]:
    """Run the whole server while the block runs; yield its address. Raises StartFailed, CliMissing, CliTooOld.

    Raises DatabaseTakenOver, and cancels the block, once another server has taken over the database.
    """
    try:
        async with AsyncExitStack() as stack:
            try:
                address = await _start(settings, stack)
            except _UNSTARTABLE as error:
                raise StartFailed(str(error)) from error
            except OSError as error:
                raise StartFailed(_in_words(error)) from error
            yield address
    except ExceptionGroup as group:
        if group.subgroup(DatabaseTakenOver) is None:
            raise
        raise DatabaseTakenOver from group


def _in_words(error: OSError) -> str:
    """Return what the system refuses and, where it can be said, what to do about it."""
    what = f"cannot use {error.filename}: " if error.filename else ""
    advice = _ADVICE.get(error.errno or 0, "")
    return f"{what}{error.strerror or error}{advice}"


async def _start(settings: Settings, stack: AsyncExitStack) -> str:
    raise_descriptor_limit(descriptors_needed(settings.max_processes, settings.max_connections))
    warn_of_open_doors(settings)
    metrics = Metrics()
    certificates = certificates_in_use(settings, metrics)
    if settings.metrics_listen is not None:
        stack.enter_context(exposing(metrics, *settings.metrics_listen))
    cli = await find_cli(settings.claude_path, search_path())
    stack.enter_context(lock_state_dir(settings.state_dir))

    tail, due = Tail(head=0), DueWakeup()
    store = await stack.enter_async_context(opened_store(settings, tail, due, metrics))
    listeners_watch = watch_for_listeners(store, tail)
    await stack.enter_async_context(
        listening(listeners(settings), listeners_watch, store.positions, event_of, metrics)
    )

    parts = await stack.enter_async_context(process_parts(settings, cli, metrics))
    node = _node(settings, store, tail, parts, metrics)
    supervisors = await stack.enter_async_context(supervising(node, drain_timeout=settings.drain_timeout))
    await stack.enter_async_context(background_tasks(_end_if_taken_over(store, supervisors)))
    await settle_all(node, supervisors, parts.reap)
    await stack.enter_async_context(expiring(store, supervisors, due, node.now))
    profiles_changed = asyncio.Event()
    await stack.enter_async_context(warming(store.profiles, parts.roots, parts.warm, profiles_changed))
    await stack.enter_async_context(
        retaining(
            store.compactor,
            keepings(settings.retention_age, settings.retention_events),
            lambda: store.head,
            node.now,
            readers=tail.readers,
            every=max(settings.retention_interval, 2 * settings.bookmark_interval),
        )
    )

    watch = Watch(
        store,
        tail,
        quiet=settings.bookmark_interval,
        per_session=settings.watchers_per_session,
        per_node=settings.watchers_per_node,
    )
    metrics.watchers_from(lambda: watch.open)
    stats = partial(show_stats, supervisors, watch.stats_audience, parts.measure)
    await stack.enter_async_context(background_tasks(restarting("process_stats", stats)))
    authenticator = await stack.enter_async_context(authentication(settings, store.api_keys))
    drain = Drain()
    sessions = Sessions(supervisors, parts.roots, bounds=operator_bounds(settings))
    return await stack.enter_async_context(
        rpc.serving(
            settings.listen,
            services(settings, store, supervisors, sessions, watch, parts, cli, drain, profiles_changed.set),
            drain=drain,
            guard=Guard(
                Workspaces(store),
                CursorCodec(store.store_id),
                authenticator,
                certificates="mtls" in settings.authentication,
            ),
            reflection=settings.reflection,
            answered=sessions.replay,
            observer=metrics,
            readiness=partial(follow_readiness, store),
            certificates=certificates,
            max_connections=settings.max_connections,
            timeouts=rpc.ServerTimeouts(
                keepalive=settings.keepalive_interval, connection_age=settings.connection_age
            ),
        )
    )


async def _end_if_taken_over(store: SqlStore, supervisors: Supervisors) -> None:
    """Once another server has taken over the database, end every process and then this server."""
    await store.taken_over()
    log.error("database_taken_over")
    supervisors.dismiss_all()
    raise DatabaseTakenOver


def _node(
    settings: Settings, store: SqlStore, tail: Tail, parts: ProcessParts, metrics: Metrics
) -> NodeContext:
    return NodeContext(
        node_id=node_id(settings.state_dir),
        store=store,
        tail=tail,
        codec=EventCodec(store.store_id),
        runner=parts.runner,
        turn_timeouts=TurnTimeouts(
            turn_timeout=settings.turn_timeout,
            stall_timeout=settings.stall_timeout,
            mcp_connect_timeout=settings.mcp_connect_timeout,
            interrupt_grace=settings.interrupt_grace,
            approval_timeout=settings.approval_timeout,
            ready_grace=settings.ready_grace,
            idle_timeout=settings.idle_timeout,
            api_retry_timeout=settings.api_retry_timeout,
            api_max_retries=settings.api_max_retries,
            background_grace=settings.background_grace,
            max_background_grace=settings.max_background_grace,
        ),
        now=lambda: datetime.now(UTC),
        observer=metrics,
        enforcement=parts.limits,
    )
