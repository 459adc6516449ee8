"""Where sessions may work: below the allowed roots, as the file system really is."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from time import monotonic

from greenroomd.domain.errors import InvalidRequest, Violation, WorkingDirOutsideRoots
from greenroomd.processes.host.filesystem_pool import Lookups, is_directory

REMEMBERED_SECONDS = 1.0
_REMEMBERED = 1_000


class AllowedRoots:
    """The directories below which every session's working directory lies.

    A directory that was good is taken for good for a second: looking takes a thread, as a file system may hang, and
    sessions are often created many at a time in the same place. The start of a process looks again in any case.
    """

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = tuple(root.resolve() for root in roots)
        self._lookups = Lookups()
        self._good: OrderedDict[str, tuple[str, float]] = OrderedDict()

    async def resolve(self, path: str) -> str:
        """Return the directory with symbolic links resolved.

        Raises WorkingDirOutsideRoots, and InvalidRequest naming `config.working_dir` if it is no directory. What
        lies outside the roots is refused before it is looked at, so that nobody can probe for files there.
        """
        real, until = self._good.get(path, ("", 0.0))
        if monotonic() < until:
            return real
        real = await self._lookups.run(partial(self._look, path))
        self._good[path] = (real, monotonic() + REMEMBERED_SECONDS)
        self._good.move_to_end(path)
        if len(self._good) > _REMEMBERED:
            self._good.popitem(last=False)
        return real

    def _look(self, path: str) -> str:
        real = Path(path).resolve()
        if not any(real.is_relative_to(root) for root in self._roots):
            raise WorkingDirOutsideRoots(path)
        if not is_directory(str(real)):
            raise InvalidRequest([Violation("config.working_dir", f"{path!r} is not an existing directory")])
        return str(real)
