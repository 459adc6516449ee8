"""The gRPC server: builds the handlers, binds the address, and tells clients to leave before it stops."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

import grpc
import grpc.aio
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import add_HealthServicer_to_server

from greenroom.v1 import (
    event_service_pb2,
    node_service_pb2,
    profile_service_pb2,
    session_service_pb2,
    turn_service_pb2,
)
from greenroomd.app.background import background_tasks, restarting
from greenroomd.rpc.access.guard import Guard
from greenroomd.rpc.handlers import Answered, Observer, generic_handler
from greenroomd.rpc.listening.awaited_requests import AwaitedRequests, BoundingServer
from greenroomd.rpc.listening.listen import address_count, bind
from greenroomd.rpc.services.event_service import EventService
from greenroomd.rpc.services.health import Health
from greenroomd.rpc.services.node_service import MAX_REQUEST_BYTES, NodeService
from greenroomd.rpc.services.profile_service import ProfileService
from greenroomd.rpc.services.reflection import reflection_handlers
from greenroomd.rpc.services.session_service import SessionService
from greenroomd.rpc.services.turn_service import TurnService
from greenroomd.rpc.stream.draining import UNDER_WAY, Drain

if TYPE_CHECKING:  # it takes time to load, and is needed only for TLS
    from greenroomd.rpc.listening.certificate_reload import ReloadedCertificates

MAX_WAITING_CALLS = 20_000
"""Calls that may wait to be accepted. After a restart all watchers of a node come back at once; by default gRPC drops
calls above 1,000 at random, and their clients see CANCELLED.
"""


Reflection = Literal["open", "authenticated", "off"]
"""Who may ask which services there are: everybody, callers whose identity is known, or nobody."""

FollowReadiness = Callable[[Callable[[bool], None]], Awaitable[None]]
"""Calls its argument whenever the server stops being ready or becomes ready again. The server starts out ready."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The five services of the contract."""

    sessions: SessionService
    """Serves sessions: create, change, delete, list."""
    turns: TurnService
    """Serves turns and approvals."""
    events: EventService
    """Serves the log of events, and its streams."""
    profiles: ProfileService
    """Serves profiles."""
    nodes: NodeService
    """Serves facts about this server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerTimeouts:
    """How long the server waits for clients and for its own shutdown."""

    keepalive: timedelta = timedelta(seconds=30)
    """How long a connection may be silent before the server pings it; NATs forget silent connections after minutes."""
    keepalive_answer: timedelta = timedelta(seconds=10)
    """How long the answer to a ping may take before the connection is closed."""
    connection_age: timedelta = timedelta(hours=1)
    """The age at which a client is asked to open a new connection; open streams stay."""
    connection_idle: timedelta = timedelta(minutes=10)
    """How long a connection may have no call before its client is asked to close it."""
    handshake: timedelta = timedelta(seconds=10)
    """How long a new connection may take for the handshakes of TLS and HTTP/2 before it is closed."""
    shortest_ping: timedelta = timedelta(seconds=5)
    """The shortest allowed interval between a client's pings; a client that pings more often is disconnected."""
    unaccepted: timedelta = timedelta(hours=1)
    """How long a call may wait until the server takes it up. By default gRPC drops it after 30 s, and a busy server's
    clients see CANCELLED, which they do not repeat; how long it is worth waiting for, their deadlines say.
    """
    stop: timedelta = UNDER_WAY + timedelta(seconds=1)
    """How long calls may still run when the server stops."""


@asynccontextmanager
async def serving(
    listen: str,
    services: Services,
    *,
    drain: Drain,
    guard: Guard,
    answered: Answered,
    observer: Observer,
    readiness: FollowReadiness,
    reflection: Reflection = "authenticated",
    certificates: ReloadedCertificates | None = None,
    timeouts: ServerTimeouts = ServerTimeouts(),
    max_connections: int = 10_000,
    max_concurrent_rpcs: int | None = None,
) -> AsyncIterator[str]:
    """Serve while the block runs; yield the address, with the port that the kernel chose if `listen` has port 0.

    `listen` is `host:port` or `unix:/path`. A connection beyond `max_connections` is closed at once; the addresses of a
    host share the limit evenly. `readiness` runs while the block does and decides what health reports. With
    `certificates`, TCP clients need TLS, and their files are read again while the block runs; a Unix socket has no TLS.
    Raises ListenFailed. On exit the server accepts nothing new, tells watches to reconnect elsewhere, and gives calls
    in progress `timeouts.stop` to end.
    """
    per_address = max(1, max_connections // await address_count(listen))
    server = grpc.aio.server(
        options=_options(timeouts, per_address), maximum_concurrent_rpcs=max_concurrent_rpcs
    )
    bounding = BoundingServer(server, AwaitedRequests())
    names = _add_services(bounding, services, guard, answered, observer)
    health = Health(names, drain)
    add_HealthServicer_to_server(health, bounding)  # type: ignore[arg-type]
    health_name = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
    if reflection != "off":
        to_whom = guard if reflection == "authenticated" else None
        server.add_generic_rpc_handlers(reflection_handlers([*names, health_name], to_whom))
    address = await bind(server, listen, None if certificates is None else certificates.credentials())
    await server.start()
    health.set_ready(True)
    following = [restarting("readiness", lambda: readiness(health.set_ready))]
    if certificates is not None:
        following.append(restarting("tls_certificates", certificates.follow))
    try:
        async with guard.on_duty(), background_tasks(*following):
            yield address
    finally:
        health.set_ready(False)
        drain.begin()
        await server.stop(timeouts.stop.total_seconds())


def _add_services(
    server: BoundingServer, services: Services, guard: Guard, answered: Answered, observer: Observer
) -> Sequence[str]:
    pairs = (
        (session_service_pb2.DESCRIPTOR.services_by_name["SessionService"], services.sessions),
        (turn_service_pb2.DESCRIPTOR.services_by_name["TurnService"], services.turns),
        (event_service_pb2.DESCRIPTOR.services_by_name["EventService"], services.events),
        (profile_service_pb2.DESCRIPTOR.services_by_name["ProfileService"], services.profiles),
        (node_service_pb2.DESCRIPTOR.services_by_name["NodeService"], services.nodes),
    )
    server.add_generic_rpc_handlers(
        [
            generic_handler(descriptor, service, guard=guard, answered=answered, observer=observer)
            for descriptor, service in pairs
        ]
    )
    return [descriptor.full_name for descriptor, _ in pairs]


def _options(timeouts: ServerTimeouts, connections_per_address: int) -> list[tuple[str, int]]:
    def milliseconds(span: timedelta) -> int:
        return span // timedelta(milliseconds=1)

    return [
        ("grpc.so_reuseport", 0),  # a port in use is an error; otherwise two servers would share the calls
        ("grpc.max_receive_message_length", MAX_REQUEST_BYTES),
        ("grpc.max_send_message_length", -1),
        ("grpc.server.max_pending_requests", MAX_WAITING_CALLS),
        ("grpc.server.max_pending_requests_hard_limit", MAX_WAITING_CALLS),
        ("grpc.server_max_unrequested_time_in_server", timeouts.unaccepted // timedelta(seconds=1)),
        ("grpc.max_allowed_incoming_connections", connections_per_address),
        ("grpc.server_handshake_timeout_ms", milliseconds(timeouts.handshake)),
        ("grpc.keepalive_time_ms", milliseconds(timeouts.keepalive)),
        ("grpc.keepalive_timeout_ms", milliseconds(timeouts.keepalive_answer)),
        ("grpc.max_connection_idle_ms", milliseconds(timeouts.connection_idle)),
        ("grpc.max_connection_age_ms", milliseconds(timeouts.connection_age)),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
        # This key makes the server accept clients' pings; the one named ..._recv_ping_... does nothing.
        ("grpc.http2.min_ping_interval_without_data_ms", milliseconds(timeouts.shortest_ping)),
    ]
