"""Where sessions may work: below the allowed roots, as the file system really is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from greenroomd.domain.errors import InvalidRequest, Violation, WorkingDirOutsideRoots


class AllowedRoots:
    """The directories below which every session's working directory lies."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = tuple(root.resolve() for root in roots)

    async def resolve(self, path: str) -> str:
        """Return the directory with symbolic links resolved.

        Raises WorkingDirOutsideRoots, and InvalidRequest naming `config.working_dir` if it is no directory. What
        lies outside the roots is refused before it is looked at, so that nobody can probe for files there.
        """
        return await asyncio.to_thread(self._resolve, path)

    def _resolve(self, path: str) -> str:
        real = Path(path).resolve()
        if not any(real.is_relative_to(root) for root in self._roots):
            raise WorkingDirOutsideRoots(path)
        if not real.is_dir():
            raise InvalidRequest([Violation("config.working_dir", f"{path!r} is not an existing directory")])
        return str(real)
