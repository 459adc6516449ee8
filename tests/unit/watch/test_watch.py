"""How a watch waits, tells where it stands, is limited and ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from datetime import timedelta

import pytest

from greenroomd.app.ports.storage import Selection
from greenroomd.app.watch.tail import Batch
from greenroomd.domain.errors import CursorBelowFloor, InvalidRequest
from greenroomd.domain.events import EventType
from greenroomd.domain.retryable_errors import WatcherCapReached
from unit.watch.log import Log, only

WITHIN = 60.0


@asynccontextmanager
async def closing(batches: AsyncIterator[Batch]) -> AsyncIterator[AsyncIterator[Batch]]:
    """Let a stream of batches be over when the block is."""
    async with aclosing(batches):  # type: ignore[type-var]
        yield batches


async def after_the_wait(condition: Callable[[], bool]) -> None:
    """Let others run until something is so."""
    async with asyncio.timeout(WITHIN):
        while not condition():  # noqa: ASYNC110 -- what others have seen, they tell nobody
            await asyncio.sleep(0)


async def read_into(batches: AsyncIterator[Batch], seen: list[Batch]) -> None:
    async for batch in batches:  # what was seen before a cancellation counts
        seen.append(batch)  # noqa: PERF401


def revisions(seen: list[Batch]) -> list[int]:
    return [event.revision for batch in seen for event in batch.events]


async def test_history_and_what_follows_it_come_in_one_stream() -> None:
    log = Log(max_bytes=1)
    log.commit("s0", count=10)
    seen: list[Batch] = []
    async with closing(log.watch().batches(only("s0"), after=0)) as batches, asyncio.TaskGroup() as group:
        reading = group.create_task(read_into(batches, seen))
        await after_the_wait(lambda: len(revisions(seen)) == 10)
        reads = log.reads
        for expected in (11, 12, 13):
            log.commit("s0")
            await after_the_wait(lambda expected=expected: revisions(seen)[-1] == expected)  # type: ignore[misc]
        assert log.reads == reads  # live, the store is left alone
        reading.cancel()
    assert revisions(seen) == list(range(1, 14))


async def test_a_watcher_wakes_for_what_another_node_committed() -> None:
    log = Log()
    seen: list[Batch] = []
    async with closing(log.watch().batches(only("s0"), after=0)) as batches, asyncio.TaskGroup() as group:
        reading = group.create_task(read_into(batches, seen))
        log.commit("s0")
        await after_the_wait(lambda: revisions(seen) == [1])
        log.commit_elsewhere("s0")
        log.commit("s2")  # of another session: only its number tells that something is missing
        await after_the_wait(lambda: revisions(seen) == [1, 2])
        log.commit_elsewhere("s0")
        log.hear_of_the_others()
        await after_the_wait(lambda: revisions(seen) == [1, 2, 4])
        reading.cancel()


async def test_a_watcher_that_does_not_read_costs_nothing_and_catches_up() -> None:
    log = Log(max_bytes=100_000)
    async with closing(log.watch().batches(only("s0"), after=0)) as batches:
        log.commit("s0")
        assert [event.revision for event in (await anext(batches)).events] == [1]
        for _ in range(1_000):
            log.commit("s0")
        assert log.reads == 0
        seen: list[Batch] = []
        while revisions(seen)[-1:] != [1_001]:
            seen.append(await anext(batches))
    assert revisions(seen) == list(range(2, 1_002))


async def test_a_watcher_with_nothing_to_see_is_told_where_it_stands() -> None:
    log = Log()
    log.commit("s1", count=7)
    async with closing(log.watch(quiet=timedelta(milliseconds=1)).batches(only("s0"), after=7)) as batches:
        log.commit("s1", count=2)
        batch = await anext(batches)
    assert (list(batch.events), batch.revision, batch.dropped) == ([], 9, 0)


async def test_bookmarks_come_though_others_are_busy() -> None:
    log = Log()
    log.commit("s0")
    selection = only("s0", types=frozenset({EventType.MESSAGE_ASSISTANT}))
    watch = log.watch(quiet=timedelta(milliseconds=50))
    seen: list[Batch] = []
    async with closing(watch.batches(selection, after=1)) as batches, asyncio.TaskGroup() as group:
        reading = group.create_task(read_into(batches, seen))
        async with asyncio.timeout(WITHIN):
            while len(seen) < 2:
                log.commit("s0")  # rings, and does not match
                await asyncio.sleep(0.001)
        reading.cancel()
    assert revisions(seen) == []
    assert 1 < seen[0].revision < seen[1].revision


async def test_a_bookmark_waits_for_its_quiet_time_after_the_last_batch() -> None:
    log = Log()
    quiet = timedelta(milliseconds=50)
    async with closing(log.watch(quiet=quiet).batches(only("s0"), after=0)) as batches:
        began = time.monotonic()
        for number in (1, 2, 3):
            await anext(batches)
            assert time.monotonic() - began >= number * quiet.total_seconds() * 0.99


async def test_a_watcher_that_caught_up_in_the_store_is_told_where_it_stands() -> None:
    log = Log(max_bytes=1)
    log.commit("s0")
    log.commit("s1", count=4)
    async with closing(log.watch().batches(only("s0"), after=0)) as batches:
        first, second = await anext(batches), await anext(batches)
    assert (revisions([first]), first.revision) == ([1], 1)
    assert (revisions([second]), second.revision) == ([], 5)


@pytest.mark.parametrize("max_bytes", [1, 1_000_000])
async def test_catching_up_ends_with_a_cursor_at_the_head(max_bytes: int) -> None:
    log = Log(max_bytes=max_bytes)
    log.commit("s1", count=4)
    async with closing(log.watch().batches(only("s0"), after=0)) as batches:
        batch = await anext(batches)
    assert (list(batch.events), batch.revision) == ([], 4)


async def test_a_cursor_below_the_floor_is_refused() -> None:
    log = Log(max_bytes=1)
    log.commit("s0", count=10)
    log.oldest = 5
    watch = log.watch()
    with pytest.raises(CursorBelowFloor) as refusal:
        await anext(watch.batches(only("s0"), after=3))
    assert (refusal.value.oldest, refusal.value.head) == (5, 10)
    assert watch.open == 0
    async with closing(watch.batches(only("s0"), after=4)) as batches:
        assert (await anext(batches)).events[0].revision == 5


async def test_a_cursor_of_the_future_is_refused() -> None:
    log = Log()
    log.commit("s0")
    with pytest.raises(InvalidRequest):
        await anext(log.watch().batches(only("s0"), after=2))


async def test_each_session_and_the_node_have_room_for_so_many() -> None:
    log = Log()
    log.commit("s0")
    watch = log.watch(per_session=2, per_node=3)

    async def opened(stack: AsyncExitStack, selection: Selection) -> None:
        batches = await stack.enter_async_context(closing(watch.batches(selection, after=0)))
        await anext(batches)

    async with AsyncExitStack() as stack:
        await opened(stack, only("s0", "s1"))
        await opened(stack, only("s0"))
        with pytest.raises(WatcherCapReached, match="s0"):
            await opened(stack, only("s1", "s0"))
        assert watch.open == 2
        await opened(stack, Selection())
        with pytest.raises(WatcherCapReached, match="node"):
            await opened(stack, only("s3"))
    assert watch.open == 0
    async with AsyncExitStack() as stack:  # the room is given back
        for selection in (only("s0"), only("s0"), Selection()):
            await opened(stack, selection)


async def test_a_cancelled_watcher_leaves_nothing_behind() -> None:
    log = Log()
    watch = log.watch()
    seen: list[Batch] = []
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(read_into(watch.batches(only("s0"), after=0), seen))
        await after_the_wait(lambda: watch.open == 1)
        assert log.tail.topics == {"s0"}
        reading.cancel()
    assert watch.open == 0
    assert log.tail.topics == set()


async def test_only_what_was_shown_and_lost_since_it_began_is_counted() -> None:
    log = Log(max_bytes=3_000)
    for _ in range(20):
        log.show("s0")
    log.commit("s0", count=10)
    async with closing(log.watch().batches(only("s0"), after=0, ephemeral=True)) as batches:
        seen = [await anext(batches)]
        while revisions(seen)[-1] != 10:
            seen.append(await anext(batches))
        log.show("s0")
        seen.append(await anext(batches))
        assert [batch.dropped for batch in seen] == [0] * len(seen)
        for _ in range(20):
            log.show("s0")
        log.commit("s0", count=10)
        seen = []
        while revisions(seen)[-1:] != [20]:
            seen.append(await anext(batches))
    assert sum(batch.dropped for batch in seen) == 20
    assert revisions(seen) == list(range(11, 21))


async def test_who_does_not_ask_for_ephemeral_events_misses_none() -> None:
    log = Log(max_bytes=1)
    async with closing(log.watch().batches(only("s0"), after=0)) as batches:
        log.commit("s0")
        await anext(batches)
        for _ in range(5):
            log.show("s0")
        log.commit("s0")
        seen = [await anext(batches)]
    assert (revisions(seen), seen[0].dropped) == ([2], 0)
