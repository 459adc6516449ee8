"""Follows the symbolic links of a path, and stops before it asks another file system.

So whoever runs it knows beforehand which file system may hang.
"""

from __future__ import annotations

import os

from greenroomd.processes.filesystem.mount_table import MountTable

_MOST_LINKS = 40
"""As in the kernel."""


class PathWalk:
    """A walk along `path`, which may lead through several file systems."""

    def __init__(self, path: str, mounts: MountTable) -> None:
        self.reached = "/"
        """The path as far as it is walked, without links."""
        self._mounts = mounts
        self._links = 0
        self._rest = _names(path)
        self._pass_what_is_known()

    @property
    def filesystem(self) -> str:
        """The file system that is asked next."""
        return self._mounts.filesystem(self._next())

    @property
    def over(self) -> bool:
        """Return True if `reached` is where the path leads."""
        return not self._rest

    def walk(self) -> None:
        """Walk on to the end, or to where another file system is asked. May block: call it in a thread."""
        here = self.filesystem
        while self._rest and self.filesystem == here:
            self._step()
            self._pass_what_is_known()

    def _step(self) -> None:
        step = self._next()
        self._rest.pop()
        try:
            target = os.readlink(step)  # noqa: PTH115 -- no Path: it would drop the dots
        except OSError:  # no link, or nothing at all: opening it will tell
            self.reached = step
            return
        self._links += 1
        if self._links > _MOST_LINKS:  # opening it will fail
            self.reached, self._rest = "/".join((step, *reversed(self._rest))), []
            return
        if target.startswith("/"):
            self.reached = "/"
        self._rest += _names(target)

    def _pass_what_is_known(self) -> None:
        while self._rest and (self._rest[-1] == ".." or self._mounts.is_directory(self._next())):
            self.reached = self._next()
            self._rest.pop()

    def _next(self) -> str:
        if not self._rest:
            return self.reached
        if self._rest[-1] == "..":
            return os.path.dirname(self.reached)  # noqa: PTH120 -- the text of a path
        return os.path.join(self.reached, self._rest[-1])  # noqa: PTH118


def _names(path: str) -> list[str]:
    """Return the names of a path, the first one last."""
    return [name for name in reversed(path.split("/")) if name not in ("", ".")]
