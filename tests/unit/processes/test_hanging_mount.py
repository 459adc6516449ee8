"""A file system that really hangs: only what works there waits for it."""

import asyncio
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from driving import IMPATIENT, a_launch, eventually
from fake_cli.installed import install
from greenroomd.app.ports.processes import ProcessFailed, ProcessIdentity, ShutdownTimeouts
from greenroomd.domain.retryable_errors import StoreUnavailable
from greenroomd.processes.claude import cli
from greenroomd.processes.claude.launch_command import CliDefaults
from greenroomd.processes.claude.transcripts import TranscriptFiles
from greenroomd.processes.claude.workspace_directories import Workspace
from greenroomd.processes.filesystem.directory import open_directory
from greenroomd.processes.filesystem.filesystem_pool import FilesystemPool
from greenroomd.processes.host.child import Child, running
from greenroomd.processes.host.redaction import Redactor
from greenroomd.processes.host.server_run import server_run
from greenroomd.processes.host.spawn import Command
from greenroomd.processes.linux import procfs
from greenroomd.processes.node.allowed_roots import AllowedRoots
from greenroomd.processes.node.reaper import reap
from hanging_mount import LASTS_SECONDS, hanging_mount

HASTY = ShutdownTimeouts(
    **dict.fromkeys(("after_eof", "after_term", "after_kill"), timedelta(milliseconds=200))
)
BRIEFLY = timedelta(milliseconds=200)


class Heard:
    """A listener that keeps what it hears."""

    def __init__(self) -> None:
        self.data = b""
        self.over = asyncio.Event()

    def started(self, child: Child) -> None:
        pass

    def complained(self, data: bytes) -> None:
        pass

    def received(self, data: bytes) -> bool:
        self.data += data
        return True

    def closed(self) -> None:
        self.over.set()


async def test_a_process_that_hangs_on_its_way_into_its_directory_holds_up_nobody(tmp_path: Path) -> None:
    heard, started = Heard(), time.monotonic()
    with hanging_mount(tmp_path / "mount", answered=1) as mount, open_directory(str(mount)) as directory:
        command = Command(
            argv=["/bin/echo", "there"], environment={}, directory=directory, marker=uuid.uuid4().hex
        )
        async with running(command, heard, Redactor(), HASTY) as child:
            ended = await child.end(HASTY)
        assert time.monotonic() - started < LASTS_SECONDS / 2, "it was not waited for the mount"
    assert not ended.group_gone, "it has got its SIGKILL, and dies once the mount is gone"
    assert heard.data == b""
    assert child.identity is not None
    trace = Path(f"/proc/{child.identity.pid}")
    await eventually(lambda: not trace.exists())


async def test_a_process_works_there_as_long_as_it_answers(tmp_path: Path) -> None:
    heard = Heard()
    with hanging_mount(tmp_path / "mount", answered=100) as mount, open_directory(str(mount)) as directory:
        command = Command(argv=["/bin/pwd"], environment={}, directory=directory, marker=uuid.uuid4().hex)
        async with running(command, heard, Redactor(), IMPATIENT):
            await heard.over.wait()
    assert heard.data.decode().strip() == str(mount)


async def test_a_look_that_hangs_is_given_up(tmp_path: Path) -> None:
    roots = AllowedRoots([tmp_path], FilesystemPool(timeout=timedelta(milliseconds=200)))
    with hanging_mount(tmp_path / "mount", answered=0) as mount:
        with pytest.raises(StoreUnavailable, match="did not answer"):
            await roots.resolve(str(mount))
        with pytest.raises(ProcessFailed) as failed:
            await roots.open(str(mount))
    assert failed.value.reason == "SPAWN_FAILED"


async def test_a_mount_that_hangs_takes_no_thread_from_other_directories(tmp_path: Path) -> None:
    good, links = tmp_path / "good", [tmp_path / f"link{number}" for number in range(80)]
    good.mkdir()
    roots = AllowedRoots([tmp_path], FilesystemPool())
    with hanging_mount(tmp_path / "mount", answered=0) as mount:
        async with asyncio.TaskGroup() as tasks:
            for link in links:
                link.symlink_to(mount)
            hanging = [tasks.create_task(roots.resolve(str(link))) for link in links]
            await eventually(lambda: threads_named("filesystem") >= 4)
            async with asyncio.timeout(LASTS_SECONDS / 3):
                assert await roots.resolve(str(good)) == str(good)
                (await roots.open(str(good))).close()
            for task in hanging:
                task.cancel()


def threads_named(name: str) -> int:
    return sum(thread.name == name for thread in threading.enumerate())


async def test_a_start_in_a_home_that_hangs_is_given_up(tmp_path: Path) -> None:
    launch = a_launch(tmp_path)
    launch = replace(launch, config=replace(launch.config, working_dir=""))
    home = Workspace.within(tmp_path, launch.workspace_id).home
    home.parent.mkdir(parents=True)
    pool = FilesystemPool(timeout=timedelta(seconds=1))
    roots = AllowedRoots([tmp_path], pool)
    with hanging_mount(tmp_path / "mount", answered=0) as mount:
        async with server_run(tmp_path) as mine:
            home.symlink_to(mount)
            ours = cli.ClaudeCli(
                install(tmp_path), tmp_path, mine, CliDefaults(), HASTY, directories=roots, filesystem=pool
            )
            with pytest.raises(
                ProcessFailed, match=r"enter the workspace's home: .* did not answer"
            ) as failed:
                async with ours.running(launch):
                    raise AssertionError("it was started")
    assert failed.value.reason == "SPAWN_FAILED"


async def test_the_end_of_a_process_does_not_wait_for_its_files_on_a_mount_that_hangs(
    tmp_path: Path,
) -> None:
    launch = a_launch(tmp_path)
    records = Workspace.within(tmp_path, launch.workspace_id).config_of(launch.cli_session_id) / "sessions"
    records.parent.mkdir(parents=True)
    roots = AllowedRoots([tmp_path])
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    with hanging_mount(tmp_path / "mount", answered=0) as mount:
        async with server_run(tmp_path) as mine:
            records.symlink_to(mount)
            ours = cli.ClaudeCli(
                install(tmp_path),
                tmp_path,
                mine,
                CliDefaults(),
                HASTY,
                directories=roots,
                removal_timeout=BRIEFLY,
            )
            async with asyncio.timeout(LASTS_SECONDS / 3):
                async with ours.running(launch) as process:
                    await process.handshake(timedelta(seconds=10))
                    ended = await process.end(HASTY)
                assert ended.group_gone
                await asyncio.to_thread(int)  # the one thread for everybody is free


async def test_a_copy_on_a_mount_that_hangs_is_given_up(tmp_path: Path) -> None:
    conversation, copy = str(uuid.uuid4()), str(uuid.uuid4())
    projects = Workspace.within(tmp_path, "w").config_dir / "projects"
    projects.mkdir(parents=True)
    transcripts = TranscriptFiles(tmp_path, FilesystemPool(timeout=timedelta(milliseconds=200)))
    with hanging_mount(tmp_path / "mount", answered=0) as mount:
        (projects / "-srv-app").symlink_to(mount)
        async with asyncio.timeout(LASTS_SECONDS / 3):
            with pytest.raises(StoreUnavailable, match="cannot be changed: the file system did not answer"):
                await transcripts.copy("w", conversation, copy)


async def test_a_start_does_not_wait_for_files_of_a_dead_server_on_a_mount_that_hangs(tmp_path: Path) -> None:
    gone = ProcessIdentity(
        pid=2**22 + 1, kernel_start=0, boot_id=procfs.boot_id(), start_time=datetime.now(UTC)
    )
    hanging, good = (Workspace.within(tmp_path, name).config_dir / "sessions" for name in ("hanging", "good"))
    hanging.parent.mkdir(parents=True)
    good.mkdir(parents=True)
    (good / f"{gone.pid}.json").touch()
    with hanging_mount(tmp_path / "mount", answered=0) as mount:
        hanging.symlink_to(mount)
        async with asyncio.timeout(LASTS_SECONDS / 3), asyncio.TaskGroup() as tasks:
            patient = tasks.create_task(reap(tmp_path, [gone], removal_timeout=timedelta(minutes=1)))
            await eventually(lambda: not list(good.iterdir()))  # while it waits for the other workspace
            patient.cancel()
        async with asyncio.timeout(LASTS_SECONDS / 3):
            await reap(tmp_path, [gone], removal_timeout=BRIEFLY)


async def test_the_exit_does_not_wait_for_a_mount_that_hangs_and_the_next_start_removes_the_rest(
    tmp_path: Path,
) -> None:
    async with AsyncExitStack() as stack:
        mine = await stack.enter_async_context(server_run(tmp_path, removal_timeout=BRIEFLY))
        (mine.path / "p").mkdir()
        with hanging_mount(mine.path / "p/mount", answered=0):
            async with asyncio.timeout(LASTS_SECONDS / 3):
                await stack.aclose()
            assert mine.path.exists()
    (mine.path / "owner.json").unlink(missing_ok=True)  # as if its server had gone
    await reap(tmp_path)
    assert not mine.path.exists()
