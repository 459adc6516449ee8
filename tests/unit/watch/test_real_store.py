"""The watch over the real store: many sessions commit at once, many watchers come and go, and none misses anything."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import aclosing
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from contract.sample import NOON, JsonCodec, creation, new_session, saying
from greenroomd.app.maintenance.retention import compact, keepings
from greenroomd.app.ports.storage import BEGINNING, Selection, Store, StoredEvent
from greenroomd.app.watch import watch as watch_module
from greenroomd.app.watch.tail import Tail
from greenroomd.app.watch.watch import Watch
from greenroomd.domain.errors import CursorBelowFloor
from greenroomd.store.sql_store import open_store

COMMITS = 60
WORKSPACES = ("lab", "office")


async def live(store: Store, workspace_id: str) -> None:
    session = await store.commit(creation(new_session(workspace_id=workspace_id)))
    for number in range(COMMITS):
        session = await store.commit(saying(session, "x" * 400, str(number)))


async def watched(watch: Watch, selection: Selection, after: int, up_to: asyncio.Future[int]) -> list[int]:
    """Return the revisions that a watcher sees until it stands at the end of the log."""
    seen: list[StoredEvent] = []
    async with aclosing(watch.batches(selection, after=after)) as batches:
        async for batch in batches:
            seen += batch.events
            if up_to.done() and batch.revision >= up_to.result():
                break
    sequences = defaultdict[str, list[int]](list)
    for event in seen:
        sequences[event.session_id].append(event.sequence)
    for numbers in sequences.values():
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    return [event.revision for event in seen]


@pytest.mark.parametrize("max_bytes", [5_000, 64 * 1024 * 1024])
async def test_watchers_from_anywhere_miss_nothing_while_sessions_commit(
    tmp_path: Path, max_bytes: int
) -> None:
    tail = Tail(0, max_bytes=max_bytes)
    url = f"sqlite:///{tmp_path / 'greenroom.db'}"
    async with open_store(
        url, key_file=tmp_path / "keys", codec=lambda _: JsonCodec(), announce=tail.announce
    ) as store:
        tail.begin(store.head)
        watch = Watch(store, tail, quiet=timedelta(milliseconds=20), per_session=50, per_node=1_000)
        end = asyncio.get_running_loop().create_future()
        watchers: list[tuple[Selection, int, asyncio.Task[list[int]]]] = []
        async with asyncio.TaskGroup() as group:
            lives = [group.create_task(live(store, WORKSPACES[number % 2])) for number in range(6)]
            while not all(task.done() for task in lives):
                for selection in (Selection(), Selection(workspace_id="lab")):
                    for after in (0, tail.head // 2, tail.head):
                        task = group.create_task(watched(watch, selection, after, end))
                        watchers.append((selection, after, task))
                await asyncio.wait(lives, timeout=0.05)
            end.set_result(store.head)
        for selection, after, task in watchers:
            stored = await whole_log(store, selection, after)
            assert task.result() == stored
        assert watch.open == 0


async def whole_log(store: Store, selection: Selection, after: int) -> list[int]:
    revisions: list[int] = []
    while page := await store.events(selection, after=after, limit=1_000):
        revisions += [event.revision for event in page]
        after = revisions[-1]
    return revisions


async def test_who_goes_on_reading_a_long_history_is_not_overtaken_and_who_does_not_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_module, "PAGE_EVENTS", 10)
    tail = Tail(0, max_bytes=1)
    url = f"sqlite:///{tmp_path / 'greenroom.db'}"
    async with open_store(
        url, key_file=tmp_path / "keys", codec=lambda _: JsonCodec(), announce=tail.announce
    ) as store:
        tail.begin(store.head)
        await live(store, "lab")
        everything = await whole_log(store, Selection(), 0)
        watch = Watch(store, tail, quiet=timedelta(hours=1), per_session=1, per_node=9)

        async def round_of_retention() -> int:
            """Keep next to nothing of what is not spared; return what is left."""
            for keeping in keepings(timedelta(days=1), 1):
                up_to = partial(tail.readers.spared, store.head)
                await compact(store.compactor, keeping, NOON + timedelta(days=100), up_to=up_to)
            tail.readers.begin_round()
            return await store.floor(Selection())

        async with aclosing(watch.batches(Selection(), after=BEGINNING)) as reading:
            seen: list[int] = []
            while len(seen) < len(everything):
                seen += [event.revision for event in (await anext(reading)).events]
                assert await round_of_retention() > seen[0]
            assert seen == everything
        assert await round_of_retention() > seen[-1]

        more = await store.commit(creation(new_session()))
        begins = store.head - 1
        await store.commit(saying(more, *(str(number) for number in range(30))))
        async with aclosing(watch.batches(Selection(), after=begins)) as sleeping:
            await anext(sleeping)
            await round_of_retention()
            await round_of_retention()
            with pytest.raises(CursorBelowFloor):
                await anext(sleeping)
