"""Calls over a real socket: what goes in, what comes out, and how errors are told."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from google.rpc.error_details_pb2 import BadRequest, PreconditionFailure, ResourceInfo

from greenroom.v1.config_pb2 import SessionConfig
from greenroom.v1.node_service_pb2 import GetPoolStatusRequest, GetServerInfoRequest, ListNodesRequest
from greenroom.v1.session_pb2 import SESSION_STATE_CLOSED, SESSION_STATE_CREATED
from greenroom.v1.session_service_pb2 import (
    CloseSessionRequest,
    CreateSessionRequest,
    DeleteSessionRequest,
    GetSessionRequest,
    ListSessionsRequest,
    StartSessionRequest,
    WaitSessionRequest,
)
from greenroom.v1.turn_service_pb2 import (
    DecideApprovalRequest,
    GetTurnRequest,
    InterruptTurnRequest,
    ListApprovalsRequest,
    ListTurnsRequest,
    RunTurnRequest,
    StartTurnRequest,
)
from greenroomd.rpc.listening.listen import ListenFailed
from unit.rpc.conftest import Edge, running_edge
from unit.rpc.refusal import refused

NOBODY = "5c6f0f4e-7a52-4d9e-9d0b-0c8a3f1e2d4b"
C = grpc.StatusCode


async def test_a_session_comes_back_as_it_was_made(edge: Edge) -> None:
    config = SessionConfig(
        working_dir=str(edge.root), system_prompt="Be kind.", environment={"A": "b"}, oauth_token="sk-secret"
    )
    made = await edge.create(config=config, labels={"team": "core"}, display_name="One")
    got = (await edge.sessions.GetSession(GetSessionRequest(session_id=made.session_id))).session
    assert got == made
    assert (got.state, got.labels["team"], got.workspace_id) == (SESSION_STATE_CREATED, "core", "default")
    assert (got.config.system_prompt, got.config.environment["A"]) == ("Be kind.", "b")
    assert (got.config.oauth_token, got.config.oauth_token_set) == ("", True)


async def test_every_wrong_field_is_told_at_once(edge: Edge) -> None:
    request = CreateSessionRequest(
        session_id="x",
        workspace_id="Not a slug",
        start_mode=99,  # type: ignore[arg-type]
        request_id="no uuid",
        config=SessionConfig(
            permission_mode=98,  # type: ignore[arg-type]
            max_turns=0,
            temperature=3,
            max_budget_usd=-1,
            allowed_tools=["(", "Read"],
            disallowed_tools=["Read"],
            environment={"LD_PRELOAD": "x"},
        ),
        labels={"UPPER": "x"},
    )
    request.config.tool_timeout.nanos = -1_000_000_000
    request.config.limits.memory_bytes = 1
    refusal = await refused(edge.sessions.CreateSession(request))
    assert (refusal.code, refusal.reason) == (C.INVALID_ARGUMENT, "INVALID_FIELD")
    assert {violation.field for violation in refusal.detail(BadRequest).field_violations} == {
        "session_id",
        "workspace_id",
        "start_mode",
        "request_id",
        "config.permission_mode",
        "config.working_dir",
        "config.max_turns",
        "config.temperature",
        "config.max_budget_usd",
        "config.allowed_tools[0]",
        "config.disallowed_tools[0]",
        'config.environment["LD_PRELOAD"]',
        'labels["UPPER"]',
        "config.tool_timeout",
        "config.limits.memory_bytes",
    }
    listed = await edge.sessions.ListSessions(ListSessionsRequest(workspace_id="-"))
    assert not listed.sessions


async def test_a_request_id_replays_the_first_answer(edge: Edge) -> None:
    request_id = str(uuid.uuid4())
    first = await edge.create(request_id=request_id, display_name="once")
    again = await edge.create(request_id=request_id.upper(), display_name="once")
    assert again == first
    refusal = await refused(edge.create(request_id=request_id, display_name="other"))
    assert (refusal.code, refusal.reason) == (C.INVALID_ARGUMENT, "REQUEST_ID_REUSED")
    assert len((await edge.sessions.ListSessions(ListSessionsRequest())).sessions) == 1


async def test_a_new_request_is_not_looked_up_and_a_repeated_one_once(edge: Edge) -> None:
    request_id = str(uuid.uuid4())
    first = await edge.create(request_id=request_id)
    assert edge.seen.looks == 0
    assert await edge.create(request_id=request_id) == first
    assert edge.seen.looks == 1


async def test_a_repetition_is_answered_as_before_though_it_would_be_refused_now(
    edge: Edge, tmp_path: Path
) -> None:
    place = tmp_path / "work" / "short-lived"
    place.mkdir()
    config = SessionConfig(working_dir=str(place))
    made = str(uuid.uuid4())
    first = await edge.create(request_id=made, config=config)
    place.rmdir()
    refusal = await refused(_create_until_refused(edge, config=config))
    assert refusal.code == C.INVALID_ARGUMENT
    closing = CloseSessionRequest(session_id=first.session_id, request_id=str(uuid.uuid4()))
    closed = await edge.sessions.CloseSession(closing)
    assert await edge.sessions.CloseSession(closing) == closed
    assert await edge.create(request_id=made, config=config) == first
    removing = DeleteSessionRequest(session_id=first.session_id, request_id=str(uuid.uuid4()))
    await edge.sessions.DeleteSession(removing)
    await edge.sessions.DeleteSession(removing)
    # The answers about a session go with it; that its requests were carried out stays known.
    refusal = await refused(_create_until_refused(edge, request_id=made, config=config))
    assert (refusal.code, refusal.reason) == (C.NOT_FOUND, "SESSION_NOT_FOUND")


async def _create_until_refused(edge: Edge, **fields: object) -> None:
    """Wait for what comes a moment later: a directory is looked at again after a second, and answers are erased."""
    while True:
        await edge.create(**fields)


async def test_an_unknown_session_is_named(edge: Edge) -> None:
    refusal = await refused(edge.sessions.GetSession(GetSessionRequest(session_id=NOBODY)))
    assert (refusal.code, refusal.reason) == (C.NOT_FOUND, "SESSION_NOT_FOUND")
    assert refusal.detail(ResourceInfo).resource_name == NOBODY


@pytest.mark.parametrize("call", ["GetSession", "StartSession", "CloseSession", "WaitSession"])
async def test_a_session_id_is_required(edge: Edge, call: str) -> None:
    request = {
        "GetSession": GetSessionRequest(),
        "StartSession": StartSessionRequest(),
        "CloseSession": CloseSessionRequest(reason="x" * 257),
        "WaitSession": WaitSessionRequest(states=[0]),  # type: ignore[list-item]
    }[call]
    refusal = await refused(getattr(edge.sessions, call)(request))
    fields = [violation.field for violation in refusal.detail(BadRequest).field_violations]
    assert "session_id" in fields
    assert len(fields) == (2 if call in ("CloseSession", "WaitSession") else 1)


async def test_an_illegal_move_is_a_failed_precondition(edge: Edge) -> None:
    session = await edge.create()
    closed = await edge.sessions.CloseSession(CloseSessionRequest(session_id=session.session_id))
    assert closed.session.state == SESSION_STATE_CLOSED
    prompt = StartTurnRequest(session_id=session.session_id, prompt="go")
    refusal = await refused(edge.turns.StartTurn(prompt))
    assert (refusal.code, refusal.reason) == (C.FAILED_PRECONDITION, "ILLEGAL_TRANSITION")
    assert dict(refusal.metadata) == {"from": "CLOSED", "to": "ACTIVE", "allowed": ""}
    assert refusal.detail(PreconditionFailure).violations[0].subject == session.session_id


async def test_an_old_etag_is_refused_with_the_present_one(edge: Edge) -> None:
    session = await edge.create()
    refusal = await refused(
        edge.sessions.CloseSession(CloseSessionRequest(session_id=session.session_id, etag="v0"))
    )
    assert (refusal.code, refusal.reason) == (C.ABORTED, "ETAG_MISMATCH")
    assert refusal.metadata["etag"] == session.etag


async def test_pages_of_sessions_neither_repeat_nor_skip(edge: Edge) -> None:
    made = [(await edge.create()).session_id for _ in range(7)]
    request = ListSessionsRequest(order_by="create_time asc", page_size=3)
    seen: list[str] = []
    while True:
        page = await edge.sessions.ListSessions(request)
        seen += [session.session_id for session in page.sessions]
        assert not any(session.config.HasField("system_prompt") for session in page.sessions)
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert seen == made
    assert page.revision == edge.store.head
    other = ListSessionsRequest(order_by="create_time desc", page_token=request.page_token)
    refusal = await refused(edge.sessions.ListSessions(other))
    assert (refusal.code, refusal.reason) == (C.INVALID_ARGUMENT, "INVALID_PAGE_TOKEN")


async def test_a_list_tells_every_problem_of_its_query(edge: Edge) -> None:
    request = ListSessionsRequest(workspace_id="Bad One", order_by="name", page_size=-1, view=9)  # type: ignore[arg-type]
    request.filter.states.append(77)  # type: ignore[arg-type]
    request.filter.created_after.nanos = -1
    refusal = await refused(edge.sessions.ListSessions(request))
    assert {violation.field for violation in refusal.detail(BadRequest).field_violations} == {
        "workspace_id",
        "order_by",
        "page_size",
        "view",
        "filter.states[0]",
        "filter.created_after",
    }


async def test_a_wait_answers_before_the_client_gives_up(edge: Edge) -> None:
    session = await edge.create()
    request = WaitSessionRequest(session_id=session.session_id, states=[SESSION_STATE_CLOSED])
    answer = await edge.sessions.WaitSession(request, timeout=0.5)
    assert not answer.matched
    assert answer.session.state == SESSION_STATE_CREATED


async def test_a_wait_is_over_with_the_next_change(edge: Edge) -> None:
    session = await edge.create()
    request = WaitSessionRequest(session_id=session.session_id)
    assert not (await edge.sessions.WaitSession(request, timeout=0.3)).matched
    await edge.sessions.CloseSession(CloseSessionRequest(session_id=session.session_id))
    request.after_revision = session.revision
    answer = await edge.sessions.WaitSession(request)
    assert (answer.matched, answer.session.state) == (True, SESSION_STATE_CLOSED)


async def test_a_prompt_is_judged_at_once(edge: Edge) -> None:
    session = await edge.create()
    request = StartTurnRequest(session_id=session.session_id, if_busy=9)  # type: ignore[arg-type]
    request.content.add().tool_use.name = "Bash"
    request.content.add().image.url = "ftp://x"
    request.turn_timeout.nanos = 1
    refusal = await refused(edge.turns.StartTurn(request))
    assert {violation.field for violation in refusal.detail(BadRequest).field_violations} == {
        "if_busy",
        "content[0]",
        "content[1].image.url",
        "turn_timeout",
    }


async def test_a_turn_that_cannot_run_streams_its_failure(edge: Edge) -> None:
    session = await edge.create()
    request = RunTurnRequest(session_id=session.session_id, prompt="go", request_id=str(uuid.uuid4()))
    first = [frame async for frame in edge.turns.RunTurn(request)]
    again = [frame async for frame in edge.turns.RunTurn(request)]
    assert first[-1].turn.turn_id == again[-1].turn.turn_id
    assert first[-1].turn.error.code != 0
    assert first[-1] == again[-1]
    streamed, replayed = ([event for frame in frames for event in frame.events] for frames in (first, again))
    assert streamed == replayed
    assert {event.turn_id for event in streamed} == {first[-1].turn.turn_id}
    turns = await edge.turns.ListTurns(ListTurnsRequest(session_id=session.session_id))
    assert [turn.turn_id for turn in turns.turns] == [first[-1].turn.turn_id]
    got = await edge.turns.GetTurn(GetTurnRequest(turn_id=first[-1].turn.turn_id))
    assert got.turn == first[-1].turn


async def test_what_is_not_there_to_stop_or_decide_is_not_found(edge: Edge) -> None:
    session = await edge.create()
    refusal = await refused(edge.turns.InterruptTurn(InterruptTurnRequest(session_id=session.session_id)))
    assert (refusal.code, refusal.reason) == (C.FAILED_PRECONDITION, "NO_TURN_RUNNING")
    refusal = await refused(edge.turns.DecideApproval(DecideApprovalRequest(approval_id="a", decision=1)))  # type: ignore[arg-type]
    assert (refusal.code, refusal.reason) == (C.NOT_FOUND, "APPROVAL_NOT_FOUND")
    empty = await edge.turns.ListApprovals(ListApprovalsRequest(session_id=session.session_id, states=[1]))  # type: ignore[list-item]
    assert not empty.approvals


async def test_a_decision_is_one_thing_or_the_other(edge: Edge) -> None:
    request = DecideApprovalRequest(decision=2, message="x" * 5000)  # type: ignore[arg-type]
    request.updated_input.update({"a": 1})
    refusal = await refused(edge.turns.DecideApproval(request))
    fields = {violation.field for violation in refusal.detail(BadRequest).field_violations}
    assert fields == {"approval_id", "updated_input", "message"}


async def test_the_server_tells_what_it_is(edge: Edge) -> None:
    await edge.create()
    info = (await edge.nodes.GetServerInfo(GetServerInfoRequest())).server_info
    assert info.store_id == edge.store.store_id
    assert info.head_revision == edge.store.head == 1
    assert info.oldest_revision == 0
    assert (info.limits.max_request_bytes, info.limits.max_queued_turns) == (8 * 1024 * 1024, 16)
    pool = (await edge.nodes.GetPoolStatus(GetPoolStatusRequest())).pool_status
    assert (pool.node_id, pool.slots) == (info.node_id, 2)
    refusal = await refused(edge.nodes.GetPoolStatus(GetPoolStatusRequest(node_id=NOBODY)))
    assert refusal.reason == "NODE_NOT_FOUND"


async def test_what_is_not_there_yet_says_so(edge: Edge) -> None:
    refusal = await refused(edge.nodes.ListNodes(ListNodesRequest()))
    assert (refusal.code, refusal.reason) == (C.UNIMPLEMENTED, "UNIMPLEMENTED")
    assert "this version" in refusal.status.message


async def test_bytes_that_are_no_request_are_refused(edge: Edge) -> None:
    call: Any = edge.channel.unary_unary("/greenroom.v1.SessionService/GetSession")
    refusal = await refused(call(b"\xff\xff\xff"))
    assert (refusal.code, refusal.reason) == (C.INVALID_ARGUMENT, "INVALID_FIELD")


async def test_the_observer_is_told_of_every_end(edge: Edge) -> None:
    await edge.create()
    await refused(edge.sessions.GetSession(GetSessionRequest(session_id=NOBODY)))
    last = ("NodeService", "ListNodes", "UNIMPLEMENTED")
    await refused(edge.nodes.ListNodes(ListNodesRequest()))
    while last not in edge.seen.calls:  # a refusal may be with the client before it is told here
        await edge.sessions.ListSessions(ListSessionsRequest())
    assert [call for call in edge.seen.calls if call[1] != "ListSessions"] == [
        ("SessionService", "CreateSession", "OK"),
        ("SessionService", "GetSession", "NOT_FOUND"),
        last,
    ]


async def test_a_bug_tells_the_client_nothing_but_where_to_look(edge: Edge) -> None:
    edge.store.session = None  # type: ignore[method-assign,assignment]
    refusal = await refused(edge.sessions.GetSession(GetSessionRequest(session_id=NOBODY)))
    assert (refusal.code, refusal.reason) == (C.INTERNAL, "INTERNAL")
    assert refusal.metadata["correlation_id"] in refusal.status.message
    assert "NoneType" not in refusal.status.message


async def test_two_servers_do_not_share_a_socket(tmp_path: Path, edge: Edge) -> None:
    root = tmp_path / "other"
    root.mkdir()
    with pytest.raises(ListenFailed, match="another server"):
        async with running_edge(root, listen=edge.address):
            pass


async def test_a_taken_port_is_an_error(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    async with running_edge(tmp_path / "one", listen="127.0.0.1:0") as first:
        assert not first.address.endswith(":0")
        with pytest.raises(ListenFailed, match="taken"):
            async with running_edge(tmp_path / "two", listen=first.address):
                pass


async def test_a_socket_is_its_owners_alone(edge: Edge) -> None:
    assert Path(edge.address.removeprefix("unix:")).stat().st_mode & 0o777 == 0o600
