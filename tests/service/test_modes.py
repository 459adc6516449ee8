"""The session shows the model and the permission mode in force, and goes on in them, on the real CLI."""

from __future__ import annotations

import json
from collections.abc import Iterable

from google.protobuf.field_mask_pb2 import FieldMask

from greenroom.v1 import session_pb2
from greenroom.v1.config_pb2 import (
    PERMISSION_MODE_ACCEPT_EDITS,
    PERMISSION_MODE_DEFAULT,
    PERMISSION_MODE_PLAN,
    PermissionMode,
    SessionConfig,
)
from greenroom.v1.event_pb2 import Event
from greenroom.v1.session_pb2 import Session
from greenroom.v1.session_service_pb2 import SuspendSessionRequest, UpdateSessionRequest, WaitSessionRequest
from greenroom.v1.turn_service_pb2 import APPROVAL_DECISION_ALLOW, DecideApprovalRequest, RunTurnRequest
from greenroom_server import GreenroomServer
from standin.model_api import ModelApi
from story import create, get, history, run_turn, scripted, until, working

ENTER = {"tool": "EnterPlanMode", "input": {}}
EXIT = {"tool": "ExitPlanMode", "input": {"plan": "to do it"}}
SAID = {"text": "said"}


async def plan_approved(server: GreenroomServer, session: Session) -> None:
    """Run a turn in which the model wants to leave plan mode, and is allowed to."""
    request = RunTurnRequest(session_id=session.session_id, prompt=scripted("go", EXIT, SAID))
    async for frame in server.turns.RunTurn(request):
        for event in frame.events:
            if event.HasField("approval_requested"):
                approval_id = event.approval_requested.approval.approval_id
                decision = DecideApprovalRequest(approval_id=approval_id, decision=APPROVAL_DECISION_ALLOW)
                await server.turns.DecideApproval(decision)


async def sets_mode(server: GreenroomServer, session: Session, mode: PermissionMode.ValueType) -> Session:
    """Set the permission mode, and return the session once its process has it, if it has one."""
    given = Session(session_id=session.session_id, config=SessionConfig(permission_mode=mode))
    request = UpdateSessionRequest(session=given, update_mask=FieldMask(paths=["config.permission_mode"]))
    now = (await server.sessions.UpdateSession(request)).session
    while now.process.pid and now.observed_config_generation != now.config_generation:
        wait = WaitSessionRequest(session_id=session.session_id, after_revision=now.revision)
        wait.timeout.FromSeconds(20)
        now = (await server.sessions.WaitSession(wait)).session
    return now


def moves(events: Iterable[Event]) -> list[tuple[int, int, bool, str]]:
    """Return the changes of the mode that events tell."""
    told = [event for event in events if event.HasField("session_permission_mode_changed")]
    changes = [(event.session_permission_mode_changed, event.actor) for event in told]
    return [(each.from_mode, each.to_mode, each.overrides_config, actor) for each, actor in changes]


async def test_an_approved_plan_ends_plan_mode_also_in_the_next_process(
    server: GreenroomServer, model_api: ModelApi
) -> None:
    session = await create(server, working(server, permission_mode=PERMISSION_MODE_PLAN))
    await plan_approved(server, session)
    after = await get(server, session.session_id)
    assert after.config.permission_mode == PERMISSION_MODE_PLAN
    assert after.current_permission_mode == PERMISSION_MODE_DEFAULT
    assert after.current_model == model_api.requests(session.cli_session_id)[-1]["model"]
    await server.sessions.SuspendSession(SuspendSessionRequest(session_id=session.session_id))
    rested = await until(server, session.session_id, session_pb2.SESSION_STATE_SUSPENDED)
    assert rested.current_permission_mode == PERMISSION_MODE_DEFAULT
    write = {"tool": "Bash", "input": {"command": "touch made", "description": "x"}}
    await sets_mode(server, session, PERMISSION_MODE_ACCEPT_EDITS)
    await run_turn(server, session.session_id, scripted("again", ENTER, SAID))
    assert (await get(server, session.session_id)).current_permission_mode == PERMISSION_MODE_PLAN
    back = await sets_mode(server, session, PERMISSION_MODE_ACCEPT_EDITS)
    assert back.current_permission_mode == PERMISSION_MODE_ACCEPT_EDITS
    await run_turn(server, session.session_id, scripted("do it", write, SAID))
    assert (server.work / "made").exists()
    assert moves(await history(server, session.session_id)) == [
        (PERMISSION_MODE_PLAN, PERMISSION_MODE_DEFAULT, True, "cli"),
        (PERMISSION_MODE_DEFAULT, PERMISSION_MODE_ACCEPT_EDITS, False, ""),
        (PERMISSION_MODE_ACCEPT_EDITS, PERMISSION_MODE_PLAN, True, "cli"),
        (PERMISSION_MODE_PLAN, PERMISSION_MODE_ACCEPT_EDITS, False, ""),
    ]


async def test_a_session_resumes_in_the_mode_that_its_model_chose(server: GreenroomServer) -> None:
    session = await create(server)
    await run_turn(server, session.session_id, scripted("think", ENTER, SAID))
    await server.sessions.SuspendSession(SuspendSessionRequest(session_id=session.session_id))
    await run_turn(server, session.session_id, scripted("go on", SAID))
    after = await get(server, session.session_id)
    assert after.process.pid
    assert after.current_permission_mode == PERMISSION_MODE_PLAN
    told = await history(server, session.session_id)
    inits = [event.message_system for event in told if event.message_system.subtype == "init"]
    assert [json.loads(init.raw_frame)["permissionMode"] for init in inits] == ["acceptEdits", "plan"]
    assert len(moves(told)) == 1
