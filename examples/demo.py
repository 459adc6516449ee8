"""The main job, end to end: a server, a session, a turn that uses a tool, an interrupted turn, an orderly end.

Run it with `make demo`. With ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN in the environment the real model answers;
without, a local stand-in of the model's API does, and the real `claude` CLI does not notice.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import grpc
import grpc.aio
import psutil

from greenroom.v1 import config_pb2, event_pb2, session_pb2, turn_pb2
from greenroom.v1 import session_service_pb2 as sessions
from greenroom.v1 import turn_service_pb2 as turns
from greenroom.v1.session_service_pb2_grpc import SessionServiceStub
from greenroom.v1.turn_service_pb2_grpc import TurnServiceStub

REPOSITORY = Path(__file__).resolve().parent.parent
PLACE = REPOSITORY / "build" / "demo"
CREDENTIALS = ("ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN")


async def main() -> None:
    """Tell the story from the server's start to its end."""
    shutil.rmtree(PLACE, ignore_errors=True)
    scratch = PLACE / "scratch"
    scratch.mkdir(parents=True)
    async with AsyncExitStack() as stack:
        environment, scripted = await stack.enter_async_context(model_access())
        address, server = await stack.enter_async_context(serving(environment))
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(address))
        session_service, turn_service = SessionServiceStub(channel), TurnServiceStub(channel)
        await asyncio.wait_for(channel.channel_ready(), 30)

        created = await session_service.CreateSession(
            sessions.CreateSessionRequest(
                display_name="demo",
                config=config_pb2.SessionConfig(
                    working_dir=str(scratch),
                    permission_mode=config_pb2.PERMISSION_MODE_ACCEPT_EDITS,
                    allowed_tools=["Write"],
                ),
            )
        )
        session_id = created.session.session_id
        say(f"session {session_id} created")

        say("a turn in which the CLI writes a file")
        prompt = "Write a file hello.txt with the text 'hello from greenroom', then say that you did."
        plan = [
            {
                "tool": "Write",
                "input": {"file_path": str(scratch / "hello.txt"), "content": "hello from greenroom\n"},
            },
            {"text": "I wrote hello.txt."},
        ]
        last = None
        async for frame in turn_service.RunTurn(
            turns.RunTurnRequest(session_id=session_id, prompt=with_plan(prompt, plan, scripted))
        ):
            for event in frame.events:
                show(event)
            if frame.HasField("turn"):
                last = frame.turn
        require(
            last is not None and last.state == turn_pb2.TURN_STATE_COMPLETED,
            f"the turn did not complete: {last}",
        )
        require((scratch / "hello.txt").exists(), "the CLI wrote no file")
        say(f"hello.txt holds: {(scratch / 'hello.txt').read_text().strip()!r}")

        say("a second turn, interrupted")
        prompt = "Count slowly from one to a thousand in words."
        plan = [{"text": "one two three four five six seven eight nine ten " * 50, "gap": 0.2}]
        started = await turn_service.StartTurn(
            turns.StartTurnRequest(session_id=session_id, prompt=with_plan(prompt, plan, scripted))
        )
        interrupted = await turn_service.InterruptTurn(
            turns.InterruptTurnRequest(session_id=session_id, turn_id=started.turn.turn_id)
        )
        say(f"the turn ended as {turn_pb2.TurnState.Name(interrupted.turn.state)}")
        require(interrupted.turn.state == turn_pb2.TURN_STATE_INTERRUPTED, "the turn was not interrupted")

        seen = await session_service.GetSession(sessions.GetSessionRequest(session_id=session_id))
        pid = seen.session.process.pid
        require(psutil.pid_exists(pid), "the session has no process to end")
        closed = await session_service.CloseSession(sessions.CloseSessionRequest(session_id=session_id))
        say(
            f"session {session_pb2.SessionState.Name(closed.session.state)}, {closed.session.usage.turns} turns"
        )
        left = [child.pid for child in psutil.Process(server).children(recursive=True)]
        require(not psutil.pid_exists(pid) and not left, f"processes are left: {pid}, {left}")
        say(f"process {pid} is gone, and the server has no child left")
    say(f"the database lies at {PLACE / 'state' / 'greenroom.db'}")


def say(text: str) -> None:
    """Print one line of the story."""
    print(f"── {text}", flush=True)


def show(event: event_pb2.Event) -> None:
    """Print one event as it streams."""
    kind = event_pb2.EventType.Name(event.type).removeprefix("EVENT_TYPE_").lower()
    print(f"   {event.sequence:>3}  {kind:<24} {gist(event)}", flush=True)


def gist(event: event_pb2.Event) -> str:
    """Return what is worth reading of an event in one line."""
    payload = getattr(event, event.WhichOneof("payload") or "", None)
    for block in getattr(payload, "content", ()):
        if block.WhichOneof("block") == "text":
            return str(block.text.split("[[stub")[0].strip())[:70]
        if block.WhichOneof("block") == "tool_use":
            return f"{block.tool_use.name}({', '.join(block.tool_use.input.keys())})"
    if event.type == event_pb2.EVENT_TYPE_MESSAGE_SYSTEM:
        return f"{event.message_system.frame_type} {event.message_system.subtype}"
    if event.type == event_pb2.EVENT_TYPE_TURN_COMPLETED:
        return str(event.turn_completed.turn.result_text)[:70]
    return ""


def require(truth: bool, otherwise: str) -> None:
    """End the demo where it does not do what it claims."""
    if not truth:
        sys.exit(f"demo failed: {otherwise}")


def with_plan(prompt: str, plan: Sequence[object], scripted: bool) -> str:
    """Return the prompt; for the stand-in with the answer it is to give."""
    return f"{prompt} [[stub {json.dumps(plan)}]]" if scripted else prompt


@asynccontextmanager
async def model_access() -> AsyncIterator[tuple[dict[str, str], bool]]:
    """Give what the CLI needs to reach a model, and whether that is the stand-in."""
    mine = {name: os.environ[name] for name in CREDENTIALS if os.environ.get(name)}
    if mine:
        say(f"the real model answers, with your {' and '.join(mine)}")
        if base_url := os.environ.get("ANTHROPIC_BASE_URL"):
            mine["ANTHROPIC_BASE_URL"] = base_url
        yield mine, False
        return
    say("no ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN is set: a local stand-in of the model's API answers")
    port = free_port()
    async with running(
        sys.executable, "-m", "standin", "--port", str(port), environment={"PYTHONPATH": "tests"}
    ):
        yield {"ANTHROPIC_BASE_URL": f"http://127.0.0.1:{port}", "ANTHROPIC_API_KEY": "stand-in"}, True


@asynccontextmanager
async def serving(cli_environment: dict[str, str]) -> AsyncIterator[tuple[str, int]]:
    """Run a server of our own on a free port; give its address and pid."""
    address = f"127.0.0.1:{free_port()}"
    environment = {
        "GREENROOM_LISTEN": address,
        "GREENROOM_STATE_DIR": str(PLACE / "state"),
        "GREENROOM_ALLOWED_ROOTS": str(PLACE),
        "GREENROOM_CLI_ENVIRONMENT": json.dumps(cli_environment),
        "GREENROOM_LOG_LEVEL": "warning",
    }
    async with running(sys.executable, "-m", "greenroomd", "serve", environment=environment) as pid:
        yield address, pid


@asynccontextmanager
async def running(*argv: str, environment: dict[str, str]) -> AsyncIterator[int]:
    """Run a program of the project while the block runs, with nothing but its troubles shown; give its pid."""
    # The settings of a server of your own are not for this one: they may name its database.
    keep = {
        name: value
        for name, value in os.environ.items()
        if name not in CREDENTIALS and not name.startswith("GREENROOM_")
    }
    program = await asyncio.create_subprocess_exec(
        *argv, cwd=REPOSITORY, env={**keep, **environment}, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        yield program.pid
    finally:
        if program.returncode is None:
            program.terminate()
        await program.wait()


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    asyncio.run(main())
