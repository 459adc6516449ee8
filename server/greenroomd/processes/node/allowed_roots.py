"""The allowed roots, below which sessions may work, with symbolic links resolved."""

from __future__ import annotations

import errno
from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from time import monotonic

from greenroomd.app.ports.processes import ProcessFailed
from greenroomd.domain.errors import InvalidRequest, Violation, WorkingDirOutsideRoots
from greenroomd.domain.retryable_errors import StoreUnavailable
from greenroomd.processes.filesystem.directory import Directory, OutsideRoots, open_directory
from greenroomd.processes.filesystem.filesystem_pool import FilesystemHangs, FilesystemPool
from greenroomd.processes.filesystem.mount_table import mount_table
from greenroomd.processes.filesystem.path_walk import PathWalk

REMEMBERED_SECONDS = 1.0
_REMEMBERED = 1_000

_NOT_THERE = frozenset(
    {
        None,  # made by `open_directory` itself
        errno.ENOENT,
        errno.ENOTDIR,
        errno.EACCES,
        errno.EPERM,
        errno.ELOOP,
        errno.ENAMETOOLONG,
        errno.ESTALE,
    }
)
"""What the kernel says of a path that is no directory of ours. Any other failure is the host's and may pass."""


class LookupFailed(Exception):
    """The host could not look at a path, such as for want of descriptors; nothing is known about the path."""


class AllowedRoots:
    """The directories below which every session's working directory must be.

    `resolve` is for the creation of a session: it refuses early, and caches valid paths for a second, since many
    sessions are often created in the same place. `open` is for the start of a process: it checks every time, and the
    process gets exactly the directory that was checked.
    """

    def __init__(self, roots: Sequence[Path], filesystem: FilesystemPool | None = None) -> None:
        self._roots = tuple(root.resolve() for root in roots)
        self._filesystem = filesystem or FilesystemPool()
        self._good: OrderedDict[str, tuple[str, float]] = OrderedDict()

    async def resolve(self, path: str) -> str:
        """Return the directory's path without symbolic links.

        Raises WorkingDirOutsideRoots, InvalidRequest naming `config.working_dir` if it is no directory, and
        StoreUnavailable if its file system hangs or the host cannot look. Paths outside the roots are refused before
        looking at them, so that nobody can probe for files there.
        """
        real, until = self._good.get(path, ("", 0.0))
        if monotonic() < until:
            return real
        try:
            with await self._open(path) as directory:
                real = directory.path
        except OutsideRoots:
            raise WorkingDirOutsideRoots(path) from None
        except OSError:
            violation = Violation("config.working_dir", f"{path!r} is not an existing directory")
            raise InvalidRequest([violation]) from None
        except (FilesystemHangs, LookupFailed) as error:
            raise StoreUnavailable(f"config.working_dir: {path!r} cannot be looked at: {error}") from None
        self._good[path] = (real, monotonic() + REMEMBERED_SECONDS)
        self._good.move_to_end(path)
        if len(self._good) > _REMEMBERED:
            self._good.popitem(last=False)
        return real

    async def open(self, path: str) -> Directory:
        """Open the directory as it is now; see `WorkingDirectories`."""
        try:
            return await self._open(path)
        except OutsideRoots:
            text = f"{path} is not, or not any more, inside the allowed roots (GREENROOM_ALLOWED_ROOTS)"
            raise ProcessFailed("WORKING_DIR_OUTSIDE_ROOTS", text, facts={"working_dir": path}) from None
        except OSError as error:
            text = f"{path} is not a directory any more: {error.strerror or error}"
            raise ProcessFailed("WORKING_DIR_GONE", text, facts={"working_dir": path}) from None
        except (FilesystemHangs, LookupFailed) as error:
            raise ProcessFailed("SPAWN_FAILED", f"{path} cannot be looked at: {error}") from None

    async def _open(self, path: str) -> Directory:
        try:
            walk = PathWalk(path, mount_table())
            while not walk.over:
                await self._filesystem.run(walk.filesystem, walk.walk)
            opening = partial(open_directory, walk.reached, self._roots)
            return await self._filesystem.run(walk.filesystem, opening, Directory.close)
        except OSError as error:
            if error.errno in _NOT_THERE:
                raise
            raise LookupFailed(error.strerror) from error
