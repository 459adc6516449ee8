"""What serves all sessions goes on after a failure that nobody foresaw, and takes nothing along."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from greenroomd.app.maintenance.expiry_timer import DueWakeup, expiring
from greenroomd.app.maintenance.prewarming import warming
from greenroomd.app.maintenance.retention import keepings, retaining
from greenroomd.app.ports.process_slots import Claim, WarmStart
from greenroomd.app.ports.processes import Launch
from greenroomd.app.watch.history_readers import HistoryReaders
from greenroomd.processes.node.allowed_roots import AllowedRoots
from greenroomd.rpc.stream.event_codec import EventCodec
from greenroomd.store.sql_store import SqlStore, open_store


class FailsOnce:
    """Something that is called at each round; the first call fails, the second is waited for."""

    def __init__(self) -> None:
        self.failed = False
        self.called_again = asyncio.Event()

    def __call__(self) -> None:
        if not self.failed:
            self.failed = True
            raise ZeroDivisionError
        self.called_again.set()

    def now(self) -> datetime:
        self()
        return datetime.now(UTC)

    def head(self) -> int:
        self()
        return 0

    def keep(self, _wanted: Sequence[WarmStart]) -> None:
        self()

    def claim(self, _launch: Launch) -> Claim | None:
        return None


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    url = f"sqlite:///{tmp_path}/greenroom.db"
    async with open_store(
        url, key_file=tmp_path / "keys", codec=EventCodec, announce=lambda *_: None
    ) as running:
        yield running


@pytest.mark.parametrize("task", ["expiry", "retention", "warming"])
async def test_it_goes_on_after_a_failure(store: SqlStore, tmp_path: Path, task: str) -> None:
    once = FailsOnce()
    nobody: Any = None  # no session is due, so nobody is asked to act on one
    work = {
        "expiry": lambda: expiring(store, nobody, DueWakeup(), once.now),
        "retention": lambda: retaining(
            store.compactor,
            keepings(timedelta(days=1), 10),
            once.head,
            once.now,
            readers=HistoryReaders(),
            every=timedelta(),
        ),
        "warming": lambda: warming(store.profiles, AllowedRoots([tmp_path]), once, asyncio.Event()),
    }
    with capture_logs() as logged:
        async with work[task]():
            await asyncio.wait_for(once.called_again.wait(), 20)
    assert [entry["task"] for entry in logged if entry["event"] == "task_failed"] == [task]
