"""The rounds of the retention: what was committed since the last one is not cut, so no watcher is overtaken."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

from contract.sample import NOON, JsonCodec, creation, new_session, saying
from greenroomd.app.maintenance.retention import keepings, retaining
from greenroomd.app.ports.storage import Selection
from greenroomd.app.watch.history_readers import HistoryReaders
from greenroomd.domain.session import Session
from greenroomd.store.sql_store import SqlStore, open_store

DAY = timedelta(days=1)
ROUND = timedelta(milliseconds=500)
PATIENCE = 60.0  # seconds; only a failing test waits so long


async def first_cut(store: SqlStore, session: Session) -> int:
    """Wait until a session's log is cut, and return the oldest revision from which on nothing is missing."""
    async with asyncio.timeout(PATIENCE):
        while True:
            floor = await store.floor(Selection.of_session(session.session_id))
            if floor > 1:
                return floor


async def test_a_round_cuts_only_what_the_round_before_had_seen(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/greenroom.db"
    began = asyncio.Event()
    async with open_store(
        url, key_file=tmp_path / "keys", codec=lambda _: JsonCodec(), announce=lambda *_: None
    ) as store:

        def head() -> int:
            began.set()
            return store.head

        session = await store.commit(creation(new_session()))
        session = await store.commit(saying(session, "one", "two", "three"))
        seen = store.head
        kept = keepings(DAY, 1)  # all of it is too old by then, and too much
        async with retaining(
            store.compactor, kept, head, lambda: NOON + 100 * DAY, readers=HistoryReaders(), every=ROUND
        ):
            await began.wait()
            session = await store.commit(saying(session, "four", "five", "six"))
            assert await first_cut(store, session) == seen + 1
