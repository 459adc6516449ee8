"""A control group that is busy is removed later; a directory with a file in it is as busy as one of the kernel's."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest

from driving import eventually
from greenroomd.processes.host.server_run import server_run
from greenroomd.processes.linux import cgroup_removal
from greenroomd.processes.linux.cgroup import Cgroup
from greenroomd.processes.linux.cgroup_removal import CgroupRemoval
from greenroomd.processes.linux.cgroup_setup import Cgroups
from greenroomd.processes.node.reaper import reap

FIRST = timedelta(milliseconds=20)


def busy(path: Path) -> Cgroup:
    """Make a group that the kernel does not let go yet."""
    path.mkdir(parents=True)
    (path / "busy").touch()
    return Cgroup(path)


async def test_it_is_tried_again_until_it_is_gone(tmp_path: Path) -> None:
    group, removal = busy(tmp_path / "group"), CgroupRemoval()
    async with removal.on_duty():
        await removal.remove(group)
        assert group.path.exists()
        (group.path / "busy").unlink()
        await eventually(lambda: not group.path.exists())


async def test_the_pause_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroup_removal, "FIRST_PAUSE", FIRST)
    group, removal = busy(tmp_path / "group"), CgroupRemoval()
    loop, tries = asyncio.get_running_loop(), list[float]()

    class Counting:
        """A group that counts how often somebody wants it gone."""

        path = group.path

        def remove(self) -> bool:
            tries.append(loop.time())
            return len(tries) == 5

    async with removal.on_duty():
        await removal.remove(Counting())  # type: ignore[arg-type]
        await eventually(lambda: len(tries) == 5)
    assert tries[4] - tries[3] > 4 * FIRST.total_seconds()


async def test_it_is_tried_a_last_time_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroup_removal, "FIRST_PAUSE", cgroup_removal.LONGEST_PAUSE)
    group, removal = busy(tmp_path / "group"), CgroupRemoval()
    async with removal.on_duty():
        await removal.remove(group)
        (group.path / "busy").unlink()
    assert not group.path.exists()


async def test_the_next_server_removes_what_was_busy_to_the_end(tmp_path: Path) -> None:
    groups = Cgroups(tmp_path / "cgroup")
    async with server_run(tmp_path, groups) as mine:
        group = busy(groups.root / f"{mine.marker}a")
        (mine.path / "a/tmp").mkdir(parents=True)
    assert group.path.exists()
    record = mine.path / "owner.json"
    assert sorted(path.name for path in mine.path.iterdir()) == ["control_groups", "owner.json"]
    owner = json.loads(record.read_text())
    record.write_text(json.dumps({**owner, "kernel_start": owner["kernel_start"] - 1}))  # it has gone
    await reap(tmp_path)
    assert record.exists(), "the group is busy still: the server after the next one is to find it"
    (group.path / "busy").unlink()
    await reap(tmp_path)
    assert not group.path.exists()
    assert not mine.path.exists()
