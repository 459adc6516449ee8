"""A path's links are followed, and each file system on the way is known before it is asked."""

import os
from pathlib import Path

from greenroomd.processes.filesystem.mount_table import MountTable, mount_table
from greenroomd.processes.filesystem.path_walk import PathWalk

MOUNTS = MountTable(
    "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
    "30 22 0:40 / /nfs/home rw - nfs server:/home rw\n"
    "31 22 0:41 / /nfs/two\\040words rw - nfs server:/two rw\n"
    "32 22 0:40 /ann /ann rw - nfs server:/home rw\n"
)


def test_a_path_lies_in_the_file_system_that_is_mounted_deepest_on_its_way() -> None:
    assert MOUNTS.filesystem("/nfs/home/ann/x") == "0:40"
    assert MOUNTS.filesystem("/nfs/homes") == "8:1"
    assert MOUNTS.filesystem("/nfs/two words/x") == "0:41"
    assert MOUNTS.filesystem("/ann") == "0:40", "one file system, though it is mounted twice"


def test_the_mounts_of_this_machine_are_read(tmp_path: Path) -> None:
    device = tmp_path.stat().st_dev
    major, minor = os.major(device), os.minor(device)
    mounts = mount_table()
    assert mounts.filesystem(str(tmp_path.resolve())) == f"{major}:{minor}"
    assert mounts.filesystem("/proc/self") != f"{major}:{minor}"


def test_a_walk_stops_before_it_asks_another_file_system(tmp_path: Path) -> None:
    base = tmp_path.resolve()
    (base / "mount" / "far").mkdir(parents=True)
    (base / "mount" / "back").symlink_to("../near")
    (base / "link").symlink_to(base / "mount" / "back")
    (base / "near").mkdir()
    mounts = MountTable(f"1 0 8:1 / / rw - x x rw\n2 1 0:9 / {base}/mount rw - x x rw\n")
    walk, asked = PathWalk(f"{base}/./link//deeper/../more", mounts), []
    while not walk.over:
        asked.append(walk.filesystem)
        walk.walk()
    assert asked == ["8:1", "0:9", "8:1"]
    assert walk.reached == f"{base}/near/more" == os.path.realpath(f"{base}/link/deeper/../more")


def test_what_is_known_to_be_a_directory_is_not_asked() -> None:
    walk = PathWalk("/nfs/home", MOUNTS)
    assert (walk.over, walk.reached, walk.filesystem) == (True, "/nfs/home", "0:40")


def test_a_circle_of_links_has_an_end(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    walk = PathWalk(f"{tmp_path}/circle/below", mount_table())
    while not walk.over:
        walk.walk()
    assert walk.reached.endswith("/circle/below"), "as it is, to be refused by who opens it"
