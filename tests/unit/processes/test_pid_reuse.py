"""A pid is used only as long as it cannot be another process's."""

import asyncio
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from driving import IMPATIENT, eventually
from greenroomd.processes.filesystem.directory import open_directory
from greenroomd.processes.host.child import Child, running
from greenroomd.processes.host.redaction import Redactor
from greenroomd.processes.host.spawn import Command
from greenroomd.processes.linux import procfs

LAST_PID = Path("/proc/sys/kernel/ns_last_pid")


class Over:
    """A listener that waits for the end of the output."""

    def __init__(self) -> None:
        self.over = asyncio.Event()

    def started(self, child: Child) -> None:
        self.child = child

    def complained(self, data: bytes) -> None:
        pass

    def received(self, data: bytes) -> bool:
        return True

    def closed(self) -> None:
        self.over.set()


@pytest.fixture
def ends_at_once() -> Iterator[Command]:
    """A program that has nothing to do."""
    with open_directory("/") as root:
        argv = [sys.executable, "-IS", "-c", "pass"]
        yield Command(argv=argv, environment={}, directory=root, marker=uuid.uuid4().hex)


def state_of(pid: int) -> str:
    """Return the letter of the process's state; "" if there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return ""


async def test_the_pid_of_a_child_is_kept_until_all_it_started_has_ended(ends_at_once: Command) -> None:
    heard = Over()
    seen: list[str] = []

    async def clean_up(pid: int) -> None:
        seen.append(state_of(pid))

    async with running(ends_at_once, heard, Redactor(), IMPATIENT, clean_up=clean_up) as child:
        assert child.identity is not None
        pid = child.identity.pid
        await heard.over.wait()
        await eventually(lambda: state_of(pid) == "Z")
        ended = await child.end(IMPATIENT)
    assert (ended.code, ended.group_gone) == (0, True)
    assert seen == ["Z"], "its files are removed while the pid is still its own"
    assert state_of(pid) == ""


async def test_a_stranger_with_the_pid_of_a_child_that_ended_is_not_touched(ends_at_once: Command) -> None:
    if not os.access(LAST_PID, os.W_OK):
        pytest.skip("this host does not let us choose a pid")
    heard = Over()
    async with running(ends_at_once, heard, Redactor(), IMPATIENT) as child:
        assert child.identity is not None
        await heard.over.wait()
        pid = child.identity.pid
        await eventually(lambda: state_of(pid) in ("Z", ""))
        stranger = session_leader(pid)
        await child.end(IMPATIENT)
        untouched = stranger.poll() is None
        stranger.kill()
        stranger.wait()
    assert untouched


def test_a_process_that_started_at_another_time_is_another_one() -> None:
    """A pid can be given out again within one boot: only the start tells the two apart."""
    mine = procfs.identify(os.getpid(), datetime.now(UTC))
    assert procfs.alive(mine)
    assert procfs.holds_pid(mine)
    before = replace(mine, kernel_start=mine.kernel_start - 1)
    assert not procfs.alive(before)
    assert not procfs.holds_pid(before)
    assert not procfs.alive(replace(mine, boot_id="another"))


def test_a_stranger_with_the_pid_of_a_session_is_no_member_of_it() -> None:
    if not os.access(LAST_PID, os.W_OK):
        pytest.skip("this host does not let us choose a pid")
    while True:
        first = subprocess.Popen(["/bin/sleep", "60"], start_new_session=True)
        leader = procfs.identify(first.pid, datetime.now(UTC))
        before = procfs.members(leader)
        first.kill()
        first.wait()
        while ticks() <= leader.kernel_start:  # within one tick of 10 ms, the two would look the same
            pass
        stranger = session_leader(first.pid)
        after, belongs = procfs.members(leader), procfs.belongs(stranger.pid, leader)
        stranger.kill()
        stranger.wait()
        if stranger.pid == first.pid:  # else another process of this host got it first
            break
    assert (before, after, belongs) == ([first.pid], [], False)


def ticks() -> int:
    """Return the time since the host's start as the kernel writes it into /proc."""
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK"))


def session_leader(wanted: int) -> subprocess.Popen[bytes]:
    """Start a session leader, with the wanted pid if that is free."""
    for _ in range(50):  # another process may be started at the same moment
        LAST_PID.write_text(str(wanted - 1))
        process = subprocess.Popen(["/bin/sleep", "60"], start_new_session=True)
        if process.pid == wanted or state_of(wanted):
            return process
        process.kill()
        process.wait()
    raise AssertionError(f"the pid {wanted} was not given out again")
