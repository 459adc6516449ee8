"""Health says that nothing works while the store does not answer or its writer has stopped."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub

from greenroomd.app.background import background_tasks
from greenroomd.app.maintenance.readiness import ProbeTimes, follow_readiness
from greenroomd.domain.retryable_errors import StoreUnavailable
from unit.rpc.conftest import Edge, running_edge

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
OFTEN = ProbeTimes(
    every=timedelta(milliseconds=20), again=timedelta(milliseconds=20), answer=timedelta(milliseconds=300)
)


def watch(edge: Edge, service: str) -> Any:
    health: Any = HealthStub(edge.channel)
    return health.Watch(health_pb2.HealthCheckRequest(service=service), timeout=60)


async def status(edge: Edge, service: str) -> Any:
    health: Any = HealthStub(edge.channel)
    return (await health.Check(health_pb2.HealthCheckRequest(service=service))).status


async def test_readiness_follows_a_database_that_refuses_to_write(tmp_path: Path) -> None:
    async with running_edge(tmp_path, probes=OFTEN) as edge:
        await edge.create()
        readiness, sessions = watch(edge, "readiness"), watch(edge, "greenroom.v1.SessionService")
        seen = [(await stream.read()).status for stream in (readiness, sessions)]
        with closing(sqlite3.connect(tmp_path / "greenroom.db", isolation_level=None)) as stuck:
            stuck.execute("BEGIN IMMEDIATE")
            seen += [(await stream.read()).status for stream in (readiness, sessions)]
            assert await status(edge, "liveness") == SERVING
            assert await status(edge, "") == NOT_SERVING
            stuck.execute("ROLLBACK")
        seen += [(await stream.read()).status for stream in (readiness, sessions)]
        assert seen == [SERVING] * 2 + [NOT_SERVING] * 2 + [SERVING] * 2
        readiness.cancel()
        sessions.cancel()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_server_whose_writer_has_stopped_is_not_ready(tmp_path: Path) -> None:
    broken = False

    def clock() -> datetime:
        if broken:
            raise SystemExit  # ends the writer's thread, which asks for the time
        return datetime.now(UTC)

    async with running_edge(tmp_path, probes=OFTEN, clock=clock) as edge:
        readiness = watch(edge, "readiness")
        assert (await readiness.read()).status == SERVING
        broken = True
        assert (await readiness.read()).status == NOT_SERVING
        assert await status(edge, "liveness") == SERVING
        readiness.cancel()


class Scripted:
    """A store without commits that works or fails as the script says, look by look."""

    head = 0

    def __init__(self, script: list[bool]) -> None:
        self.script = script
        self.over = asyncio.Event()

    async def probe(self) -> None:
        if not self.script:
            self.over.set()
            await asyncio.Event().wait()
        if not self.script.pop(0):
            raise StoreUnavailable("scripted")


async def test_one_failure_is_no_outage_and_one_success_ends_one() -> None:
    store = Scripted([True, False, True, False, False, False, True, False, True])
    changes: list[bool] = []
    at_once = ProbeTimes(every=timedelta(), again=timedelta())
    async with background_tasks(follow_readiness(store, changes.append, at_once)):
        await asyncio.wait_for(store.over.wait(), 20)
    assert changes == [False, True]
