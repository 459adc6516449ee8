"""A real server on a real socket and database, on a host without `claude`: every start fails, everything else works."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import grpc.aio
import pytest

from greenroom.v1 import (
    event_service_pb2_grpc,
    node_service_pb2_grpc,
    profile_service_pb2_grpc,
    session_service_pb2_grpc,
)
from greenroom.v1.config_pb2 import SessionConfig
from greenroom.v1.session_pb2 import Session
from greenroom.v1.session_service_pb2 import START_MODE_MANUAL, CreateSessionRequest
from greenroom.v1.turn_service_pb2_grpc import TurnServiceStub
from greenroomd.app.maintenance.readiness import ProbeTimes, follow_readiness
from greenroomd.app.ports.authentication import Authenticator
from greenroomd.app.ports.event_log import EventLog
from greenroomd.app.ports.processes import AgentProcess, Launch, ProcessFailed, ShutdownTimeouts
from greenroomd.app.ports.storage import Request, Store
from greenroomd.app.supervision.node_context import NodeContext
from greenroomd.app.supervision.process_runner import ProcessRunner
from greenroomd.app.supervision.registry import supervising
from greenroomd.app.usecases.create_session import Creation
from greenroomd.app.usecases.delete_session import Deletion
from greenroomd.app.usecases.fork_session import Forking
from greenroomd.app.usecases.mcp_servers import McpServers
from greenroomd.app.usecases.profiles import Profiles
from greenroomd.app.usecases.session_capabilities import SessionCapabilities
from greenroomd.app.usecases.sessions import Sessions
from greenroomd.app.usecases.turns import Turns
from greenroomd.app.usecases.workspaces import Workspaces
from greenroomd.app.watch.tail import Tail
from greenroomd.app.watch.watch import Watch
from greenroomd.domain.config import JsonObject
from greenroomd.domain.rules.session_field_rules import OperatorBounds
from greenroomd.processes.claude.transcripts import TranscriptFiles
from greenroomd.processes.node.allowed_roots import AllowedRoots
from greenroomd.processes.pool.slots import Pool
from greenroomd.rpc.access.guard import Guard
from greenroomd.rpc.convert.profile_proto import profile_answer
from greenroomd.rpc.handlers import Answered
from greenroomd.rpc.server import Reflection, ServerTimeouts, Services, serving
from greenroomd.rpc.services.event_service import EventService
from greenroomd.rpc.services.node_service import NodeService
from greenroomd.rpc.services.profile_service import ProfileService
from greenroomd.rpc.services.server_facts import ServerFacts
from greenroomd.rpc.services.session_service import SessionService
from greenroomd.rpc.services.turn_service import TurnService
from greenroomd.rpc.stream.draining import Drain
from greenroomd.rpc.stream.event_codec import EventCodec
from greenroomd.settings.record import Settings
from greenroomd.store.sql_store import SqlStore, open_store
from greenroomd.telemetry.metrics import Metrics
from greenroomd.wiring.build_authentication import authentication
from greenroomd.wiring.build_transport import certificates_in_use
from unit.rpc.callers import Headers
from unit.supervision.timeouts import TIMEOUTS

SECOND = timedelta(seconds=1)
PROBES = ProbeTimes()
TIMES = ServerTimeouts(stop=timedelta(milliseconds=300))
MOST_WATCHERS = 50  # of one session


class NoTools:
    """Knows no tools: there is no CLI behind the edge."""

    async def own_tools(
        self, workspace_id: str, hidden: frozenset[str], settings: JsonObject
    ) -> tuple[str, ...]:
        return ()


class NoClaude:
    """A host on which `claude` cannot be started."""

    @asynccontextmanager
    async def running(self, launch: Launch) -> AsyncIterator[AgentProcess]:
        raise ProcessFailed("SPAWN_FAILED", f"no claude for {launch.session_id}")
        yield


NO_CLAUDE = NoClaude()


class ClaudeThatNeverStarts:
    """A host on which starting `claude` takes for ever."""

    @asynccontextmanager
    async def running(self, launch: Launch) -> AsyncIterator[AgentProcess]:
        await asyncio.Event().wait()
        raise AssertionError
        yield


@dataclass
class Seen:
    """What the observer was told: service, method and code of each RPC; and how often records were looked into."""

    calls: list[tuple[str, str, str]] = field(default_factory=list)
    looks: int = 0

    def looking(self, answered: Answered) -> Answered:
        async def look(request: Request) -> bytes | None:
            self.looks += 1
            return await answered(request)

        return look

    def rpc_handled(self, service: str, method: str, code: str, seconds: float) -> None:
        assert seconds >= 0
        self.calls.append((service, method, code))


@dataclass
class Edge:
    """The server and stubs of all its services."""

    address: str
    channel: grpc.aio.Channel
    root: Path
    store: Store
    seen: Seen
    drain: Drain
    node: NodeContext
    headers: Headers = ()
    """What this object's own calls send."""

    def __post_init__(self) -> None:
        self.sessions = session_service_pb2_grpc.SessionServiceStub(self.channel)
        self.turns = TurnServiceStub(self.channel)
        self.events = event_service_pb2_grpc.EventServiceStub(self.channel)
        self.profiles = profile_service_pb2_grpc.ProfileServiceStub(self.channel)
        self.nodes = node_service_pb2_grpc.NodeServiceStub(self.channel)

    @property
    def config(self) -> SessionConfig:
        return SessionConfig(working_dir=str(self.root))

    async def create(self, **fields: object) -> Session:
        """Create a session that is not started."""
        fields.setdefault("config", self.config)
        request = CreateSessionRequest(start_mode=START_MODE_MANUAL, **fields)  # type: ignore[arg-type]
        return (await self.sessions.CreateSession(request, metadata=self.headers)).session


@asynccontextmanager
async def running_edge(
    root: Path,
    *,
    quiet: timedelta = SECOND,
    listen: str = "",
    tail_bytes: int = 64 * 1024 * 1024,
    probes: ProbeTimes = PROBES,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    processes: NoClaude | ClaudeThatNeverStarts = NO_CLAUDE,
    read_through: Callable[[SqlStore], EventLog] = lambda store: store,
    timeouts: ServerTimeouts = TIMES,
    authenticator: Authenticator | None = None,
    reflection: Reflection = "authenticated",
    settings: Settings | None = None,
    channel_to: Callable[[str], grpc.aio.Channel] = grpc.aio.insecure_channel,
) -> AsyncIterator[Edge]:
    """Serve in `root` while the block runs; a watch without news gets a bookmark after `quiet`.

    Whoever reads events reads what `read_through` makes of the store. Without an `authenticator`,
    every caller is local; `settings` say instead how callers are known and with which certificates TLS is spoken.
    """
    work = root / "work"
    work.mkdir()
    async with AsyncExitStack() as stack:
        tail = Tail(head=0, max_bytes=tail_bytes)
        store = await stack.enter_async_context(
            open_store(
                f"sqlite:///{root}/greenroom.db",
                key_file=root / "keys",
                codec=EventCodec,
                announce=tail.announce,
                clock=clock,
            )
        )
        tail.begin(store.head)
        codec = EventCodec(store.store_id)
        events = read_through(store)
        watch = Watch(events, tail, quiet=quiet, per_session=MOST_WATCHERS, per_node=100)
        node = NodeContext(
            node_id="node",
            store=store,
            tail=tail,
            codec=codec,
            runner=ProcessRunner(
                slots=Pool(2, SECOND),
                processes=processes,
                shutdown_timeouts=ShutdownTimeouts(),
                handshake_timeout=SECOND,
            ),
            turn_timeouts=TIMEOUTS,
            now=lambda: datetime.now(UTC),
        )
        supervisors = await stack.enter_async_context(supervising(node, drain_timeout=SECOND))
        sessions = Sessions(supervisors, AllowedRoots([work]), bounds=OperatorBounds(may_bypass=False))
        creation = Creation(
            supervisors, AllowedRoots([work]), store.profiles, bounds=OperatorBounds(may_bypass=False)
        )
        transcripts = TranscriptFiles(root)
        forking = Forking(supervisors, creation, transcripts)
        deletion = Deletion(supervisors, sessions, transcripts)
        seen, drain = Seen(), Drain()
        if settings is not None:
            authenticator = await stack.enter_async_context(authentication(settings, store.api_keys))
        services = Services(
            sessions=SessionService(
                creation,
                forking,
                deletion,
                sessions,
                McpServers(supervisors),
                SessionCapabilities(supervisors, NoTools()),
                codec.cursors,
                drain,
            ),
            turns=TurnService(Turns(supervisors, sessions, watch), drain),
            events=EventService(sessions, events, watch, codec, drain),
            profiles=ProfileService(Profiles(store.profiles, profile_answer, node.now)),
            nodes=NodeService(_facts(), store, Pool(2, timedelta(seconds=1)).status),
        )
        address = await stack.enter_async_context(
            serving(
                listen or f"unix:{root}/socket",
                services,
                drain=drain,
                guard=Guard(
                    Workspaces(store), codec.cursors, authenticator, certificates=settings is not None
                ),
                certificates=None if settings is None else certificates_in_use(settings, Metrics()),
                reflection=reflection,
                answered=seen.looking(sessions.replay),
                observer=seen,
                readiness=partial(follow_readiness, store, times=probes),
                timeouts=timeouts,
            )
        )
        channel = await stack.enter_async_context(channel_to(address))
        yield Edge(address, channel, work, store, seen, drain, node)


def _facts() -> ServerFacts:
    return ServerFacts(
        server_version="0.1.0",
        node_id=str(uuid.UUID(int=1)),
        cli_path="/usr/bin/claude",
        cli_version="2.1.330",
        store_kind="sqlite",
        start_time=datetime.now(UTC),
        max_processes=2,
        max_session_watchers=MOST_WATCHERS,
        max_node_watchers=100,
        approval_timeout=timedelta(minutes=10),
    )


@pytest.fixture
async def edge(tmp_path: Path) -> AsyncIterator[Edge]:
    """A server for one test."""
    async with running_edge(tmp_path) as edge:
        yield edge
