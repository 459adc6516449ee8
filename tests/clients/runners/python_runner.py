"""Plays the scenario with the Python client: `python_runner.py ADDRESS WORKING_DIR SCENARIO [SECRETS]`.

It prints a transcript. SECRETS is a directory for TLS: ca.crt, the client's tls.crt and tls.key, and a token.
Where the scenario restarts the server, it says `restart_server` and waits for a line on stdin.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask

from greenroom import Client, Error, Tls, TokenFile
from greenroom.v1.config_pb2 import SessionConfig
from greenroom.v1.event_pb2 import EVENT_TYPE_APPROVAL_REQUESTED, Event, EventType
from greenroom.v1.event_service_pb2 import WATCH_START_BEGINNING
from greenroom.v1.session_pb2 import (
    SESSION_STATE_ACTIVE,
    SESSION_STATE_CLOSED,
    SESSION_STATE_IDLE,
    SESSION_STATE_READY,
    Session,
    SessionState,
)
from greenroom.v1.session_service_pb2 import (
    CloseSessionRequest,
    CreateSessionRequest,
    GetSessionRequest,
    ResumeSessionRequest,
    SuspendSessionRequest,
    UpdateSessionRequest,
    WaitSessionRequest,
)
from greenroom.v1.turn_pb2 import Approval, ApprovalState, TurnState
from greenroom.v1.turn_service_pb2 import (
    ApprovalDecision,
    DecideApprovalRequest,
    InterruptTurnRequest,
    StartTurnRequest,
)


class Play:
    """One session, step by step."""

    def __init__(self, client: Client, working_dir: str, group: asyncio.TaskGroup) -> None:
        self.client = client
        self.working_dir = working_dir
        self.group = group
        self.session_id = ""
        self.watched: list[Event] = []

    async def create(self, display_name: str) -> None:
        config = SessionConfig(working_dir=self.working_dir)
        request = CreateSessionRequest(display_name=display_name, config=config)
        session = (await self.client.sessions.CreateSession(request)).session
        self.session_id = session.session_id
        say("create", state_name(session), session.display_name)

    async def wait(self, states: list[str]) -> None:
        await self.until(*(SessionState.Value(f"SESSION_STATE_{state}") for state in states))
        say("wait")

    async def create_invalid(self, temperature: float, max_turns: int) -> None:
        config = SessionConfig(working_dir=self.working_dir, temperature=temperature, max_turns=max_turns)
        try:
            await self.client.sessions.CreateSession(CreateSessionRequest(config=config))
        except Error as error:
            fields = sorted(violation.field for violation in error.violations)
            say("create_invalid", error.code.name, error.reason, *fields)

    async def watch(self) -> None:
        self.watching = self.group.create_task(self.read_events())

    async def read_events(self) -> None:
        async for event in self.client.watch(self.session_id, start=WATCH_START_BEGINNING, until_closed=True):
            self.watched.append(event)

    async def run_turn(self, prompt: str, decide: str = "") -> None:
        running = self.client.run_turn(self.session_id, prompt)
        async for event in running:
            say(" ", type_name(event))
            if event.type == EVENT_TYPE_APPROVAL_REQUESTED:
                await self.decide(event.approval_requested.approval, decide)
        assert running.turn is not None
        say("run_turn", turn_state_name(running.turn.state), running.turn.result_text)

    async def decide(self, approval: Approval, decision: str) -> None:
        request = DecideApprovalRequest(
            approval_id=approval.approval_id,
            decision=ApprovalDecision.Value(f"APPROVAL_DECISION_{decision}"),
        )
        decided = (await self.client.turns.DecideApproval(request)).approval
        state = ApprovalState.Name(decided.state).removeprefix("APPROVAL_STATE_")
        say("decide", decided.tool_name, state)
        try:
            await self.client.turns.DecideApproval(request)
        except Error as error:
            say("decide", error.code.name, error.reason)

    async def interrupt(self, prompt: str) -> None:
        start = StartTurnRequest(session_id=self.session_id, prompt=prompt)
        turn = (await self.client.turns.StartTurn(start)).turn
        await self.until(SESSION_STATE_ACTIVE)
        request = InterruptTurnRequest(session_id=self.session_id, turn_id=turn.turn_id)
        interrupted = (await self.client.turns.InterruptTurn(request)).turn
        say("interrupt", turn_state_name(interrupted.state))

    async def update_stale(self, display_name: str) -> None:
        before = (
            await self.client.sessions.GetSession(GetSessionRequest(session_id=self.session_id))
        ).session
        mask = FieldMask(paths=["display_name"])
        change = Session(session_id=self.session_id, display_name=display_name)
        request = UpdateSessionRequest(session=change, update_mask=mask)
        updated = (await self.client.sessions.UpdateSession(request)).session
        say("update", updated.display_name)
        change.etag = before.etag
        try:
            await self.client.sessions.UpdateSession(UpdateSessionRequest(session=change, update_mask=mask))
        except Error as error:
            say("update_stale", error.code.name, error.reason)

    async def restart_server(self) -> None:
        await self.until(SESSION_STATE_IDLE)
        say("restart_server")
        await asyncio.to_thread(sys.stdin.readline)

    async def suspend(self) -> None:
        request = SuspendSessionRequest(session_id=self.session_id)
        say("suspend", state_name((await self.client.sessions.SuspendSession(request)).session))

    async def resume(self) -> None:
        await self.client.sessions.ResumeSession(ResumeSessionRequest(session_id=self.session_id))
        await self.until(SESSION_STATE_READY, SESSION_STATE_IDLE)
        say("resume")

    async def close(self) -> None:
        await self.client.sessions.CloseSession(CloseSessionRequest(session_id=self.session_id))
        closed = await self.until(SESSION_STATE_CLOSED)
        say("close", state_name(closed), str(closed.usage.turns))

    async def end_watch(self, hide: list[str]) -> None:
        await self.watching
        for event in self.watched:
            if type_name(event) not in hide:
                say("watch", type_name(event))
        expected = list(range(1, len(self.watched) + 1))
        whole = [event.sequence for event in self.watched] == expected
        say("end_watch", "gapless" if whole else "with gaps")

    async def until(self, *states: SessionState.ValueType) -> Session:
        answer = await self.client.sessions.WaitSession(
            WaitSessionRequest(session_id=self.session_id, states=states)
        )
        assert answer.matched, state_name(answer.session)
        return answer.session


def say(*words: str) -> None:
    print(*words, flush=True)


def state_name(session: Session) -> str:
    return SessionState.Name(session.state).removeprefix("SESSION_STATE_")


def turn_state_name(state: TurnState.ValueType) -> str:
    return TurnState.Name(state).removeprefix("TURN_STATE_")


def type_name(event: Event) -> str:
    return EventType.Name(event.type).removeprefix("EVENT_TYPE_").lower()


def connected(address: str, secrets: Path | None) -> Client:
    if secrets is None:
        return Client(address)
    ca, certificate, key = ((secrets / name).read_bytes() for name in ("ca.crt", "tls.crt", "tls.key"))
    tls = Tls(ca=ca, certificate=certificate, key=key, server_name="greenroom.test")
    return Client(address, tls=tls, token=TokenFile(secrets / "token"))


async def main(address: str, working_dir: str, scenario: Path, secrets: Path | None) -> None:
    steps: list[dict[str, Any]] = json.loads(scenario.read_text())
    async with connected(address, secrets) as client, asyncio.TaskGroup() as group:
        play = Play(client, working_dir, group)
        for step in steps:
            await getattr(play, step.pop("do"))(**step)


if __name__ == "__main__":
    given = [Path(secrets) for secrets in sys.argv[4:]]
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), given[0] if given else None))
