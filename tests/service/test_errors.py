"""The table of errors: what each failure answers, over a real socket: code, reason, details and their contents."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import (
    BadRequest,
    ErrorInfo,
    PreconditionFailure,
    QuotaFailure,
    ResourceInfo,
    RetryInfo,
)

from fake_cli.installed import install, turn
from greenroom.v1 import event_service_pb2 as events
from greenroom.v1 import node_service_pb2 as nodes
from greenroom.v1 import profile_service_pb2 as profiles
from greenroom.v1 import session_pb2
from greenroom.v1 import session_service_pb2 as sessions
from greenroom.v1 import turn_service_pb2 as turns
from greenroom.v1.profile_pb2 import Profile
from greenroom_server import GreenroomServer
from story import create, start_turn, until, working
from unit.rpc.refusal import refused

Server = GreenroomServer
Call = Callable[[Server], Awaitable[Awaitable[object]]]

MANUAL = sessions.START_MODE_MANUAL
NOBODY = str(uuid.uuid4())

BAD = (BadRequest,)
GONE = (ResourceInfo,)
UNREADY = (PreconditionFailure,)
FULL = (QuotaFailure, RetryInfo)


@dataclass(frozen=True)
class Failure:
    """One row: how it comes about, and what a client sees."""

    call: Call
    code: str
    reason: str
    details: tuple[type[Message], ...] = ()
    metadata: frozenset[str] = field(default_factory=frozenset)

    def __str__(self) -> str:
        return self.call.__name__


async def resting(server: Server, **fields: str) -> str:
    request = sessions.CreateSessionRequest(config=working(server), start_mode=MANUAL, **fields)  # type: ignore[arg-type]
    return (await server.sessions.CreateSession(request)).session.session_id


async def busy(server: Server) -> str:
    session_id = (await create(server)).session_id
    await start_turn(server, session_id, turn(wait=60))
    await until(server, session_id, session_pb2.SESSION_STATE_ACTIVE)
    return session_id


async def invalid_config(server: Server) -> Awaitable[object]:
    return create(server, working(server, max_turns=-1))


async def invalid_filter(server: Server) -> Awaitable[object]:
    request = sessions.ListSessionsRequest(filter=sessions.SessionFilter(states=[99]))  # type: ignore[list-item]
    return server.sessions.ListSessions(request)


async def foreign_page_token(server: Server) -> Awaitable[object]:
    return server.sessions.ListSessions(sessions.ListSessionsRequest(page_token="bm90IG9uZQ"))


async def foreign_cursor(server: Server) -> Awaitable[object]:
    return server.events.ListEvents(events.ListEventsRequest(after="bm90IG9uZQ"))


async def unknown_mask_path(server: Server) -> Awaitable[object]:
    given = session_pb2.Session(session_id=await resting(server))
    request = sessions.UpdateSessionRequest(session=given, update_mask=FieldMask(paths=["colour"]))
    return server.sessions.UpdateSession(request)


async def reused_request_id(server: Server) -> Awaitable[object]:
    request_id = str(uuid.uuid4())
    await resting(server, request_id=request_id)
    return resting(server, request_id=request_id, display_name="another")


async def working_dir_outside(server: Server) -> Awaitable[object]:
    config = working(server)
    config.working_dir = "/"
    return create(server, config)


async def unknown_session(server: Server) -> Awaitable[object]:
    return server.sessions.GetSession(sessions.GetSessionRequest(session_id=NOBODY))


async def unknown_turn(server: Server) -> Awaitable[object]:
    return server.turns.GetTurn(turns.GetTurnRequest(turn_id=NOBODY))


async def unknown_event(server: Server) -> Awaitable[object]:
    async def read() -> None:
        async for _ in server.events.GetEvent(events.GetEventRequest(event_id=NOBODY)):
            pass

    return read()


async def unknown_profile(server: Server) -> Awaitable[object]:
    return create(server, profile_id="nobody")


async def unknown_approval(server: Server) -> Awaitable[object]:
    request = turns.DecideApprovalRequest(approval_id=NOBODY, decision=turns.APPROVAL_DECISION_DENY)
    return server.turns.DecideApproval(request)


async def unknown_node(server: Server) -> Awaitable[object]:
    return server.nodes.GetPoolStatus(nodes.GetPoolStatusRequest(node_id=NOBODY))


async def taken_session_id(server: Server) -> Awaitable[object]:
    return resting(server, session_id=await resting(server))


async def taken_profile_id(server: Server) -> Awaitable[object]:
    request = profiles.CreateProfileRequest(profile=Profile(profile_id="reviewer"))
    await server.profiles.CreateProfile(request)
    return server.profiles.CreateProfile(request)


async def illegal_move(server: Server) -> Awaitable[object]:
    request = sessions.ResumeSessionRequest(session_id=await resting(server))
    return server.sessions.ResumeSession(request)


async def running_turn(server: Server) -> Awaitable[object]:
    return start_turn(server, await busy(server), "more")


async def nothing_to_interrupt(server: Server) -> Awaitable[object]:
    request = turns.InterruptTurnRequest(session_id=await resting(server))
    return server.turns.InterruptTurn(request)


async def decided_approval(server: Server) -> Awaitable[object]:
    session_id = (await create(server)).session_id
    await start_turn(server, session_id, turn(ask={"name": "Bash", "input": {"command": "ls"}}))
    wait = sessions.WaitSessionRequest(session_id=session_id, after_revision=0)
    asked = turns.ListApprovalsRequest(session_id=session_id)
    while not (found := (await server.turns.ListApprovals(asked)).approvals):
        wait.after_revision = (await server.sessions.WaitSession(wait)).session.revision
    request = turns.DecideApprovalRequest(
        approval_id=found[0].approval_id, decision=turns.APPROVAL_DECISION_DENY
    )
    await server.turns.DecideApproval(request)
    return server.turns.DecideApproval(request)


async def profile_in_use(server: Server) -> Awaitable[object]:
    await server.profiles.CreateProfile(profiles.CreateProfileRequest(profile=Profile(profile_id="used")))
    await resting(server, profile_id="used")
    return server.profiles.DeleteProfile(profiles.DeleteProfileRequest(profile_id="used"))


async def old_etag(server: Server) -> Awaitable[object]:
    request = sessions.CloseSessionRequest(session_id=await resting(server), etag="v0")
    return server.sessions.CloseSession(request)


async def full_profile(server: Server) -> Awaitable[object]:
    profile = Profile(profile_id="small", max_sessions=1)
    await server.profiles.CreateProfile(profiles.CreateProfileRequest(profile=profile))
    await resting(server, profile_id="small")
    return resting(server, profile_id="small")


async def full_queue(server: Server) -> Awaitable[object]:
    session_id = await busy(server)
    request = turns.StartTurnRequest(session_id=session_id, prompt="later", if_busy=turns.IF_BUSY_QUEUE)
    for _ in range(16):
        await server.turns.StartTurn(request)
    return server.turns.StartTurn(request)


async def one_watcher_too_many(server: Server) -> Awaitable[object]:
    request = events.WatchEventsRequest(session_ids=[await resting(server)])
    first = server.events.WatchEvents(request)
    assert await first.read()  # SYNCED: it is counted

    async def watch() -> None:
        async for _ in server.events.WatchEvents(request):
            pass

    return watch()


async def not_there_yet(server: Server) -> Awaitable[object]:
    return server.nodes.ListNodes(nodes.ListNodesRequest())


FAILURES = [
    Failure(invalid_config, "INVALID_ARGUMENT", "INVALID_FIELD", BAD),
    Failure(invalid_filter, "INVALID_ARGUMENT", "INVALID_FIELD", BAD),
    Failure(foreign_page_token, "INVALID_ARGUMENT", "INVALID_PAGE_TOKEN", BAD),
    Failure(foreign_cursor, "INVALID_ARGUMENT", "INVALID_CURSOR", BAD),
    Failure(unknown_mask_path, "INVALID_ARGUMENT", "INVALID_UPDATE_MASK", BAD),
    Failure(reused_request_id, "INVALID_ARGUMENT", "REQUEST_ID_REUSED", BAD, frozenset({"method"})),
    Failure(
        working_dir_outside,
        "PERMISSION_DENIED",
        "WORKING_DIR_OUTSIDE_ROOTS",
        metadata=frozenset({"working_dir"}),
    ),
    Failure(unknown_session, "NOT_FOUND", "SESSION_NOT_FOUND", GONE),
    Failure(unknown_turn, "NOT_FOUND", "TURN_NOT_FOUND", GONE),
    Failure(unknown_event, "NOT_FOUND", "EVENT_NOT_FOUND", GONE),
    Failure(unknown_profile, "NOT_FOUND", "PROFILE_NOT_FOUND", GONE),
    Failure(unknown_approval, "NOT_FOUND", "APPROVAL_NOT_FOUND", GONE),
    Failure(unknown_node, "NOT_FOUND", "NODE_NOT_FOUND", GONE),
    Failure(taken_session_id, "ALREADY_EXISTS", "SESSION_EXISTS", GONE),
    Failure(taken_profile_id, "ALREADY_EXISTS", "PROFILE_EXISTS", GONE),
    Failure(
        illegal_move,
        "FAILED_PRECONDITION",
        "ILLEGAL_TRANSITION",
        UNREADY,
        frozenset({"from", "to", "allowed"}),
    ),
    Failure(running_turn, "FAILED_PRECONDITION", "TURN_RUNNING", UNREADY, frozenset({"turn_id"})),
    Failure(nothing_to_interrupt, "FAILED_PRECONDITION", "NO_TURN_RUNNING", UNREADY),
    Failure(decided_approval, "FAILED_PRECONDITION", "APPROVAL_DECIDED", UNREADY, frozenset({"state"})),
    Failure(profile_in_use, "FAILED_PRECONDITION", "PROFILE_IN_USE", UNREADY, frozenset({"sessions"})),
    Failure(old_etag, "ABORTED", "ETAG_MISMATCH", metadata=frozenset({"etag"})),
    Failure(full_profile, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", FULL, frozenset({"limit"})),
    Failure(full_queue, "RESOURCE_EXHAUSTED", "QUEUE_FULL", FULL, frozenset({"limit"})),
    Failure(one_watcher_too_many, "RESOURCE_EXHAUSTED", "WATCHER_CAP", FULL, frozenset({"limit"})),
    Failure(not_there_yet, "UNIMPLEMENTED", "UNIMPLEMENTED", metadata=frozenset({"method"})),
]


@pytest.fixture
async def strict(tmp_path: Path) -> AsyncIterator[GreenroomServer]:
    """A server with the fake CLI that lets one watch each session."""
    settings = {"claude_path": str(install(tmp_path)), "watchers_per_session": "1"}
    async with GreenroomServer(tmp_path, {}, **settings) as running:
        yield running


async def test_every_failure_is_told_as_the_table_says(strict: GreenroomServer) -> None:
    for failure in FAILURES:
        refusal = await refused(await failure.call(strict))
        assert (refusal.code.name, refusal.reason) == (failure.code, failure.reason), failure
        told = [packed.TypeName() for packed in refusal.status.details]
        kinds: list[type[Message]] = [ErrorInfo, *failure.details]
        wanted = [kind.DESCRIPTOR.full_name for kind in kinds]
        assert told == wanted, failure
        assert set(refusal.metadata) >= failure.metadata, failure
        assert all(refusal.metadata[key] for key in failure.metadata), failure
        if failure.details == BAD:
            assert all(each.field and each.description for each in refusal.violations), failure
        if failure.details == GONE:
            assert refusal.detail(ResourceInfo).resource_name, failure
        if failure.details == FULL:
            assert refusal.detail(RetryInfo).retry_delay.ToMilliseconds() > 0, failure
            assert refusal.detail(QuotaFailure).violations[0].subject, failure
        if failure.details == UNREADY:
            violation = refusal.detail(PreconditionFailure).violations[0]
            assert violation.type, failure
            assert violation.subject, failure
