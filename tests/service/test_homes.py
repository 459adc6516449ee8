"""Files that a session and its CLI leave for later belong to that session alone, on the real CLI."""

from __future__ import annotations

from files_below import paths_below
from greenroom.v1.config_pb2 import HOME_SCOPE_WORKSPACE
from greenroom.v1.session_pb2 import Session
from greenroom.v1.session_service_pb2 import DeleteSessionRequest, ForkSessionRequest, SuspendSessionRequest
from greenroom_server import GreenroomServer
from story import create, run_turn, scripted, working

LEFT = "left-behind-by-a-tool"
PLAN = 'mkdir -p "$CLAUDE_CONFIG_DIR/plans"; echo MILK > "$CLAUDE_CONFIG_DIR/plans/some-name.md"'


async def leaves(server: GreenroomServer, session: Session) -> None:
    """Have a tool leave a file in HOME."""
    await bash(server, session, f"touch ~/{LEFT}")


async def finds(server: GreenroomServer, session: Session) -> bool:
    """Return whether a tool finds that file in HOME."""
    return LEFT in await bash(
        server, session, f"test -e ~/{LEFT} && echo {LEFT.upper()} | tr A-Z a-z || true"
    )


async def bash(server: GreenroomServer, session: Session, command: str) -> str:
    call = {"tool": "Bash", "input": {"command": command, "description": "x"}}
    _, events = await run_turn(server, session.session_id, scripted("go", call, {"text": "done"}))
    results = [event.message_tool_result for event in events if event.HasField("message_tool_result")]
    return "".join(str(block) for result in results for block in result.content)


async def test_a_home_is_the_sessions_own_and_is_kept_with_it(server: GreenroomServer) -> None:
    config = working(server, allowed_tools=["Bash"])
    one, other = await create(server, config), await create(server, config)
    await leaves(server, one)
    assert not await finds(server, other)
    await server.sessions.SuspendSession(SuspendSessionRequest(session_id=one.session_id))
    assert await finds(server, one)
    await server.sessions.DeleteSession(DeleteSessionRequest(session_id=one.session_id, force=True))
    assert not paths_below(server.state, LEFT)


async def test_sessions_that_ask_for_it_share_that_of_the_workspace(server: GreenroomServer) -> None:
    config = working(server, allowed_tools=["Bash"], home=HOME_SCOPE_WORKSPACE)
    one, other = await create(server, config), await create(server, config)
    await leaves(server, one)
    assert await finds(server, other)


async def test_what_the_cli_keeps_of_a_session_is_no_other_sessions(server: GreenroomServer) -> None:
    look = 'cd "$CLAUDE_CONFIG_DIR" && ls; grep -rl MILK plans tasks || true'
    config = working(server, allowed_tools=["Bash", "TaskCreate"], home=HOME_SCOPE_WORKSPACE)
    one, other = await create(server, config), await create(server, config)
    write = {"tool": "Bash", "input": {"command": PLAN, "description": "x"}}
    task = {"tool": "TaskCreate", "input": {"subject": "MILK", "description": "MILK"}}
    await run_turn(server, one.session_id, scripted("go", task, write, {"text": "done"}))
    own = await bash(server, one, look)
    assert "tasks/" in own
    assert "plans/" in own
    others = await bash(server, other, look)
    assert "projects" in others
    assert "tasks/" not in others
    assert "plans/" not in others
    fork = await server.sessions.ForkSession(ForkSessionRequest(session_id=one.session_id))
    assert "plans/" in await bash(server, fork.session, look)
