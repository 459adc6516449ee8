"""What was checked of a working directory is what a process gets, whatever its path leads to meanwhile."""

import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from descriptors import open_descriptors
from driving import IMPATIENT, a_launch, driven, eventually
from fake_cli.installed import install
from greenroomd.app.ports.process_slots import WarmStart
from greenroomd.app.ports.processes import ProcessFailed
from greenroomd.processes.claude.cli import ClaudeCli
from greenroomd.processes.claude.launch_command import CliDefaults
from greenroomd.processes.filesystem.directory import OutsideRoots, open_directory
from greenroomd.processes.host.server_run import server_run
from greenroomd.processes.node.allowed_roots import AllowedRoots
from greenroomd.processes.pool.slots import Pool
from greenroomd.processes.pool.warm_pool import WarmProcesses


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An allowed root with a link to a directory inside."""
    (tmp_path / "root/work").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (tmp_path / "root/link").symlink_to("work")
    return tmp_path / "root"


@pytest.fixture
async def cli(tmp_path: Path, root: Path) -> AsyncIterator[ClaudeCli]:
    """A fake CLI that may work below the root."""
    async with server_run(tmp_path) as mine:
        roots = AllowedRoots([root])
        yield ClaudeCli(install(tmp_path), tmp_path, mine, CliDefaults(), IMPATIENT, directories=roots)


def swap(link: Path, target: Path) -> None:
    """Let a link lead elsewhere, in one step."""
    new = link.with_name("new")
    new.symlink_to(target)
    new.rename(link)


def cwd_of(pid: int) -> Path:
    return Path(f"/proc/{pid}/cwd").readlink()


async def test_a_cold_start_is_refused_once_the_path_leads_outside(
    cli: ClaudeCli, root: Path, tmp_path: Path
) -> None:
    async with driven(cli, a_launch(root / "link")) as claude:
        assert cwd_of(claude.pid) == root / "work"
    swap(root / "link", tmp_path / "outside")
    with pytest.raises(ProcessFailed) as failed:
        async with cli.running(a_launch(root / "link")):
            raise AssertionError("it works outside")
    assert failed.value.reason == "WORKING_DIR_OUTSIDE_ROOTS"


@pytest.mark.parametrize("started_in", ["link", "work", "."])
async def test_a_warm_start_is_refused_once_the_path_leads_outside(
    cli: ClaudeCli, root: Path, tmp_path: Path, started_in: str
) -> None:
    wanted = replace(a_launch(root / "link"), first=True)
    processes = WarmProcesses(cli, Pool(1, IMPATIENT.after_kill))
    async with processes.on_duty():
        processes.keep([WarmStart(a_launch(root / started_in), 1)])
        await eventually(lambda: any(slot.process for slot in processes.waiting))
        swap(root / "link", tmp_path / "outside")
        claim = processes.claim(wanted)
        assert claim is not None
        with pytest.raises(ProcessFailed) as failed:
            async with claim.running(wanted):
                raise AssertionError("it works outside")
        claim.lease.release()
    assert failed.value.reason == "WORKING_DIR_OUTSIDE_ROOTS"


async def test_a_warm_process_follows_its_path(cli: ClaudeCli, root: Path) -> None:
    (root / "other").mkdir()
    wanted = replace(a_launch(root / "link"), first=True)
    processes = WarmProcesses(cli, Pool(1, IMPATIENT.after_kill))
    async with processes.on_duty():
        processes.keep([WarmStart(a_launch(root / "link"), 1)])
        await eventually(lambda: any(slot.process for slot in processes.waiting))
        swap(root / "link", root / "other")
        claim = processes.claim(wanted)
        assert claim is not None
        async with driven(claim, wanted) as claude:
            assert claude.process.warm
            assert cwd_of(claude.pid) == root / "other"
        claim.lease.release()


def test_a_link_that_is_swapped_between_the_look_and_the_opening_is_seen(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = os.open
    (root / "deep/work").mkdir(parents=True)
    (tmp_path / "outside/work").mkdir()

    def swapping(path: str, flags: int) -> int:
        (root / "deep").rename(root / "moved")
        (root / "deep").symlink_to(tmp_path / "outside")
        return opened(path, flags)

    before = open_descriptors()
    monkeypatch.setattr(os, "open", swapping)
    with pytest.raises(OutsideRoots):
        open_directory(str(root / "deep/work"), [root])
    monkeypatch.undo()
    assert open_descriptors() == before


def test_one_that_may_not_be_entered_is_refused(root: Path) -> None:
    (root / "file").touch()
    (root / "loop").symlink_to("loop")
    for name in ("file", "missing", "loop", "too long a name" * 100):
        with pytest.raises(OSError, match=r"\S"):
            open_directory(str(root / name), [root])
