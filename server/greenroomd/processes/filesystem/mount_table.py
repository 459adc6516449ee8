"""Which file system a path lies in, known without asking that file system."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

MOUNTINFO = Path("/proc/self/mountinfo")


class MountTable:
    """The mounts of this machine at one moment, each with the number of its file system.

    `mountinfo` holds lines of `/proc/self/mountinfo`.
    """

    def __init__(self, mountinfo: str) -> None:
        self._filesystems: dict[str, str] = {}
        self._directories: set[str] = set()
        for line in mountinfo.splitlines():
            _, _, number, _, escaped, *_ = line.split(" ")
            point = _OCTAL.sub(lambda code: chr(int(code[1], 8)), escaped)
            self._filesystems[point] = number  # the last one mounted at a point covers the others
            self._directories.update((point, *map(str, PurePosixPath(point).parents)))

    def filesystem(self, path: str) -> str:
        """Return the file system that is asked when `path`, which has no links before its last name, is looked at."""
        for directory in (path, *map(str, PurePosixPath(path).parents)):
            if directory in self._filesystems:
                return self._filesystems[directory]
        return ""

    def is_directory(self, path: str) -> bool:
        """Return True if `path` is surely a directory and no link: something is mounted there, or below it."""
        return path in self._directories


_OCTAL = re.compile(r"\\([0-7]{3})")


def mount_table() -> MountTable:
    """Return the mounts of this moment. Does not block: the kernel asks no file system for it."""
    return MountTable(MOUNTINFO.read_text("utf-8", errors="surrogateescape"))
