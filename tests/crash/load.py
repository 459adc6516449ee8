"""Clients that work through the crashes of their server: they repeat a request until it is answered."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import grpc.aio

from fake_cli.installed import turn
from greenroom.v1.session_service_pb2 import (
    CloseSessionRequest,
    CreateSessionRequest,
    SuspendSessionRequest,
    WaitSessionRequest,
)
from greenroom.v1.turn_service_pb2 import IF_BUSY_QUEUE, InterruptTurnRequest, StartTurnRequest
from greenroom_server import GreenroomServer
from observation import AWAY, Recording
from story import working

Answer = TypeVar("Answer")

SCRIPTS: tuple[dict[str, Any], ...] = (
    {},
    {"events": 30},
    {"wait": 0.1},
    {"wait": 1.0},
    {"fork": "marked"},
    {"ask": {"name": "Bash", "input": {"command": "make"}}},
)
REFUSALS = (grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.RESOURCE_EXHAUSTED)


class Client:
    """Creates sessions and works with them until told to stop; every choice comes from *chance*."""

    def __init__(self, server: GreenroomServer, recording: Recording, chance: random.Random) -> None:
        self._server = server
        self._recording = recording
        self._chance = chance
        self.started: set[str] = set()
        """The request ids of all turns that were acknowledged."""

    async def work(self, enough: asyncio.Event) -> None:
        """Work on one session after another."""
        while not enough.is_set():
            session_id = await self._create()
            for _ in range(self._chance.randrange(3, 20)):
                if not enough.is_set():
                    await self._step(session_id)
            if self._chance.random() < 0.5:
                await self._close(session_id)

    async def _create(self) -> str:
        request = CreateSessionRequest(
            workspace_id="crash", config=working(self._server), request_id=self._uuid()
        )
        created = await until_answered(lambda: self._server.sessions.CreateSession(request))
        assert created is not None
        self._recording.created.add(created.session.session_id)
        return created.session.session_id

    async def _close(self, session_id: str) -> None:
        request = CloseSessionRequest(session_id=session_id, force=self._chance.random() < 0.5)
        await until_answered(lambda: self._server.sessions.CloseSession(request))

    async def _step(self, session_id: str) -> None:
        choice = self._chance.random()
        if choice < 0.6:
            await self._start_turn(session_id)
        elif choice < 0.8:
            wait = WaitSessionRequest(session_id=session_id)
            wait.timeout.FromMilliseconds(100)
            await until_answered(lambda: self._server.sessions.WaitSession(wait))
        elif choice < 0.9:
            interrupt = InterruptTurnRequest(session_id=session_id)
            await until_answered(lambda: self._server.turns.InterruptTurn(interrupt))
        else:
            suspend = SuspendSessionRequest(session_id=session_id, force=True)
            await until_answered(lambda: self._server.sessions.SuspendSession(suspend))

    async def _start_turn(self, session_id: str) -> None:
        request = StartTurnRequest(
            session_id=session_id,
            prompt=turn(**self._chance.choice(SCRIPTS)),
            if_busy=IF_BUSY_QUEUE,
            request_id=self._uuid(),
        )
        answer = await until_answered(lambda: self._server.turns.StartTurn(request))
        if answer is not None:
            self._recording.acknowledged[answer.turn.turn_id] = answer.turn
            self.started.add(request.request_id)

    def _uuid(self) -> str:
        return str(uuid.UUID(int=self._chance.getrandbits(128), version=4))


async def until_answered(call: Callable[[], Awaitable[Answer]]) -> Answer | None:
    """Return the answer, whatever crashes on the way; None if the session's state forbids the call."""
    while True:
        try:
            return await call()
        except grpc.aio.AioRpcError as error:
            if error.code() in REFUSALS:
                return None
            if error.code() not in AWAY:
                raise
        except grpc.aio.UsageError:
            pass  # the channel was just exchanged
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise  # else the channel was closed under the call
        await asyncio.sleep(0.02)  # nobody tells when the server is there again
