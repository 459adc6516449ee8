import asyncio

from greenroomd.domain.frames.frame import Garbage, StreamMarker
from greenroomd.processes.claude.protocol.frame_buffer import FrameBuffer


def frame(size: int) -> StreamMarker:
    return StreamMarker(raw=b"x" * size)


async def test_all_there_is_is_taken_at_once_and_in_order() -> None:
    unread = FrameBuffer()
    frames = [frame(1), frame(2), frame(3)]
    for each in frames:
        unread.append(each)
    assert await unread.take() == frames


async def test_taking_waits_for_the_next_frame() -> None:
    unread = FrameBuffer()
    async with asyncio.TaskGroup() as tasks:
        taking = tasks.create_task(unread.take())
        await asyncio.sleep(0)
        assert not taking.done()
        unread.append(frame(1))
    assert taking.result() == [frame(1)]


async def test_the_end_comes_after_the_last_frame() -> None:
    unread = FrameBuffer()
    unread.append(frame(1))
    unread.close()
    assert await unread.take() == [frame(1)]
    assert await unread.take() == []
    assert await unread.take() == []


async def test_it_is_full_until_the_frames_are_taken() -> None:
    unread = FrameBuffer(soft_limit=10)
    unread.append(frame(9))
    assert not unread.full
    unread.append(frame(1))
    assert unread.full
    await unread.take()
    assert not unread.full


async def test_what_is_dropped_is_reported() -> None:
    unread = FrameBuffer(soft_limit=5, hard_limit=10)
    for _ in range(5):
        unread.append(frame(6))
    *kept, report = await unread.take()
    assert kept == [frame(6)] * 2
    assert report == Garbage(raw=b"", reason="3 frames dropped: nobody took them")
    unread.append(frame(1))
    assert await unread.take() == [frame(1)]
