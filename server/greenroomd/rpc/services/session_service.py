"""SessionService."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from greenroom.v1 import session_pb2
from greenroom.v1 import session_service_pb2 as pb
from greenroomd.app.commands import Restart, Suspend
from greenroomd.app.ports.storage import OrderBy, Position
from greenroomd.app.usecases.create_session import Creation
from greenroomd.app.usecases.delete_session import Deletion
from greenroomd.app.usecases.fork_session import Forking
from greenroomd.app.usecases.mcp_servers import McpServers
from greenroomd.app.usecases.session_capabilities import SessionCapabilities
from greenroomd.app.usecases.sessions import Sessions
from greenroomd.domain.errors import Violation
from greenroomd.domain.mcp import McpServer
from greenroomd.domain.session import Session
from greenroomd.rpc.convert import requests, session_changes
from greenroomd.rpc.convert.capabilities_proto import capabilities_message
from greenroomd.rpc.convert.enums import SESSION_STATES
from greenroomd.rpc.convert.mcp_proto import mcp_server_message
from greenroomd.rpc.convert.session_proto import session_message
from greenroomd.rpc.convert.times import microseconds
from greenroomd.rpc.page_answer import page_answer
from greenroomd.rpc.page_token import page_size, position_of
from greenroomd.rpc.rpc_context import Call
from greenroomd.rpc.stream import wire
from greenroomd.rpc.stream.cursor_codec import CursorCodec
from greenroomd.rpc.stream.draining import UNDER_WAY, Drain
from greenroomd.rpc.stream.event_codec import session_answer

LONGEST_WAIT = timedelta(seconds=45)
"""Default settings of proxies end a call that says nothing for 50 s (HAProxy on Debian) or 60 s (nginx)."""
ANSWER_BEFORE_DEADLINE = timedelta(milliseconds=500)

_REVISION = wire.tag(3, wire.VARINT)
_CURSOR = wire.tag(4, wire.LEN)


class SessionService:
    """Creates sessions and controls their lives; the contract says what each method promises."""

    def __init__(
        self,
        creation: Creation,
        forking: Forking,
        deletion: Deletion,
        sessions: Sessions,
        mcp_servers: McpServers,
        capabilities: SessionCapabilities,
        cursors: CursorCodec,
        drain: Drain,
    ) -> None:
        self._creation = creation
        self._forking = forking
        self._deletion = deletion
        self._sessions = sessions
        self._mcp_servers = mcp_servers
        self._capabilities = capabilities
        self._cursors = cursors
        self._drain = drain
        self.on_replay: dict[str, Callable[[Any, bytes, Call], Any]] = {
            "ReconnectMcpServer": self._reconnected_before
        }

    async def CreateSession(self, request: pb.CreateSessionRequest, call: Call) -> bytes:
        """Create a session."""
        session = await self._creation.create(requests.new_session(request, call), call.caller)
        return session_answer(session)

    async def GetSession(self, request: pb.GetSessionRequest, call: Call) -> bytes:
        """Return a session in view FULL."""
        requests.required("session_id", request.session_id, call.problems)
        call.refuse_problems()
        session = await self._sessions.get(request.session_id)
        return session_answer(session)

    async def ListSessions(self, request: pb.ListSessionsRequest, call: Call) -> bytes:
        """Return a page of sessions, and the cursor from which a watch misses nothing."""
        limit = page_size(request.page_size, call.problems)
        query = requests.session_query(request, call.problems, within=call.visible)
        if request.view not in session_pb2.SessionView.values():
            call.problems.append(Violation("view", f"{request.view} is no SessionView"))
        call.refuse_problems()
        after = position_of(request.page_token, request)
        page = await self._sessions.list(query, after=after, limit=limit)
        full = request.view == session_pb2.SESSION_VIEW_FULL

        def place(session: Session) -> Position:
            created = query.order_by is OrderBy.CREATE_TIME
            key = session.create_time if created else session.last_active_time
            return Position(microseconds(key), session.session_id)

        listed = page_answer(page, request, lambda session: session_message(session, full=full), place)
        cursor = wire.record(_CURSOR, self._cursors.cursor(page.revision))
        return b"".join((listed, _REVISION, wire.varint(page.revision), cursor))

    async def UpdateSession(self, request: pb.UpdateSessionRequest, call: Call) -> bytes:
        """Change the fields that the mask names."""
        session = await self._sessions.update(session_changes.update(request, call))
        return session_answer(session)

    async def StartSession(self, request: pb.StartSessionRequest, call: Call) -> bytes:
        """Start a session that never ran or has failed."""
        session = await self._sessions.start(session_changes.start(request, call))
        return session_answer(session)

    async def ResumeSession(self, request: pb.ResumeSessionRequest, call: Call) -> bytes:
        """Give a suspended session a process."""
        session = await self._sessions.resume(session_changes.start(request, call))
        return session_answer(session)

    async def SuspendSession(self, request: pb.SuspendSessionRequest, call: Call) -> bytes:
        """End a session's process and keep its conversation."""
        session = await self._sessions.suspend(session_changes.ending(Suspend, request, call))
        return session_answer(session)

    async def RestartSession(self, request: pb.RestartSessionRequest, call: Call) -> bytes:
        """Replace a session's process by a new one."""
        session = await self._sessions.restart(session_changes.ending(Restart, request, call))
        return session_answer(session)

    async def CloseSession(self, request: pb.CloseSessionRequest, call: Call) -> bytes:
        """End a session for good."""
        session = await self._sessions.close(session_changes.close(request, call))
        return session_answer(session)

    async def DeleteSession(self, request: pb.DeleteSessionRequest, call: Call) -> pb.DeleteSessionResponse:
        """Delete a session and everything that belongs to it."""
        await self._deletion.delete(session_changes.delete(request, call))
        return pb.DeleteSessionResponse()

    async def ForkSession(self, request: pb.ForkSessionRequest, call: Call) -> bytes:
        """Create a session that continues a copy of another one's conversation."""
        session = await self._forking.fork(session_changes.fork(request, call), call.caller)
        return session_answer(session)

    async def WaitSession(self, request: pb.WaitSessionRequest, call: Call) -> pb.WaitSessionResponse:
        """Wait until a condition holds or the time is up; without a condition, wait for the next change."""
        requests.required("session_id", request.session_id, call.problems)
        states = SESSION_STATES.members(request.states, "states", call.problems)
        timeout = requests.wait_timeout(request, call.problems)
        call.refuse_problems()
        revision = request.after_revision if request.HasField("after_revision") else None
        if revision is None and not states and not request.turn_id:
            revision = (await self._sessions.get(request.session_id)).revision
        session, matched = await self._drain.interruptible(
            self._sessions.wait(
                request.session_id,
                states=states,
                turn_id=request.turn_id,
                after_revision=revision,
                timeout=longest_wait(timeout, call.remaining),
            ),
            grace=UNDER_WAY,
        )
        return pb.WaitSessionResponse(session=session_message(session, full=True), matched=matched)

    async def GetMcpServers(self, request: pb.GetMcpServersRequest, call: Call) -> pb.GetMcpServersResponse:
        """Return a session's MCP servers, as its process sees them."""
        requests.required("session_id", request.session_id, call.problems)
        call.refuse_problems()
        session, servers = await self._mcp_servers.list(request.session_id)
        required = session.config.required_mcp_servers
        return pb.GetMcpServersResponse(
            mcp_servers=[
                mcp_server_message(server, required=server.name in required, tools=True) for server in servers
            ]
        )

    async def GetSessionCapabilities(
        self, request: pb.GetSessionCapabilitiesRequest, call: Call
    ) -> pb.GetSessionCapabilitiesResponse:
        """Return what can be chosen in a session."""
        requests.required("session_id", request.session_id, call.problems)
        call.refuse_problems()
        offer = await self._capabilities.get(request.session_id)
        return pb.GetSessionCapabilitiesResponse(capabilities=capabilities_message(offer))

    async def ReconnectMcpServer(
        self, request: pb.ReconnectMcpServerRequest, call: Call
    ) -> pb.ReconnectMcpServerResponse:
        """Have the process connect to an MCP server anew."""
        change = session_changes.reconnect(request, call)
        return _reconnected(*await self._mcp_servers.reconnect(change, request.name))

    async def _reconnected_before(
        self, request: pb.ReconnectMcpServerRequest, _recorded: bytes, _call: Call
    ) -> pb.ReconnectMcpServerResponse:
        """Return the server that an earlier call reconnected, as it is now."""
        return _reconnected(*await self._mcp_servers.get(request.session_id, request.name))


def _reconnected(session: Session, server: McpServer) -> pb.ReconnectMcpServerResponse:
    required = server.name in session.config.required_mcp_servers
    shown = mcp_server_message(server, required=required, tools=False)
    return pb.ReconnectMcpServerResponse(mcp_server=shown)


def longest_wait(asked: timedelta | None, remaining: timedelta | None) -> timedelta:
    """Return how long to wait, so that the answer arrives before the client or a proxy gives up."""
    wait = LONGEST_WAIT if asked is None else min(asked, LONGEST_WAIT)
    if remaining is None:
        return wait
    return min(wait, max(remaining - min(ANSWER_BEFORE_DEADLINE, remaining / 5), timedelta()))
