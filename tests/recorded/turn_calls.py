"""Turns with the fake CLI, permissions, and what a process goes through."""

from __future__ import annotations

from google.protobuf.field_mask_pb2 import FieldMask

from fake_cli.installed import turn
from greenroom.v1 import session_pb2, turn_service_pb2
from greenroom.v1.config_pb2 import PERMISSION_MODE_PLAN, SessionConfig
from greenroom.v1.session_pb2 import Session
from greenroom.v1.session_service_pb2 import (
    GetSessionRequest,
    RestartSessionRequest,
    ResumeSessionRequest,
    StartSessionRequest,
    SuspendSessionRequest,
    UpdateSessionRequest,
)
from greenroom.v1.turn_service_pb2 import (
    IF_BUSY_QUEUE,
    DecideApprovalRequest,
    GetTurnRequest,
    InterruptTurnRequest,
    ListApprovalsRequest,
    ListTurnsRequest,
    RunTurnRequest,
    StartTurnRequest,
)
from recorded.play import NOBODY, Play
from story import until


async def run_turns(play: Play) -> None:
    """Turns with the fake CLI: run, queued, interrupted, repeated, refused."""
    play.runner = play.made[2].session_id
    for prompt in ("hello", turn(events=3), turn(text="an answer"), turn(garbage="no frame")):
        await play.read(play.turns.RunTurn, RunTurnRequest(session_id=play.runner, prompt=prompt))
        await play.rest()
    run = RunTurnRequest(session_id=play.runner, request_id=next(play.request_ids))
    run.content.add().text = "a block"
    for _ in range(2):
        await play.read(play.turns.RunTurn, run)
        await play.rest()
    start = StartTurnRequest(session_id=play.runner, prompt=turn(events=1, wait=60))
    start.request_id = next(play.request_ids)
    slow = (await play.ask(play.turns.StartTurn, start)).turn
    await play.seen(lambda event: event.turn_id == slow.turn_id and event.HasField("message_assistant"))
    await play.ask(play.turns.StartTurn, start)
    await play.refused(play.turns.StartTurn, StartTurnRequest(session_id=play.runner, prompt="now"))
    behind = StartTurnRequest(session_id=play.runner, prompt="later", if_busy=IF_BUSY_QUEUE)
    queued = (await play.ask(play.turns.StartTurn, behind)).turn
    await play.ask(play.turns.ListTurns, ListTurnsRequest(session_id=play.runner, page_size=100))
    await play.turns.InterruptTurn(InterruptTurnRequest(session_id=play.runner, turn_id=slow.turn_id))
    for each in (slow, queued):
        await until(play.server, play.runner, turn_id=each.turn_id)
    await play.rest()
    for each in (slow, queued):
        await play.ask(play.turns.GetTurn, GetTurnRequest(turn_id=each.turn_id))
    page = await play.ask(play.turns.ListTurns, ListTurnsRequest(session_id=play.runner, page_size=4))
    following = ListTurnsRequest(session_id=play.runner, page_size=4, page_token=page.next_page_token)
    await play.ask(play.turns.ListTurns, following)
    nothing = InterruptTurnRequest(session_id=play.runner)
    await play.refused(play.turns.InterruptTurn, nothing)
    await play.refused(play.turns.StartTurn, StartTurnRequest(session_id=play.runner, prompt=" "))
    await play.refused(play.turns.StartTurn, StartTurnRequest(session_id=NOBODY, prompt="hello"))
    await play.refused(play.turns.GetTurn, GetTurnRequest(turn_id=NOBODY))


async def ask_for_permission(play: Play) -> None:
    """Questions: allowed, allowed with changed input, denied, decided twice."""
    for decision, message in (("ALLOW", ""), ("ALLOW", ""), ("DENY", "not today")):
        await _decide(play, decision, message)
    await play.ask(play.turns.ListApprovals, ListApprovalsRequest(session_id=play.runner, page_size=2))


async def _decide(play: Play, decision: str, message: str) -> None:
    """Have a turn ask for permission, and decide."""
    tool = {"name": "Bash", "input": {"command": "ls -l", "n": 1.5}}
    start = StartTurnRequest(session_id=play.runner, prompt=turn(ask=tool))
    asked = (await play.ask(play.turns.StartTurn, start)).turn
    event = await play.seen(
        lambda event: event.turn_id == asked.turn_id and event.HasField("approval_requested")
    )
    decide = DecideApprovalRequest(
        session_id=play.runner,
        approval_id=event.approval_requested.approval.approval_id,
        decision=turn_service_pb2.ApprovalDecision.Value(f"APPROVAL_DECISION_{decision}"),
        message=message,
        request_id=next(play.request_ids),
    )
    if decision == "ALLOW":
        decide.updated_input.update({"command": "ls"})
    await play.ask(play.turns.ListApprovals, ListApprovalsRequest(session_id=play.runner))
    await play.ask(play.turns.DecideApproval, decide)
    await play.ask(play.turns.DecideApproval, decide)
    await until(play.server, play.runner, turn_id=asked.turn_id)
    await play.rest()
    await play.ask(play.turns.GetTurn, GetTurnRequest(turn_id=asked.turn_id))
    decide.request_id = ""
    await play.refused(play.turns.DecideApproval, decide)


async def break_and_mend(play: Play) -> None:
    """The life of a session: a crash, a new start, suspended, resumed, restarted."""
    runner = play.runner
    crashed = (await play.turns.StartTurn(StartTurnRequest(session_id=runner, prompt=turn(exit=3)))).turn
    await until(play.server, play.runner, session_pb2.SESSION_STATE_ERROR)
    await play.ask(play.turns.GetTurn, GetTurnRequest(turn_id=crashed.turn_id))
    await play.ask(play.sessions.GetSession, GetSessionRequest(session_id=runner))
    await play.ask(play.sessions.StartSession, StartSessionRequest(session_id=runner))
    await play.ready()
    await play.refused(play.sessions.ResumeSession, ResumeSessionRequest(session_id=runner))
    await play.sessions.SuspendSession(SuspendSessionRequest(session_id=runner, reason="LUNCH"))
    await until(play.server, play.runner, session_pb2.SESSION_STATE_SUSPENDED)
    await play.ask(play.sessions.GetSession, GetSessionRequest(session_id=runner))
    await play.ask(play.sessions.ResumeSession, ResumeSessionRequest(session_id=runner))
    await play.ready()
    await play.sessions.RestartSession(RestartSessionRequest(session_id=runner))
    await play.ready()
    await play.ask(play.sessions.GetSession, GetSessionRequest(session_id=runner))
    change = Session(session_id=runner, config=SessionConfig(permission_mode=PERMISSION_MODE_PLAN))
    mask = FieldMask(paths=["config.permission_mode"])
    await play.sessions.UpdateSession(UpdateSessionRequest(session=change, update_mask=mask))
    await play.seen(lambda event: event.session_config_applied.config_generation == 2)
    await play.read(play.turns.RunTurn, RunTurnRequest(session_id=runner, prompt="again"))
    await play.rest()
