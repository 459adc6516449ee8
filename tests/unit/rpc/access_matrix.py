"""Every RPC against every role and workspace: what is asked, and what has to be answered.

The roles are written down here once more: whoever changes the server's table changes this one too, and means it.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import grpc.aio
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from greenroom.v1 import event_service_pb2 as events
from greenroom.v1 import node_service_pb2 as nodes
from greenroom.v1 import profile_service_pb2 as profiles
from greenroom.v1 import session_service_pb2 as sessions
from greenroom.v1 import turn_service_pb2 as turns
from greenroom.v1.profile_pb2 import Profile
from greenroom.v1.session_pb2 import Session
from greenroomd.app.ports.storage import Unit
from greenroomd.domain.approval import Approval, ApprovalState
from unit.rpc.callers import Headers
from unit.rpc.conftest import Edge
from unit.rpc.every_rpc import RPCS

VIEWER, OPERATOR, ADMIN = 1, 2, 3
GRANTS = ("", "viewer", "operator", "admin")
CALLERS = (*GRANTS, *(f"*{role}" for role in GRANTS if role))
"""By what they are granted: a role in one workspace, or in every one."""
C = grpc.StatusCode
NOW = datetime.now(UTC)
WRONG = "0"  # an etag that no resource has: what is allowed is refused for that, and changes nothing


@dataclass(frozen=True)
class Target:
    """One of each resource, all in one workspace; or ids of nothing."""

    workspace_id: str
    session_id: str
    turn_id: str
    approval_id: str
    event_id: str
    profile_id: str


@dataclass(frozen=True)
class Case:
    """One RPC: the role that it needs, and where it looks."""

    role: int
    request: Message
    named: bool = True
    """Whether the request names a resource by its id; if not, it names a workspace, or the server as a whole."""
    cluster: bool = False
    """Whether the role is needed in every workspace."""


def grants_of(caller: str, workspace_id: str) -> list[str]:
    """Return the grants of one of CALLERS, who has its role in this workspace or in every one."""
    role = caller.removeprefix("*")
    return [f"{'*' if caller.startswith('*') else workspace_id}={role}"] if role else []


def cases(of: Target) -> Mapping[str, Case]:
    """Return one call of each RPC about a target; none changes anything."""
    it = of.session_id
    changed = Session(session_id=it, display_name="x")
    unnamed = FieldMask(paths=["nonsense"])
    profile = Profile(profile_id=of.profile_id, workspace_id=of.workspace_id)
    return {
        "SessionService/CreateSession": Case(
            OPERATOR, sessions.CreateSessionRequest(workspace_id=of.workspace_id), named=False
        ),
        "SessionService/GetSession": Case(VIEWER, sessions.GetSessionRequest(session_id=it)),
        "SessionService/ListSessions": Case(
            VIEWER, sessions.ListSessionsRequest(workspace_id=of.workspace_id), named=False
        ),
        "SessionService/UpdateSession": Case(
            OPERATOR, sessions.UpdateSessionRequest(session=changed, update_mask=unnamed)
        ),
        "SessionService/StartSession": Case(
            OPERATOR, sessions.StartSessionRequest(session_id=it, etag=WRONG)
        ),
        "SessionService/SuspendSession": Case(
            OPERATOR, sessions.SuspendSessionRequest(session_id=it, etag=WRONG)
        ),
        "SessionService/ResumeSession": Case(
            OPERATOR, sessions.ResumeSessionRequest(session_id=it, etag=WRONG)
        ),
        "SessionService/RestartSession": Case(
            OPERATOR, sessions.RestartSessionRequest(session_id=it, etag=WRONG)
        ),
        "SessionService/CloseSession": Case(
            OPERATOR, sessions.CloseSessionRequest(session_id=it, etag=WRONG)
        ),
        "SessionService/DeleteSession": Case(ADMIN, sessions.DeleteSessionRequest(session_id=it, etag=WRONG)),
        "SessionService/WaitSession": Case(
            VIEWER, sessions.WaitSessionRequest(session_id=it, after_revision=0)
        ),
        "SessionService/ForkSession": Case(
            OPERATOR, sessions.ForkSessionRequest(session_id=it, new_session_id="x")
        ),
        "SessionService/GetMcpServers": Case(VIEWER, sessions.GetMcpServersRequest(session_id=it)),
        "SessionService/ReconnectMcpServer": Case(
            OPERATOR, sessions.ReconnectMcpServerRequest(session_id=it)
        ),
        "SessionService/GetSessionCapabilities": Case(
            VIEWER, sessions.GetSessionCapabilitiesRequest(session_id=it)
        ),
        "TurnService/StartTurn": Case(OPERATOR, turns.StartTurnRequest(session_id=it)),
        "TurnService/RunTurn": Case(OPERATOR, turns.RunTurnRequest(session_id=it)),
        "TurnService/InterruptTurn": Case(OPERATOR, turns.InterruptTurnRequest(session_id=it)),
        "TurnService/GetTurn": Case(VIEWER, turns.GetTurnRequest(turn_id=of.turn_id)),
        "TurnService/ListTurns": Case(VIEWER, turns.ListTurnsRequest(session_id=it)),
        "TurnService/ListApprovals": Case(VIEWER, turns.ListApprovalsRequest(session_id=it)),
        "TurnService/DecideApproval": Case(OPERATOR, turns.DecideApprovalRequest(approval_id=of.approval_id)),
        "TurnService/ListTasks": Case(VIEWER, turns.ListTasksRequest(session_id=it)),
        "TurnService/StopTask": Case(OPERATOR, turns.StopTaskRequest(session_id=it)),
        "EventService/WatchEvents": Case(VIEWER, events.WatchEventsRequest(session_ids=[it])),
        "EventService/ListEvents": Case(VIEWER, events.ListEventsRequest(session_id=it)),
        "EventService/GetEvent": Case(VIEWER, events.GetEventRequest(event_id=of.event_id)),
        "ProfileService/CreateProfile": Case(
            ADMIN,
            profiles.CreateProfileRequest(profile=Profile(profile_id="-", workspace_id=of.workspace_id)),
            named=False,
        ),
        "ProfileService/GetProfile": Case(
            VIEWER, profiles.GetProfileRequest(profile_id=of.profile_id, workspace_id=of.workspace_id)
        ),
        "ProfileService/ListProfiles": Case(
            VIEWER, profiles.ListProfilesRequest(workspace_id=of.workspace_id), named=False
        ),
        "ProfileService/UpdateProfile": Case(
            ADMIN, profiles.UpdateProfileRequest(profile=profile, update_mask=unnamed)
        ),
        "ProfileService/DeleteProfile": Case(
            ADMIN,
            profiles.DeleteProfileRequest(profile_id=of.profile_id, workspace_id=of.workspace_id, etag=WRONG),
        ),
        "NodeService/GetServerInfo": Case(0, nodes.GetServerInfoRequest(), named=False),
        "NodeService/GetPoolStatus": Case(ADMIN, nodes.GetPoolStatusRequest(), named=False, cluster=True),
        "NodeService/ListNodes": Case(ADMIN, nodes.ListNodesRequest(), named=False, cluster=True),
        "NodeService/DrainNode": Case(ADMIN, nodes.DrainNodeRequest(), named=False, cluster=True),
        "NodeService/UndrainNode": Case(ADMIN, nodes.UndrainNodeRequest(), named=False, cluster=True),
    }


async def a_target(edge: Edge, workspace_id: str) -> Target:
    """Make one of each resource in a workspace, as somebody who may."""
    profile = Profile(profile_id="tint-a", workspace_id=workspace_id)
    await edge.profiles.CreateProfile(profiles.CreateProfileRequest(profile=profile), metadata=edge.headers)
    made = await edge.create(workspace_id=workspace_id)
    prompt = turns.StartTurnRequest(session_id=made.session_id, prompt="go")
    turn = (await edge.turns.StartTurn(prompt, metadata=edge.headers)).turn
    # Its start fails, since there is no CLI; then nobody writes to the session but this.
    ended = sessions.WaitSessionRequest(session_id=made.session_id, turn_id=turn.turn_id)
    assert (await edge.sessions.WaitSession(ended, metadata=edge.headers)).matched
    other = await edge.create(workspace_id=workspace_id)
    approval = Approval(
        approval_id=str(uuid.uuid4()),
        session_id=other.session_id,
        turn_id=turn.turn_id,
        state=ApprovalState.PENDING,
        tool_name="Bash",
        tool_use_id="toolu_1",
        tool_input={},
        create_time=NOW,
        expire_time=NOW + timedelta(hours=1),
    )
    session = await edge.store.session(other.session_id)
    await edge.store.commit(Unit(session=session, approvals=[approval]))
    listed = events.ListEventsRequest(session_id=made.session_id)
    (event, *_) = (await edge.events.ListEvents(listed, metadata=edge.headers)).events
    return Target(workspace_id, made.session_id, turn.turn_id, approval.approval_id, event.event_id, "tint-a")


def nothing_of(target: Target) -> Target:
    """Return ids in the same form of what is not there, in the same workspace."""
    return Target(
        target.workspace_id,
        str(uuid.uuid4()),
        str(uuid.uuid4()),
        str(uuid.uuid4()),
        f"{target.event_id[:24]}{'7' * 12}",
        "tint-b",
    )


def expected(case: Case, role: int, everywhere: int) -> grpc.StatusCode | None:
    """Return how a call is refused by a caller with a role in the workspace, and one in all; None: it is not."""
    if case.cluster:
        return None if everywhere >= case.role else C.PERMISSION_DENIED
    held = max(role, everywhere)
    if held >= case.role:
        return None
    return C.NOT_FOUND if case.named and not held else C.PERMISSION_DENIED


@dataclass(frozen=True)
class Answer:
    """How a call ended: its code and, if it failed, all that is said."""

    code: grpc.StatusCode
    text: str
    details: bytes


@dataclass(frozen=True)
class Asker:
    """A caller: its connection, and what it sends."""

    channel: grpc.aio.Channel
    headers: Headers


async def ask(asker: Asker, name: str, request: Message) -> Answer:
    """Call an RPC, of a stream up to its first frame."""
    channel, headers = asker.channel, asker.headers
    method = RPCS[name]
    path = f"/{method.containing_service.full_name}/{method.name}"
    read: Any = GetMessageClass(method.output_type).FromString
    try:
        if method.server_streaming:
            stream = channel.unary_stream(path, type(request).SerializeToString, read)(
                request, metadata=headers, timeout=20
            )
            await stream.read()
            stream.cancel()
        else:
            await channel.unary_unary(path, type(request).SerializeToString, read)(
                request, metadata=headers, timeout=20
            )
    except grpc.aio.AioRpcError as error:
        trailers = dict(error.trailing_metadata() or ())
        return Answer(
            error.code(), error.details() or "", bytes(trailers.get("grpc-status-details-bin", b""))
        )
    return Answer(C.OK, "", b"")


async def differences(callers: Mapping[str, Asker], seen: Target, hidden: Target) -> list[str]:
    """Ask every RPC as every caller; return one line for each answer that is not as it has to be.

    A caller's name is what it is granted: a role, alone in the workspace of `seen`, or with `*` in every one.
    """

    async def one(name: str, caller: str, target: Target, case: Case, absent: Case) -> str:
        role, everywhere = _roles(caller, target is seen)
        answer = await ask(callers[caller], name, case.request)
        wanted = expected(case, role, everywhere)
        line = f"{caller or 'nobody'} {name} {target.workspace_id}: {answer.code.name}, {answer.text}"
        if wanted is None:
            return line if answer.code in (C.PERMISSION_DENIED, C.NOT_FOUND, C.UNAUTHENTICATED) else ""
        if answer.code is not wanted:
            return f"{line}; not {wanted.name}"
        if wanted is C.NOT_FOUND:  # the same in every byte but the ids as for what is not there
            other = await ask(callers[caller], name, absent.request)
            if _without_ids(answer, target) != _without_ids(other, nothing_of_it[target]):
                return f"{line}; but for what is not there: {other}"
        return ""

    nothing_of_it = {target: nothing_of(target) for target in (seen, hidden)}
    asked = [
        one(name, caller, target, case, cases(nothing_of_it[target])[name])
        for target in (seen, hidden)
        for name, case in cases(target).items()
        for caller in callers
    ]
    return [line for line in await asyncio.gather(*asked) if line]


def _roles(caller: str, is_seen: bool) -> tuple[int, int]:
    """Return the role that a caller has in the target's workspace alone, and the one that it has in all."""
    role = GRANTS.index(caller.removeprefix("*"))
    if caller.startswith("*"):
        return 0, role
    return (role if is_seen else 0), 0


def _without_ids(answer: Answer, target: Target) -> tuple[grpc.StatusCode, str, bytes]:
    """Return an answer with each id in it masked; ids of what is there and of what is not are of the same lengths."""
    text, details = answer.text, answer.details
    for each in (
        target.session_id,
        target.turn_id,
        target.approval_id,
        target.event_id,
        target.profile_id,
    ):
        text = text.replace(each, "?" * len(each))
        details = details.replace(each.encode(), b"?" * len(each))
    return answer.code, text, details
