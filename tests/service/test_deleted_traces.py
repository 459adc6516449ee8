"""After DeleteSession no text of the session is in any file of the state directory, the database included."""

import asyncio
import os
import signal
import uuid
from pathlib import Path

from files_below import files_holding
from greenroom.v1.session_pb2 import SESSION_STATE_ACTIVE
from greenroom.v1.session_service_pb2 import DeleteSessionRequest, ForkSessionRequest
from greenroom.v1.turn_service_pb2 import StartTurnRequest
from greenroom_server import PATIENCE, GreenroomServer
from story import create, get, run_turn, scripted, until, working


async def without_traces(server: GreenroomServer, marker: str) -> None:
    """Wait until nothing is left; what is left is told when it takes too long."""
    found: list[Path] = []
    try:
        async with asyncio.timeout(PATIENCE):
            while found := await asyncio.to_thread(files_holding, server.state, marker):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"left in {found}") from None


async def test_nothing_that_was_said_is_left_in_a_file(server: GreenroomServer) -> None:
    marker = f"marker-{uuid.uuid4().hex}"
    session = await create(
        server,
        working(server, allowed_tools=["Bash", "Write", "TaskCreate", "Agent"], system_prompt=f"be {marker}"),
    )
    long_output = f"for i in $(seq 1 3000); do echo {marker} $i; done"
    prompt = scripted(
        marker,
        {"thinking": marker, "text": marker, "tool": "Bash", "input": {"command": long_output}},
        {"tool": "TaskCreate", "input": {"subject": marker, "description": marker}},
        {
            "tool": "Agent",
            "input": {"description": "x", "prompt": marker, "subagent_type": "general-purpose"},
        },
        {"text": f"{marker} again"},
    )
    await run_turn(server, session.session_id, prompt)
    # One more, whose answer is recorded, and whose process ends without a chance to clean up.
    request = StartTurnRequest(
        session_id=session.session_id,
        prompt=scripted(marker, {"text": marker, "stall": True}),
        request_id=str(uuid.uuid4()),
    )
    await server.turns.StartTurn(request)
    await until(server, session.session_id, SESSION_STATE_ACTIVE)
    os.kill((await get(server, session.session_id)).process.pid, signal.SIGKILL)
    assert files_holding(server.state, marker)
    delete = DeleteSessionRequest(session_id=session.session_id, force=True)
    await server.sessions.DeleteSession(delete)
    await without_traces(server, marker)


async def test_what_a_fork_needs_stays_until_it_is_deleted_too(server: GreenroomServer) -> None:
    marker = f"marker-{uuid.uuid4().hex}"
    session = await create(server)
    await run_turn(server, session.session_id, scripted(marker, {"text": marker}))
    fork = (await server.sessions.ForkSession(ForkSessionRequest(session_id=session.session_id))).session
    await server.sessions.DeleteSession(DeleteSessionRequest(session_id=session.session_id, force=True))
    turn, _ = await run_turn(server, fork.session_id, scripted("more", {"text": "still here"}))
    assert turn.result_text == "still here"
    assert files_holding(server.state, marker)
    await server.sessions.DeleteSession(DeleteSessionRequest(session_id=fork.session_id, force=True))
    await without_traces(server, marker)
