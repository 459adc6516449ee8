"""A look-up that hangs costs a thread, and nobody else a moment."""

import asyncio
import os
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from greenroomd.domain.retryable_errors import StoreUnavailable
from greenroomd.processes.filesystem.directory import Directory, open_directory
from greenroomd.processes.filesystem.filesystem_pool import FilesystemHangs, FilesystemPool
from greenroomd.processes.node import allowed_roots
from greenroomd.processes.node.allowed_roots import AllowedRoots

SHORT = timedelta(milliseconds=50)

HANGS_AT_EXIT = """
import asyncio, os, sys
from greenroomd.processes.filesystem.filesystem_pool import FilesystemHangs, FilesystemPool
from datetime import timedelta

async def main() -> None:
    pool = FilesystemPool(timeout=timedelta(milliseconds=100))
    try:
        await pool.run("disk", lambda: open(sys.argv[1]))  # a FIFO that nobody writes to
    except FilesystemHangs:
        print("hangs", flush=True)

asyncio.run(main())
"""


async def test_what_is_found_is_returned_and_what_is_raised_is_raised() -> None:
    pool = FilesystemPool()
    assert await pool.run("disk", lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        await pool.run("disk", lambda: 1 // 0)


def test_a_look_up_that_hangs_does_not_hold_up_the_exit(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    started = time.monotonic()
    program = [sys.executable, "-c", HANGS_AT_EXIT, str(tmp_path / "fifo")]
    done = subprocess.run(program, check=True, capture_output=True, timeout=30)
    assert done.stdout == b"hangs\n"
    assert time.monotonic() - started < 15, "it would hang for ever"


async def test_when_all_threads_hang_the_next_look_up_is_refused_and_the_threads_come_back() -> None:
    pool, answering = FilesystemPool(threads=2, timeout=SHORT), threading.Event()
    looked: list[str] = []
    for _ in range(2):
        with pytest.raises(FilesystemHangs):
            await pool.run("disk", answering.wait)
    before = threading.active_count()
    with pytest.raises(FilesystemHangs, match="did not answer within"):
        await pool.run("disk", lambda: looked.append("too late"))
    assert threading.active_count() == before, "no thread is started beyond the bound"
    answering.set()
    patient = 0
    while patient < 100:
        try:
            assert await pool.run("disk", lambda: 7) == 7
            break
        except FilesystemHangs:
            patient += 1
    assert not looked, "nobody waited for it any more"


async def test_a_file_system_that_hangs_leaves_threads_for_others_and_refuses_the_next_look_up() -> None:
    pool, answering = FilesystemPool(threads=4, per_filesystem=2, hangs_after=SHORT), threading.Event()
    before = threading.active_count()
    async with asyncio.TaskGroup() as tasks:
        hanging = [tasks.create_task(pool.run("mount", answering.wait)) for _ in range(20)]
        async with asyncio.timeout(60):
            assert await pool.run("disk", lambda: 7) == 7
            assert "did not answer within 0.05 s" in await refusal(pool)
        assert await pool.run("disk", lambda: 8) == 8
        assert threading.active_count() <= before + 3
        assert not any(task.done() for task in hanging)
        answering.set()
    assert [task.result() for task in hanging] == [True] * 20, "each got its turn"
    assert await pool.run("mount", lambda: 9) == 9


async def refusal(pool: FilesystemPool) -> str:
    """Return why a look-up in the mount is refused, once it is; until then it would have to wait."""
    while True:
        try:
            async with asyncio.timeout(0.01):
                await pool.run("mount", lambda: None)
        except FilesystemHangs as error:
            return str(error)
        except TimeoutError:
            pass


async def test_a_look_up_that_gave_up_waiting_for_a_thread_is_not_made() -> None:
    pool, answering = FilesystemPool(per_filesystem=1), threading.Event()
    looked: list[str] = []
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(pool.run("mount", answering.wait))
        impatient = tasks.create_task(pool.run("mount", lambda: looked.append("too late")))
        tasks.create_task(pool.run("mount", lambda: looked.append("in time")))
        await asyncio.sleep(0)
        impatient.cancel()
        await asyncio.wait([impatient])
        answering.set()
    assert looked == ["in time"]


async def test_what_a_cancelled_caller_would_have_got_is_discarded() -> None:
    pool, looking, answering = FilesystemPool(), threading.Event(), threading.Event()
    discarded: asyncio.Queue[Directory] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def look() -> Directory:
        looking.set()
        answering.wait(10)
        return open_directory("/")

    async with asyncio.TaskGroup() as tasks:
        found = lambda directory: loop.call_soon_threadsafe(discarded.put_nowait, directory)  # noqa: E731
        caller = tasks.create_task(pool.run("disk", look, found))
        await asyncio.to_thread(looking.wait, 10)
        caller.cancel()
        answering.set()
    (await discarded.get()).close()


async def test_a_hanging_directory_is_named_to_the_caller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering = threading.Event()
    monkeypatch.setattr(allowed_roots, "open_directory", lambda *_: answering.wait(10))
    roots = AllowedRoots([tmp_path], FilesystemPool(timeout=SHORT))
    with pytest.raises(StoreUnavailable, match="did not answer"):
        await roots.resolve(str(tmp_path))
    answering.set()
