"""NodeService: facts about this server, and the use of its processes."""

from __future__ import annotations

from collections.abc import Callable

from greenroom.v1 import node_pb2
from greenroom.v1 import node_service_pb2 as pb
from greenroomd.app.ports.storage import Selection, Store
from greenroomd.domain.errors import NodeNotFound
from greenroomd.domain.lifecycle.turn_queue import MAX_WAITING_TURNS
from greenroomd.domain.rules.prompt_rules import MAX_PROMPT_BYTES
from greenroomd.rpc.convert.session_proto import report_messages
from greenroomd.rpc.convert.times import duration, maybe_duration, timestamp
from greenroomd.rpc.rpc_context import Call
from greenroomd.rpc.services.server_facts import PoolStatus, ServerFacts
from greenroomd.rpc.stream.event_codec import MAX_EVENT_BYTES

MAX_REQUEST_BYTES = 8 * 1024 * 1024


class NodeService:
    """Describes this server; each call asks `pool` for the current state of the pool."""

    def __init__(self, facts: ServerFacts, store: Store, pool: Callable[[], PoolStatus]) -> None:
        self._facts = facts
        self._store = store
        self._pool = pool

    async def GetServerInfo(self, _request: pb.GetServerInfoRequest, _call: Call) -> pb.GetServerInfoResponse:
        """Return the version, limits and features of this server."""
        facts = self._facts
        info = node_pb2.ServerInfo(
            server_version=facts.server_version,
            node_id=facts.node_id,
            cli_path=facts.cli_path,
            cli_version=facts.cli_version,
            store_id=self._store.store_id,
            store_kind=facts.store_kind,
            oldest_revision=max(0, await self._store.floor(Selection()) - 1),
            head_revision=self._store.head,
            limits=_limits_message(facts),
            enforcement=report_messages(facts.enforcement),
            start_time=timestamp(facts.start_time),
        )
        return pb.GetServerInfoResponse(server_info=info)

    async def GetPoolStatus(self, request: pb.GetPoolStatusRequest, _call: Call) -> pb.GetPoolStatusResponse:
        """Return how the processes of this node are used; other nodes are unknown here."""
        if request.node_id not in ("", self._facts.node_id):
            raise NodeNotFound(request.node_id)
        pool = self._pool()
        status = node_pb2.PoolStatus(
            node_id=self._facts.node_id,
            slots=pool.slots,
            busy=pool.busy + pool.idle,
            warm=pool.warm,
            waiting=pool.waiting,
            longest_wait=maybe_duration(pool.longest_wait),
            evictions=pool.evictions,
            workspaces=[
                node_pb2.WorkspacePoolStatus(
                    workspace_id=workspace_id, busy=use.busy + use.idle, warm=use.warm, waiting=use.waiting
                )
                for workspace_id, use in sorted(pool.workspaces.items())
            ],
        )
        return pb.GetPoolStatusResponse(pool_status=status)


def _limits_message(facts: ServerFacts) -> node_pb2.ServerLimits:
    return node_pb2.ServerLimits(
        max_processes=facts.max_processes,
        max_request_bytes=MAX_REQUEST_BYTES,
        max_prompt_bytes=MAX_PROMPT_BYTES,
        max_event_bytes=MAX_EVENT_BYTES,
        max_queued_turns=MAX_WAITING_TURNS,
        max_session_watchers=facts.max_session_watchers,
        max_node_watchers=facts.max_node_watchers,
        approval_timeout=duration(facts.approval_timeout),
        request_id_retention=duration(facts.request_id_retention),
        event_retention=maybe_duration(facts.event_retention),
        event_retention_count=facts.event_retention_count,
    )
