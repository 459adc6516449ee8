"""What the use cases need from the file system: where sessions may work."""

from __future__ import annotations

from typing import Protocol


class WorkingDirs(Protocol):
    """Knows which directories sessions may work in."""

    async def resolve(self, path: str) -> str:
        """Return the directory with symbolic links resolved.

        Raises WorkingDirOutsideRoots, or InvalidRequest for `config.working_dir` if it is not a directory.
        """
        ...
