"""Working directories: inside the allowed roots with all links resolved, and really there."""

import asyncio
import os
import threading
from pathlib import Path

import pytest

from descriptors import descriptors_left
from greenroomd.app.ports.processes import ProcessFailed
from greenroomd.domain.errors import InvalidRequest, WorkingDirOutsideRoots
from greenroomd.domain.retryable_errors import StoreUnavailable
from greenroomd.processes.node.allowed_roots import AllowedRoots


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An allowed root."""
    root = tmp_path / "root"
    root.mkdir()
    return root


async def test_a_directory_inside_is_resolved(root: Path, tmp_path: Path) -> None:
    (root / "work").mkdir()
    (root / "link").symlink_to(root / "work")
    roots = AllowedRoots([root])
    for _ in range(2):  # looked at, and remembered
        assert await roots.resolve(str(root / "link")) == str(root / "work")
    assert await roots.resolve(str(root)) == str(root)


@pytest.mark.parametrize("path", ["{root}/..", "{root}/out", "/etc", "{root}x"])
async def test_outside_is_refused_whatever_the_path_looks_like(root: Path, path: str) -> None:
    (root / "out").symlink_to("/etc")
    Path(f"{root}x").mkdir()
    with pytest.raises(WorkingDirOutsideRoots):
        await AllowedRoots([root]).resolve(path.format(root=root))


async def test_what_is_no_directory_is_named(root: Path) -> None:
    (root / "file").touch()
    for name in ("file", "missing", "too long a name" * 100):
        with pytest.raises(InvalidRequest) as refused:
            await AllowedRoots([root]).resolve(str(root / name))
        assert [violation.field for violation in refused.value.violations] == ["config.working_dir"]


async def test_only_good_answers_are_remembered(root: Path) -> None:
    roots = AllowedRoots([root])
    with pytest.raises(InvalidRequest):
        await roots.resolve(str(root / "later"))
    (root / "later").mkdir()
    assert await roots.resolve(str(root / "later")) == str(root / "later")


async def test_where_a_file_system_hangs_only_who_looks_there_waits(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking, answering = threading.Semaphore(0), threading.Event()
    real = os.path.realpath

    def realpath(path: str) -> str:
        looking.release()
        answering.wait(10)
        return real(path)

    roots = AllowedRoots([root])
    monkeypatch.setattr(os.path, "realpath", realpath)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(32):  # no event loop has more threads
            tasks.create_task(roots.resolve(str(root)))
        await asyncio.sleep(0)  # all have asked by now
        async with asyncio.timeout(60):
            await asyncio.to_thread(looking.acquire)  # there is still one, as for the end of a process
        answering.set()


async def test_a_shortage_of_descriptors_says_nothing_about_a_directory(root: Path) -> None:
    roots = AllowedRoots([root])
    with descriptors_left(0):
        with pytest.raises(StoreUnavailable, match="Too many open files"):
            await roots.resolve(str(root))
        with pytest.raises(ProcessFailed) as failed:
            await roots.open(str(root))
    assert failed.value.reason == "SPAWN_FAILED"
    assert await roots.resolve(str(root)) == str(root)
