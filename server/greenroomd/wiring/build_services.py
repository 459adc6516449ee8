"""Builds the use cases from the node's parts, and the gRPC services from the use cases."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from datetime import UTC, datetime

from greenroomd.app.ports.profile_store import ProfileStore
from greenroomd.app.supervision.node_context import NodeContext
from greenroomd.app.supervision.registry import Supervisors
from greenroomd.app.usecases.create_session import Creation
from greenroomd.app.usecases.delete_session import Deletion
from greenroomd.app.usecases.fork_session import Forking
from greenroomd.app.usecases.mcp_servers import McpServers
from greenroomd.app.usecases.profiles import Profiles
from greenroomd.app.usecases.session_capabilities import SessionCapabilities
from greenroomd.app.usecases.sessions import Sessions
from greenroomd.app.usecases.turns import Turns
from greenroomd.app.watch.watch import Watch
from greenroomd.domain.rules.session_field_rules import OperatorBounds
from greenroomd.processes.claude.discovery import FoundCli
from greenroomd.processes.claude.transcripts import TranscriptFiles
from greenroomd.rpc.convert.profile_proto import profile_answer
from greenroomd.rpc.server import Services
from greenroomd.rpc.services.event_service import EventService
from greenroomd.rpc.services.node_service import NodeService
from greenroomd.rpc.services.profile_service import ProfileService
from greenroomd.rpc.services.server_facts import ServerFacts
from greenroomd.rpc.services.session_service import SessionService
from greenroomd.rpc.services.turn_service import TurnService
from greenroomd.rpc.stream.draining import Drain
from greenroomd.rpc.stream.event_codec import EventCodec
from greenroomd.settings.record import Settings
from greenroomd.store.sql_store import SqlStore
from greenroomd.wiring.build_processes import ProcessParts


def version() -> str:
    """Return the version of the installed server."""
    return importlib.metadata.version("greenroomd")


def services(
    settings: Settings,
    store: SqlStore,
    supervisors: Supervisors,
    sessions: Sessions,
    watch: Watch,
    parts: ProcessParts,
    cli: FoundCli,
    drain: Drain,
    profiles_changed: Callable[[], None],
) -> Services:
    """Return every service; `profiles_changed` is called after each commit that changes a profile."""
    node, codec = supervisors.node, EventCodec(store.store_id)
    profiles = Profiles(store.profiles, profile_answer, node.now, profiles_changed)
    return Services(
        sessions=_session_service(settings, supervisors, sessions, store.profiles, parts, codec, drain),
        turns=TurnService(Turns(supervisors, sessions, watch), drain),
        events=EventService(sessions, store, watch, codec, drain),
        profiles=ProfileService(profiles),
        nodes=NodeService(_facts(settings, cli, node), store, parts.pool.status),
    )


def _session_service(
    settings: Settings,
    supervisors: Supervisors,
    sessions: Sessions,
    profiles: ProfileStore,
    parts: ProcessParts,
    codec: EventCodec,
    drain: Drain,
) -> SessionService:
    creation = Creation(supervisors, parts.roots, profiles, bounds=operator_bounds(settings))
    transcripts = TranscriptFiles(settings.state_dir)
    forking = Forking(supervisors, creation, transcripts)
    deletion = Deletion(supervisors, sessions, transcripts)
    return SessionService(
        creation,
        forking,
        deletion,
        sessions,
        McpServers(supervisors),
        SessionCapabilities(supervisors, parts.own_tools),
        codec.cursors,
        drain,
    )


def operator_bounds(settings: Settings) -> OperatorBounds:
    """Return what the operator allows sessions to ask for."""
    return OperatorBounds(
        may_bypass=settings.allow_bypass_permissions,
        may_use_project=settings.allow_project_context,
        mcp_connect_timeout=settings.max_mcp_connect_timeout,
        background_grace=settings.max_background_grace,
    )


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
