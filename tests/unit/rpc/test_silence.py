"""No call is silent for so long that a proxy with default settings ends it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from greenroom.v1.session_service_pb2 import CloseSessionRequest
from greenroom.v1.turn_service_pb2 import RunTurnRequest
from greenroomd.rpc.rpc_context import Context
from greenroomd.rpc.services import session_service
from greenroomd.rpc.services.health import Health
from greenroomd.rpc.stream.draining import Drain
from unit.rpc.conftest import ClaudeThatNeverStarts, running_edge

QUIET = timedelta(milliseconds=20)


async def test_a_turn_of_which_nothing_is_heard_sends_empty_frames(tmp_path: Path) -> None:
    async with running_edge(tmp_path, quiet=QUIET, processes=ClaudeThatNeverStarts()) as edge:
        session_id = (await edge.create()).session_id
        frames = edge.turns.RunTurn(RunTurnRequest(session_id=session_id, prompt="think"))
        empty = 0
        async for frame in frames:
            empty += not frame.ByteSize()
            if empty == 5:
                await edge.sessions.CloseSession(CloseSessionRequest(session_id=session_id, force=True))
                empty += 1
        assert empty > 5
        assert frame.turn.turn_id


async def test_a_watcher_of_health_hears_the_same_status_again() -> None:
    health = Health(["a"], Drain(), repeat=QUIET)
    watching = health.Watch(HealthCheckRequest(service="a"), cast(Context, None))
    async with aclosing(cast(AsyncGenerator[HealthCheckResponse, None], watching)) as statuses:
        heard = [await anext(statuses) for _ in range(3)]
    assert [each.status for each in heard] == [HealthCheckResponse.NOT_SERVING] * 3


@pytest.mark.parametrize(
    ("asked", "remaining", "wait"),
    [
        (None, None, 45),
        (3600, None, 45),
        (44, None, 44),
        (None, 3600, 45),
        (3600, 20, 19.5),
        (None, 1, 0.8),
        (0, 20, 0),
    ],
)
def test_a_wait_is_answered_before_a_proxy_or_the_client_gives_up(
    asked: float | None, remaining: float | None, wait: float
) -> None:
    def span(seconds: float | None) -> timedelta | None:
        return None if seconds is None else timedelta(seconds=seconds)

    assert session_service.longest_wait(span(asked), span(remaining)) == timedelta(seconds=wait)
