"""How fast sessions of the real CLI start, take turns and come back, beside the bare CLI and claude-agent-sdk.

Everything is measured in turns, so that a drift of the machine meets all alike, against the tests' stand-in of the
model's API; what is compared is the median of the pairs. The bare CLI is given the flags and the environment that the
server gives it.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

import grpc.aio
import psutil
from claude_agent_sdk import ClaudeAgentOptions, ClaudeSDKClient

from benchmarks import servers
from benchmarks.load import LoadFailed
from greenroom.v1 import session_pb2
from greenroom.v1.config_pb2 import SessionConfig
from greenroom.v1.event_pb2 import EVENT_TYPE_PROCESS_READY
from greenroom.v1.event_service_pb2 import WatchEventsRequest
from greenroom.v1.event_service_pb2_grpc import EventServiceStub
from greenroom.v1.profile_pb2 import Profile
from greenroom.v1.profile_service_pb2 import CreateProfileRequest
from greenroom.v1.profile_service_pb2_grpc import ProfileServiceStub
from greenroom.v1.session_service_pb2 import (
    CloseSessionRequest,
    CreateSessionRequest,
    SuspendSessionRequest,
    WaitSessionRequest,
)
from greenroom.v1.session_service_pb2_grpc import SessionServiceStub
from greenroom.v1.turn_service_pb2 import RunTurnRequest, StartTurnRequest
from greenroom.v1.turn_service_pb2_grpc import TurnServiceStub
from greenroomd.app.ports.processes import Launch
from greenroomd.domain.config import Secret
from greenroomd.domain.config import SessionConfig as Config
from greenroomd.processes.claude.discovery import find_cli
from greenroomd.processes.claude.launch_command import CliDefaults, RunDirectory, arguments, environment
from greenroomd.processes.claude.workspace_directories import Workspace
from standin.model_api import ModelApi, running_model_api

if TYPE_CHECKING:  # the typed asynchronous stubs exist for type checkers only
    from greenroom.v1.event_service_pb2_grpc import EventServiceAsyncStub
    from greenroom.v1.session_service_pb2_grpc import SessionServiceAsyncStub
    from greenroom.v1.turn_service_pb2_grpc import TurnServiceAsyncStub

PROMPT = 'go [[stub [{"text": "Here is the answer."}]]]'
PATIENCE = 60.0
SETTLED = 0.3
"""Seconds without work after which a process that waits has come to rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How often everything is done."""

    starts: int = 15
    turns: int = 100


QUICK = Sizes(starts=5, turns=20)


async def figures(sizes: Sizes) -> dict[str, float]:
    """Measure; keys as in the goals."""
    with tempfile.TemporaryDirectory() as place, running_model_api() as api:
        async with _stage(Path(place), api) as node:
            starts = [await node.starts() for _ in range(sizes.starts)]
            turns = await node.turns_beside_sdk(sizes.turns)
            comebacks = [await node.comebacks() for _ in range(sizes.starts)]
    late, warm, cold, sdk = (median(times) * 1000 for times in zip(*starts, strict=True))
    return {
        "late_initialize_ms_p50": late,
        "warm_ready_ms_p50": warm,
        "warm_ready_over_late_initialize_ms": median(warm - late for late, warm, _, _ in starts) * 1000,
        "cold_ready_ms_p50": cold,
        "sdk_connect_ms_p50": sdk,
        "turn_ms_p50": median(ours for ours, _ in turns) * 1000,
        "sdk_turn_ms_p50": median(theirs for _, theirs in turns) * 1000,
        "turn_vs_sdk": median(ours / theirs for ours, theirs in turns),
        "resume_ms_p50": median(ours for ours, _ in comebacks) * 1000,
        "bare_resume_ms_p50": median(bare for _, bare in comebacks) * 1000,
        "resume_vs_bare_cli": median(ours / bare for ours, bare in comebacks),
    }


@dataclass(frozen=True, slots=True)
class NodeContext:
    """A server, and what the bare CLI and the SDK need to do the same beside it."""

    server_pid: int
    state: Path
    work: Path
    cli: Path
    cli_environment: Mapping[str, str]
    sessions: SessionServiceAsyncStub
    turns: TurnServiceAsyncStub
    events: EventServiceAsyncStub

    async def starts(self) -> tuple[float, float, float, float]:
        """Return the seconds of the bare CLI's late initialize, a warm and a cold start, and the SDK's connect."""
        return await self._late(), await self._ready("warm"), await self._ready("cold"), await self._connect()

    async def turns_beside_sdk(self, count: int) -> list[tuple[float, float]]:
        """Return the seconds of turns of one session of each."""
        session_id = await self._create("cold")
        pairs = []
        async with ClaudeSDKClient(self._options()) as client:
            for _ in range(count + 1):
                began = perf_counter()
                async for frame in self.turns.RunTurn(RunTurnRequest(session_id=session_id, prompt=PROMPT)):
                    if frame.HasField("turn") and not frame.turn.result_text:
                        raise LoadFailed("a turn failed")
                ours, began = perf_counter() - began, perf_counter()
                await client.query(PROMPT)
                async for _ in client.receive_response():
                    pass
                pairs.append((ours, perf_counter() - began))
        await self._close(session_id)
        return pairs[1:]  # the first of each makes what the others find

    async def comebacks(self) -> tuple[float, float]:
        """Return the seconds until a session that a turn wakes, and the bare CLI resumed likewise, are ready."""
        session_id = await self._create("cold")
        async for _ in self.turns.RunTurn(RunTurnRequest(session_id=session_id, prompt=PROMPT)):
            pass
        suspended = await self.sessions.SuspendSession(SuspendSessionRequest(session_id=session_id))
        await self._until(session_id, session_pb2.SESSION_STATE_SUSPENDED)
        bare = await self._bare_resume(suspended.session.cli_session_id)
        watch = self.events.WatchEvents(
            WatchEventsRequest(session_ids=[session_id], types=[EVENT_TYPE_PROCESS_READY])
        )
        await watch.initial_metadata()
        began = perf_counter()
        await self.turns.StartTurn(StartTurnRequest(session_id=session_id, prompt=PROMPT))
        async for frame in watch:
            if frame.events:
                break
        ours = perf_counter() - began
        watch.cancel()
        await self._close(session_id)
        return ours, bare

    async def _ready(self, profile: str) -> float:
        await self._at_rest()
        began = perf_counter()
        session_id = await self._create(profile)
        seconds = perf_counter() - began
        await self._close(session_id)
        return seconds

    async def _create(self, profile: str) -> str:
        config = SessionConfig(working_dir=str(self.work))
        if profile == "cold":
            config.max_turns = 500  # no process waits for that
        request = CreateSessionRequest(profile_id=profile if profile == "warm" else "", config=config)
        session_id = (await self.sessions.CreateSession(request)).session.session_id
        session = await self._until(session_id, session_pb2.SESSION_STATE_READY)
        if session.process.from_warm_pool is not (profile == "warm"):
            raise LoadFailed(f"the session's process is not {profile}")
        return session_id

    async def _close(self, session_id: str) -> None:
        await self.sessions.CloseSession(CloseSessionRequest(session_id=session_id, force=True))
        await self._until(session_id, session_pb2.SESSION_STATE_CLOSED)

    async def _until(self, session_id: str, state: session_pb2.SessionState.ValueType) -> session_pb2.Session:
        request = WaitSessionRequest(session_id=session_id, states=[state])
        request.timeout.FromSeconds(30)
        answer = await self.sessions.WaitSession(request)
        if not answer.matched:
            raise LoadFailed(f"a session did not become {session_pb2.SessionState.Name(state)}")
        return answer.session

    async def _at_rest(self) -> None:
        """Wait until nothing runs but the process that waits for its session, and that has nothing left to do."""
        async with asyncio.timeout(PATIENCE):
            while not (waiting := psutil.Process(self.server_pid).children()):  # noqa: ASYNC110 -- nothing tells
                await asyncio.sleep(0.05)
        await _settled(waiting[0])

    async def _late(self) -> float:
        await self._at_rest()
        async with self._bare(str(uuid.uuid4()), resume=False) as process:
            await _settled(psutil.Process(process.pid))
            return await _initialized(process)

    async def _bare_resume(self, conversation: str) -> float:
        began = perf_counter()
        async with self._bare(conversation, resume=True) as process:
            await _initialized(process)
            return perf_counter() - began

    @asynccontextmanager
    async def _bare(self, conversation: str, *, resume: bool) -> AsyncIterator[asyncio.subprocess.Process]:
        launch = Launch(
            session_id="",
            workspace_id="default",
            cli_session_id=conversation,
            resume=resume,
            config=Config(working_dir=str(self.work)),
        )
        defaults = CliDefaults(environment={name: Secret(v) for name, v in self.cli_environment.items()})
        workspace, run = Workspace.within(self.state, "default"), RunDirectory(path=self.state / "bare")
        home = workspace.home_of(conversation, launch.config.home)
        run.make(workspace, launch.config, home, workspace.config_of(conversation))
        process = await asyncio.create_subprocess_exec(
            str(self.cli), *arguments(launch, defaults, run), cwd=self.work,
            env=environment(launch, defaults, workspace, run), limit=1 << 24,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            yield process
        finally:
            assert process.stdin is not None
            process.stdin.close()
            await process.wait()

    async def _connect(self) -> float:
        await self._at_rest()
        client = ClaudeSDKClient(self._options())
        began = perf_counter()
        await client.connect()
        seconds = perf_counter() - began
        await client.disconnect()
        return seconds

    def _options(self) -> ClaudeAgentOptions:
        return ClaudeAgentOptions(
            cwd=self.work,
            cli_path=self.cli,
            env={**self.cli_environment, "CLAUDE_CONFIG_DIR": str(self.state / "sdk")},
            include_partial_messages=True,  # the server always has them
            setting_sources=[],
        )


@asynccontextmanager
async def _stage(place: Path, api: ModelApi) -> AsyncIterator[NodeContext]:
    cli = await find_cli(None, os.environ["PATH"])
    state = place / "state"
    given = {"cli_environment": json.dumps(api.cli_environment), "max_processes": "3"}
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(servers.greenroom(state, **given))
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(server.address))
        work = state / "work"
        profile = Profile(profile_id="warm", warm_processes=1, config=SessionConfig(working_dir=str(work)))
        await ProfileServiceStub(channel).CreateProfile(CreateProfileRequest(profile=profile))
        yield NodeContext(
            server.pid, state, work, cli.path, api.cli_environment, SessionServiceStub(channel),
            TurnServiceStub(channel), EventServiceStub(channel),
        )  # fmt: skip


async def _initialized(process: asyncio.subprocess.Process) -> float:
    """Initialize a bare CLI; return the seconds until its answer."""
    assert process.stdin is not None
    assert process.stdout is not None
    request = {
        "type": "control_request",
        "request_id": "1",
        "request": {"subtype": "initialize", "hooks": None},
    }
    began = perf_counter()
    process.stdin.write(json.dumps(request).encode() + b"\n")
    async with asyncio.timeout(PATIENCE):
        answer: dict[str, Any] = json.loads(await process.stdout.readline())
    if answer.get("type") != "control_response":
        raise LoadFailed(f"the CLI answered {answer.get('type')}")
    return perf_counter() - began


async def _settled(process: psutil.Process) -> None:
    """Wait until a process has done no work for a while."""
    used = -1.0
    async with asyncio.timeout(PATIENCE):
        while used != (used := sum(process.cpu_times()[:2])) or used < 0.1:  # noqa: ASYNC110 -- nothing tells
            await asyncio.sleep(SETTLED)
