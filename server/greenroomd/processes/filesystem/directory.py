"""A directory that is held open, so that what was checked is what is used.

A path can lead somewhere else a moment after it was looked at: a link is swapped, a directory is moved. A descriptor
cannot. So the path is looked up once, the descriptor is checked, and a process is started in the descriptor.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol


class OutsideRoots(Exception):
    """The directory lies below none of the roots."""


class Directory:
    """A directory held open by a descriptor, until `close`."""

    def __init__(self, descriptor: int, path: str) -> None:
        self.descriptor = descriptor
        """Its descriptor; -1 once it is closed."""
        self.path = path
        """Where it was when it was opened, without symbolic links."""

    def __enter__(self) -> Directory:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def entrance(self) -> str:
        """A path by which another process of this user gets into exactly this directory, as long as it is open here."""
        return f"/proc/{os.getpid()}/fd/{self.descriptor}"

    def close(self) -> None:
        """Close it; without effect the second time."""
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def is_cwd_of(self, pid: int) -> bool:
        """Return whether a process works in exactly this directory. May block: call it in a thread."""
        try:
            return os.path.samestat(os.stat(f"/proc/{pid}/cwd"), os.fstat(self.descriptor))  # noqa: PTH116
        except OSError:
            return False


class WorkingDirectories(Protocol):
    """Opens the directories in which sessions may work."""

    async def open(self, path: str) -> Directory:
        """Open the directory as it is now.

        Raises ProcessFailed: WORKING_DIR_OUTSIDE_ROOTS, WORKING_DIR_GONE, or SPAWN_FAILED if the file system hangs.
        """
        ...


def open_directory(path: str, roots: Sequence[Path] | None = None) -> Directory:
    """Open a directory, symbolic links followed; with `roots`, only if it lies below one of them.

    Raises OutsideRoots, before it looks whether there is anything; OSError if it is no directory, or none that we may
    enter. May block: call it in a thread.
    """
    real = os.path.realpath(path)
    _require_below(real, roots)
    descriptor = os.open(real, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        own = f"/proc/self/fd/{descriptor}"
        # Again: a link may have been swapped in between.
        where = os.readlink(own)  # noqa: PTH115 -- no Path: it may end with " (deleted)"
        _require_below(where, roots)
        if not os.access(own, os.X_OK):
            raise PermissionError(f"{path} may not be entered")
    except BaseException:
        os.close(descriptor)
        raise
    return Directory(descriptor, where)


def _require_below(real: str, roots: Sequence[Path] | None) -> None:
    if roots is not None and not any(Path(real).is_relative_to(root) for root in roots):
        raise OutsideRoots(real)
