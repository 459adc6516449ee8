"""No descriptor is free: what serves all sessions goes on, and what fails leaves nothing behind."""

import asyncio
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from descriptors import descriptors_left, open_descriptors
from driving import IMPATIENT, eventually
from greenroomd.app.ports.processes import ProcessFailed
from greenroomd.processes.filesystem.directory import open_directory
from greenroomd.processes.host.child import Child, running
from greenroomd.processes.host.memory_watchdog import MemoryWatchdog, Ward
from greenroomd.processes.host.redaction import Redactor
from greenroomd.processes.host.spawn import MARKER, Command
from greenroomd.processes.linux import procfs

SLEEPER = [sys.executable, "-IS", "-c", "import time; time.sleep(60)"]


class Silent:
    """A listener that wants nothing."""

    def started(self, child: Child) -> None:
        pass

    def complained(self, data: bytes) -> None:
        pass

    def received(self, data: bytes) -> bool:
        return True

    def closed(self) -> None:
        pass


@contextmanager
def a_sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(SLEEPER, start_new_session=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A session leader that does nothing."""
    with a_sleeper() as process:
        yield process


@pytest.fixture
def other() -> Iterator[subprocess.Popen[bytes]]:
    """One more of them."""
    with a_sleeper() as process:
        yield process


def a_child_is_left() -> bool:
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return False
    return True


def a_ward(process: subprocess.Popen[bytes], limit: int | None = 1) -> Ward:
    identity = procfs.identify(process.pid, datetime.now(UTC))
    return Ward(leader=identity, marker=uuid.uuid4().hex, limit=limit, kill=process.kill)


def test_processes_are_found_and_killed(sleeper: subprocess.Popen[bytes]) -> None:
    identity = procfs.identify(sleeper.pid, datetime.now(UTC))
    with descriptors_left(0):
        assert procfs.alive(identity)
        assert sleeper.pid in procfs.pids()
        assert procfs.members(identity) == [sleeper.pid]
        assert procfs.resident_bytes(sleeper.pid) > 0
        assert procfs.kill(sleeper.pid, lambda pid: procfs.belongs(pid, identity))
        assert sleeper.wait() == -signal.SIGKILL


async def test_the_watchdog_goes_on(sleeper: subprocess.Popen[bytes]) -> None:
    watchdog = MemoryWatchdog(timedelta(milliseconds=10))
    async with watchdog.on_duty():
        with descriptors_left(0), watchdog.watching(a_ward(sleeper)):
            await eventually(lambda: sleeper.poll() is not None)


async def test_the_watchdog_looks_again_after_a_look_for_which_there_was_no_thread(
    sleeper: subprocess.Popen[bytes],
) -> None:
    loop, no_thread = asyncio.get_running_loop(), ThreadPoolExecutor()
    no_thread.shutdown()  # as without a free thread, every task is refused with a RuntimeError
    watchdog = MemoryWatchdog(timedelta(milliseconds=10))
    async with watchdog.on_duty():
        loop.set_default_executor(no_thread)
        with watchdog.watching(a_ward(sleeper)):
            with capture_logs() as lines:
                await eventually(lambda: any(line.get("task") == "memory_watchdog" for line in lines))
            assert sleeper.poll() is None
            loop.set_default_executor(ThreadPoolExecutor())
            await eventually(lambda: sleeper.poll() is not None)


async def test_a_ward_that_cannot_be_killed_harms_no_other(
    sleeper: subprocess.Popen[bytes], other: subprocess.Popen[bytes]
) -> None:
    def refuse() -> None:
        refusals.append(1)
        raise OSError("this one does not go")

    def kill_other() -> None:
        refusals_before.append(len(refusals))
        other.kill()

    refusals: list[int] = []
    refusals_before: list[int] = []
    refusing = [a_ward(sleeper) for _ in range(20)]  # one of them is looked at first
    for ward in refusing:
        ward.kill = refuse
    good = a_ward(other)
    good.kill = kill_other
    watchdog = MemoryWatchdog(timedelta(milliseconds=10))
    with ExitStack() as stack:
        for ward in (*refusing, good):
            stack.enter_context(watchdog.watching(ward))
        async with watchdog.on_duty():
            await eventually(lambda: other.poll() is not None and len(refusals) > len(refusing))
    assert refusals_before[0] <= len(refusing), "it was killed at the first look"


@pytest.mark.parametrize("left", range(14))
async def test_a_start_works_or_leaves_nothing(left: int) -> None:
    marker = uuid.uuid4().hex
    started, reason = False, ""
    with open_directory("/") as root:
        command = Command(argv=SLEEPER, environment={}, directory=root, marker=marker)
        async with running(command, Silent(), Redactor(), IMPATIENT):
            pass  # what the event loop opens once for all pipes, it opens here
        before = open_descriptors() - {root.descriptor}
        with descriptors_left(left):
            try:
                async with running(command, Silent(), Redactor(), IMPATIENT) as child:
                    started = True
                    ended = await child.end(IMPATIENT)
                    assert ended.group_gone
            except ProcessFailed as failed:
                reason = failed.reason
    assert started or reason == "SPAWN_FAILED"
    assert started or left < 12
    assert not started or left > 0
    assert not procfs.marked(f"{MARKER}={marker}")
    await eventually(lambda: open_descriptors() == before)
    assert not a_child_is_left()


async def test_a_running_child_ends_in_time() -> None:
    with open_directory("/") as root:
        command = Command(argv=SLEEPER, environment={}, directory=root, marker=uuid.uuid4().hex)
        async with running(command, Silent(), Redactor(), IMPATIENT) as child:
            with descriptors_left(0):
                ended = await child.end(IMPATIENT)
    assert ended.group_gone
