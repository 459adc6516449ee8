"""Listeners: what they hear, and that a listener's faults harm nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from contract.sample import creation, new_session
from greenroomd.app.ports.storage import StoredEvent
from greenroomd.app.watch.listeners import PassOver
from greenroomd.app.watch.listening import listening
from greenroomd.app.watch.watch import Watch
from greenroomd.domain.events import EventType
from unit.listeners.ear import IMPATIENT, NAMED, Ear, Log, a_log


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[Log]:
    async with a_log(tmp_path) as opened:
        yield opened


async def test_it_hears_everything_from_its_start_on_in_order(log: Log) -> None:
    before, ear = log.session.revision, Ear()
    async with log.heard_by(ear):
        await log.say(3)
        last = await log.say(50)
        await ear.until_taken(last)
    assert ear.taken == list(range(before + 1, last + 1))
    assert log.counts.told == [("heard", "Ear")] * len(ear.taken)


async def test_it_hears_only_what_it_asked_for(log: Log) -> None:
    ear = Ear(replace(IMPATIENT, types=frozenset({EventType.SESSION_CREATED})))
    async with log.heard_by(ear):
        await log.say(5)
        other = await log.store.commit(creation(new_session()))
        await ear.until_taken(other.revision)
    assert ear.taken == [other.revision]


async def test_what_raises_is_given_the_same_event_again_and_loses_none(log: Log) -> None:
    async def refuse_at_first(event: StoredEvent) -> None:
        if ear.given.count(event.revision) < 3:
            raise RuntimeError("not now")

    ear, other = Ear(act=refuse_at_first), Ear()
    async with log.heard_by(ear, other):
        first = await log.say()
        last = await log.say()
        await other.until_taken(last)
        await ear.until_taken(last)
    assert ear.given == [first] * 3 + [last] * 3
    assert ear.taken == [first, last]
    assert log.counts.told.count(("failed", "Ear")) == 4


async def test_one_that_waits_for_something_cancelled_is_given_the_event_again(log: Log) -> None:
    async def give_up_at_first(event: StoredEvent) -> None:
        if ear.given.count(event.revision) < 2:
            raise asyncio.CancelledError

    ear = Ear(act=give_up_at_first)
    async with log.heard_by(ear):
        last = await log.say()
        await ear.until_taken(last)
    assert ear.given == [last, last]
    assert log.counts.told == [("failed", "Ear"), ("heard", "Ear")]


async def test_an_event_that_cannot_be_read_is_passed_over(log: Log) -> None:
    def decode(event: StoredEvent) -> StoredEvent:
        if event.revision == bad:
            raise ValueError("no message")
        return event

    ear, bad = Ear(), log.session.revision + 1
    watch = Watch(log.store, log.tail, quiet=timedelta(milliseconds=5), per_session=1, per_node=9)
    async with listening([ear], watch, log.store.positions, decode, log.counts):
        last = await log.say(2)
        await ear.until_taken(last)
    assert ear.given == [last]
    assert ("passed over", "Ear") in log.counts.told


async def test_what_hangs_is_cancelled_and_asked_again_and_harms_nobody(log: Log) -> None:
    async def hang_at_first(event: StoredEvent) -> None:
        if ear.given.count(event.revision) < 2:
            await asyncio.Event().wait()

    ear, other = Ear(act=hang_at_first), Ear()
    async with log.heard_by(ear, other):
        last = await log.say()
        await other.until_taken(last)
        assert ear.taken == []
        await ear.until_taken(last)
    assert ear.given == [last, last]


async def test_a_slow_one_reads_from_the_store_what_memory_has_lost(tmp_path: Path) -> None:
    free = asyncio.Event()
    slow = Ear(replace(IMPATIENT, timeout=timedelta(minutes=1)), act=lambda _: _wait(free))
    async with a_log(tmp_path, remembered=1) as log, log.heard_by(slow):
        first = await log.say()
        await slow.until(lambda: slow.given == [first])
        last = await log.say(500)
        free.set()
        await slow.until_taken(last)
    assert slow.taken == list(range(first, last + 1))


async def test_it_may_pass_an_event_over_for_good(log: Log) -> None:
    async def never(event: StoredEvent) -> None:
        if event.revision == refused:
            raise PassOver("it is of no use")

    ear = Ear(act=never)
    async with log.heard_by(ear):
        refused = log.session.revision + 1
        last = await log.say(3)
        await ear.until_taken(last)
    assert ear.given == [refused, refused + 1, last]
    assert ear.taken == [refused + 1, last]
    assert ("passed over", "Ear") in log.counts.told


async def test_after_its_attempts_an_event_is_passed_over(log: Log) -> None:
    async def never(event: StoredEvent) -> None:
        if event.revision == refused:
            raise RuntimeError("never")

    ear = Ear(replace(IMPATIENT, attempts=3), act=never)
    async with log.heard_by(ear):
        refused = log.session.revision + 1
        last = await log.say(2)
        await ear.until_taken(last)
    assert ear.given == [refused] * 3 + [last]


async def test_with_a_name_it_goes_on_where_it_was(tmp_path: Path) -> None:
    async with a_log(tmp_path) as log:
        ear = Ear(NAMED)
        async with log.heard_by(ear):
            await ear.until_taken(await log.say(3))
        unheard = await log.say(4)
    async with a_log(tmp_path) as log:
        again = Ear(NAMED)
        async with log.heard_by(again):
            await again.until_taken(log.session.revision)
    assert again.taken[0] == ear.taken[-1] + 1
    assert set(range(ear.taken[-1] + 1, unheard + 1)) <= set(again.taken), "also what came while it was away"


async def test_without_a_name_it_hears_what_comes_while_it_listens(log: Log) -> None:
    async with log.heard_by(Ear()):
        pass
    await log.say(4)
    ear = Ear()
    async with log.heard_by(ear):
        last = await log.say()
        await ear.until_taken(last)
    assert ear.taken == [last]


async def test_its_end_is_quick_although_it_hangs_and_repeats_what_was_not_taken(log: Log) -> None:
    stuck = Ear(replace(NAMED, timeout=timedelta(hours=1)), act=lambda _: _wait(asyncio.Event()))
    async with log.heard_by(stuck):
        event = await log.say()
        await stuck.until(lambda: stuck.given == [event])
    ear = Ear(NAMED)
    async with log.heard_by(ear):
        await ear.until_taken(event)
    assert ear.taken == [event]


async def test_one_with_a_life_of_its_own_is_entered_and_left(log: Log) -> None:
    life: list[str] = []

    class Living(Ear):
        async def __aenter__(self) -> None:
            life.append("entered")

        async def __aexit__(self, *error: object) -> None:
            life.append("left")

    async with log.heard_by(Living()):
        assert life == ["entered"]
    assert life == ["entered", "left"]


async def test_an_error_in_the_block_comes_out_as_it_is(log: Log) -> None:
    with pytest.raises(KeyError):
        async with log.heard_by(Ear()):
            raise KeyError


async def _wait(free: asyncio.Event) -> None:
    await free.wait()
