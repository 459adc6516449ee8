"""The mailbox: in order, nothing lost, and no longer than its reader wants to wait."""

from __future__ import annotations

import asyncio

from greenroomd.app.supervision.mailbox import Mailbox


async def test_what_was_put_comes_out_in_order() -> None:
    mailbox = Mailbox[int]()
    for item in (1, 2, 3):
        mailbox.put(item)
    assert len(mailbox) == 3
    assert [await mailbox.take(None), await mailbox.take(0), mailbox.take_now(), mailbox.take_now()] == [
        1,
        2,
        3,
        None,
    ]


async def test_nothing_in_time_is_none() -> None:
    mailbox = Mailbox[int]()
    assert await mailbox.take(0) is None
    assert await mailbox.take(0.001) is None
    mailbox.put(1)
    assert await mailbox.take(0) == 1


async def test_a_reader_wakes_for_what_is_put() -> None:
    mailbox = Mailbox[int]()
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(mailbox.take(None))
        await asyncio.sleep(0)
        assert not reading.done()
        mailbox.put(1)
    assert reading.result() == 1


async def test_a_cancelled_reader_takes_nothing_with_it() -> None:
    mailbox = Mailbox[int]()
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(mailbox.take(None))
        await asyncio.sleep(0)
        mailbox.put(1)
        reading.cancel()
    assert len(mailbox) == 1
    assert await mailbox.take(None) == 1
