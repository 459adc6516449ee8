"""Permission questions, end to end: the real CLI asks, a caller answers, the tool does what was decided."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc
import psutil
import pytest
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from google.rpc import error_details_pb2

from greenroom.v1 import session_pb2, turn_pb2
from greenroom.v1.config_pb2 import APPROVAL_POLICY_DENY, PERMISSION_MODE_DEFAULT
from greenroom.v1.session_pb2 import Session
from greenroom.v1.session_service_pb2 import WaitSessionRequest
from greenroom.v1.turn_pb2 import Approval
from greenroom.v1.turn_service_pb2 import (
    APPROVAL_DECISION_ALLOW,
    APPROVAL_DECISION_DENY,
    DecideApprovalRequest,
    GetTurnRequest,
    InterruptTurnRequest,
    ListApprovalsRequest,
)
from greenroom_server import GreenroomServer
from shared_servers import SharedServers
from standin.model_api import ModelApi
from story import create, detail_of, get, history, names, run_turn, scripted, start_turn, until, working

PENDING = turn_pb2.APPROVAL_STATE_PENDING
ALLOWED = turn_pb2.APPROVAL_STATE_ALLOWED
DENIED = turn_pb2.APPROVAL_STATE_DENIED
EXPIRED = turn_pb2.APPROVAL_STATE_EXPIRED
CANCELLED = turn_pb2.APPROVAL_STATE_CANCELLED


@pytest.fixture
async def hurried(servers: SharedServers, model_api: ModelApi) -> AsyncIterator[GreenroomServer]:
    """A server on which a question expires at once."""
    async with servers.real(model_api.cli_environment, approval_timeout="300ms") as running:
        yield running


async def asking(server: GreenroomServer, **options: Any) -> Session:
    """Create a session whose tools need permission."""
    return await create(server, working(server, permission_mode=PERMISSION_MODE_DEFAULT, **options))


def touch(server: GreenroomServer, name: str = "touched") -> str:
    """Return a prompt whose tool makes a file, and the file."""
    call = {"command": f"touch {server.work / name}", "description": "make a file"}
    return scripted("go", {"tool": "Bash", "input": call}, {"text": "finished"})


async def asked(server: GreenroomServer, session_id: str) -> Approval:
    """Wait for the session's question and return it."""
    async with asyncio.timeout(60):
        while True:
            session = await get(server, session_id)
            if found := await listed(server, session_id, PENDING):
                return found[0]
            request = WaitSessionRequest(session_id=session_id, after_revision=session.revision)
            request.timeout.FromSeconds(20)
            await server.sessions.WaitSession(request)


async def listed(
    server: GreenroomServer, session_id: str, *states: turn_pb2.ApprovalState.ValueType, page_size: int = 0
) -> Sequence[Approval]:
    """Return all approvals of a session, page by page."""
    request = ListApprovalsRequest(session_id=session_id, states=states, page_size=page_size)
    found: list[Approval] = []
    while True:
        page = await server.turns.ListApprovals(request)
        assert not page_size or len(page.approvals) <= page_size
        found += page.approvals
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


async def allow(
    server: GreenroomServer, approval: Approval, changed: dict[str, Any] | None = None
) -> Approval:
    """Allow a tool, with another input if one is given."""
    request = DecideApprovalRequest(approval_id=approval.approval_id, decision=APPROVAL_DECISION_ALLOW)
    if changed is not None:
        request.updated_input.update(changed)
    return (await server.turns.DecideApproval(request)).approval


async def deny(server: GreenroomServer, approval: Approval, message: str = "") -> Approval:
    """Deny a tool."""
    request = DecideApprovalRequest(
        approval_id=approval.approval_id, decision=APPROVAL_DECISION_DENY, message=message
    )
    return (await server.turns.DecideApproval(request)).approval


async def decided_already(server: GreenroomServer, approval: Approval) -> bool:
    """Whether another decision is refused for the right reason."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await allow(server, approval)
    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    return detail_of(refused.value, error_details_pb2.ErrorInfo()).reason == "APPROVAL_DECIDED"


async def end_of(server: GreenroomServer, session_id: str, turn_id: str) -> turn_pb2.Turn:
    """Wait for the end of a turn and return it."""
    await until(server, session_id, turn_id=turn_id)
    return (await server.turns.GetTurn(GetTurnRequest(turn_id=turn_id))).turn


async def test_an_allowed_tool_runs_and_the_session_shows_that_it_waited(server: GreenroomServer) -> None:
    session = await asking(server)
    turn = await start_turn(server, session.session_id, touch(server))
    question = await asked(server, session.session_id)
    assert uuid.UUID(question.approval_id).version == 4
    assert question.turn_id == turn.turn_id
    assert question.tool_name == question.display_name == "Bash"
    assert question.description == "make a file"
    assert MessageToDict(question.input)["command"] == f"touch {server.work / 'touched'}"
    assert question.suggestions
    assert not question.requires_user_interaction
    waiting = await get(server, session.session_id)
    assert waiting.state == session_pb2.SESSION_STATE_ACTIVE
    assert waiting.state_reason == "AWAITING_APPROVAL"
    assert not (server.work / "touched").exists()

    decided = await allow(server, question)
    assert (decided.state, decided.decided_by) == (ALLOWED, "local:anonymous")
    assert (await get(server, session.session_id)).state_reason != "AWAITING_APPROVAL"
    ended = await end_of(server, session.session_id, turn.turn_id)
    assert (ended.state, ended.result_text) == (turn_pb2.TURN_STATE_COMPLETED, "finished")
    assert (server.work / "touched").exists()
    assert await decided_already(server, question)
    assert await listed(server, session.session_id) == [decided]
    told = names(await history(server, session.session_id))
    assert told.index("approval_requested") < told.index("approval_decided") < told.index("turn_completed")


async def test_a_changed_input_is_what_the_tool_runs_with(server: GreenroomServer) -> None:
    session = await asking(server)
    turn = await start_turn(server, session.session_id, touch(server, "as-asked"))
    changed = {"command": f"touch {server.work / 'as-decided'}", "description": "make another file"}
    decided = await allow(server, await asked(server, session.session_id), changed)
    assert MessageToDict(decided.updated_input) == changed
    assert (await end_of(server, session.session_id, turn.turn_id)).state == turn_pb2.TURN_STATE_COMPLETED
    assert (server.work / "as-decided").exists()
    assert not (server.work / "as-asked").exists()


async def test_a_denied_tool_does_not_run_and_the_model_reads_why(
    server: GreenroomServer, model_api: ModelApi
) -> None:
    session = await asking(server)
    turn = await start_turn(server, session.session_id, touch(server))
    decided = await deny(server, await asked(server, session.session_id), "not on my machine")
    assert (decided.state, decided.message) == (DENIED, "not on my machine")
    assert (await end_of(server, session.session_id, turn.turn_id)).state == turn_pb2.TURN_STATE_COMPLETED
    assert not (server.work / "touched").exists()
    assert "not on my machine" in model_api.requests(at_least=2)[-1]["last"]
    assert await decided_already(server, decided)


async def test_a_question_that_nobody_answers_is_denied_in_time(hurried: GreenroomServer) -> None:
    session = await asking(hurried)
    turn, events = await run_turn(hurried, session.session_id, touch(hurried))
    assert turn.state == turn_pb2.TURN_STATE_COMPLETED
    assert "approval_expired" in names(events)
    assert not (hurried.work / "touched").exists()
    (question,) = await listed(hurried, session.session_id)
    assert question.state == EXPIRED
    assert question.decide_time.ToNanoseconds() >= question.expire_time.ToNanoseconds()
    assert await decided_already(hurried, question)


async def test_an_interrupt_cancels_the_open_question(server: GreenroomServer) -> None:
    session = await asking(server)
    turn = await start_turn(server, session.session_id, touch(server))
    question = await asked(server, session.session_id)
    interrupt = InterruptTurnRequest(session_id=session.session_id, turn_id=turn.turn_id)
    ended = (await server.turns.InterruptTurn(interrupt)).turn
    assert ended.state == turn_pb2.TURN_STATE_INTERRUPTED
    assert [each.state for each in await listed(server, session.session_id)] == [CANCELLED]
    assert await decided_already(server, question)
    told = names(await history(server, session.session_id))
    assert told.index("approval_cancelled") < told.index("turn_interrupted")
    assert not (server.work / "touched").exists()
    again, _ = await run_turn(server, session.session_id, scripted("again", {"text": "fine"}))
    assert again.result_text == "fine"


async def test_policy_deny_answers_by_itself(server: GreenroomServer) -> None:
    session = await asking(server, approval_policy=APPROVAL_POLICY_DENY)
    turn, _ = await run_turn(server, session.session_id, touch(server))
    assert turn.state == turn_pb2.TURN_STATE_COMPLETED
    (question,) = await listed(server, session.session_id)
    assert (question.state, question.decided_by) == (DENIED, "policy")
    assert not (server.work / "touched").exists()


async def test_approvals_are_listed_by_state_and_page(server: GreenroomServer) -> None:
    session = await asking(server)
    for number in range(5):
        turn = await start_turn(server, session.session_id, touch(server, f"f{number}"))
        question = await asked(server, session.session_id)
        await (allow if number % 2 else deny)(server, question)
        await end_of(server, session.session_id, turn.turn_id)
    every = await listed(server, session.session_id, page_size=2)
    assert [each.state for each in every] == [DENIED, ALLOWED, DENIED, ALLOWED, DENIED]
    assert await listed(server, session.session_id, ALLOWED, page_size=1) == [every[1], every[3]]
    assert await listed(server, session.session_id, ALLOWED, DENIED) == every
    assert await listed(server, session.session_id, PENDING, page_size=2) == []


async def test_a_crash_of_the_server_cancels_the_open_question(server: GreenroomServer) -> None:
    session = await asking(server)
    turn = await start_turn(server, session.session_id, touch(server))
    question = await asked(server, session.session_id)
    children = server.children()
    await server.kill()
    _, alive = psutil.wait_procs(children, timeout=30)
    assert alive == []
    await server.start()
    settled = await get(server, session.session_id)
    assert settled.state == session_pb2.SESSION_STATE_SUSPENDED
    ended = (await server.turns.GetTurn(GetTurnRequest(turn_id=turn.turn_id))).turn
    assert ended.state == turn_pb2.TURN_STATE_INTERRUPTED
    assert ended.side_effects_unknown
    assert [each.state for each in await listed(server, session.session_id)] == [CANCELLED]
    assert await decided_already(server, question)


async def test_a_question_to_a_person_takes_the_answers(server: GreenroomServer, model_api: ModelApi) -> None:
    session = await asking(server)
    options = [{"label": "red", "description": "warm"}, {"label": "blue", "description": "cold"}]
    question: dict[str, Any] = {
        "question": "Which colour?",
        "header": "Colour",
        "options": options,
        "multiSelect": False,
    }
    call: dict[str, object] = {"tool": "AskUserQuestion", "input": {"questions": [question]}}
    turn = await start_turn(server, session.session_id, scripted("ask", call, {"text": "noted"}))
    approval = await asked(server, session.session_id)
    assert approval.requires_user_interaction
    answered = Struct()
    answered.CopyFrom(approval.input)
    answered.update({"answers": {"Which colour?": "blue"}})
    await allow(server, approval, MessageToDict(answered))
    assert (await end_of(server, session.session_id, turn.turn_id)).result_text == "noted"
    assert "blue" in model_api.requests(at_least=2)[-1]["last"]


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        (None, "updated_input"),
        ({"choice": "blue"}, "updated_input.questions"),
        ({"answers": {"Which colour?": "blue"}}, "updated_input.questions"),
        ({"questions": "asked"}, "updated_input.answers"),
        ({"questions": "asked", "answers": {"Which colour?": ""}}, 'updated_input.answers["Which colour?"]'),
        (
            {"questions": "asked", "answers": {"Which colour?": ["blue"]}},
            'updated_input.answers["Which colour?"]',
        ),
        ({"questions": "asked", "answers": {"colour": "blue"}}, 'updated_input.answers["Which colour?"]'),
    ],
)
async def test_a_wrong_answer_does_not_use_a_question_up(
    server: GreenroomServer, model_api: ModelApi, wrong: dict[str, Any] | None, path: str
) -> None:
    session = await asking(server)
    options = [{"label": "red", "description": "warm"}, {"label": "blue", "description": "cold"}]
    question = {"question": "Which colour?", "header": "Colour", "options": options, "multiSelect": False}
    call: dict[str, object] = {"tool": "AskUserQuestion", "input": {"questions": [question]}}
    turn = await start_turn(server, session.session_id, scripted("ask", call, {"text": "noted"}))
    approval = await asked(server, session.session_id)
    given = MessageToDict(approval.input)
    if wrong is not None and wrong.get("questions") == "asked":
        wrong = {**wrong, "questions": given["questions"]}

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await allow(server, approval, wrong)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    broken = detail_of(refused.value, error_details_pb2.BadRequest()).field_violations
    assert path in {each.field for each in broken}
    assert [each.state for each in await listed(server, session.session_id)] == [PENDING]
    assert (await get(server, session.session_id)).state_reason == "AWAITING_APPROVAL"

    await allow(server, approval, {**given, "answers": {"Which colour?": "blue, red"}})
    assert (await end_of(server, session.session_id, turn.turn_id)).result_text == "noted"
    assert "blue, red" in model_api.requests(session.cli_session_id, at_least=2)[-1]["last"]
