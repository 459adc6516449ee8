"""What a state directory knows of its database: which store it is, and how far it had come.

A database that was restored from a backup, promoted or copied continues from a state that is not its last one, or
beside the original. It is another store: what clients know of the old one (cursors, ids of events) must not be taken
for its own. The database alone cannot tell.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_NAME = "store"
_DIGITS = 20


class StoreRecord:
    """The record of one state directory, held open; it is written after each commit, and survives the server's end."""

    def __init__(self, state_dir: Path, node_id: str) -> None:
        self._path = state_dir / _NAME
        self._node_id = node_id
        self._file = -1
        self._place = 0

    def seen_revision(self, store_id: str, last_owner: str) -> int | None:
        """Return the last revision that this state directory has seen of a store; None if it does not know the store.

        A record that was copied with the directory counts as none: the copy and the original are two stores. Versions
        before this one made no record; then the store is known if this node was its last owner.
        """
        try:
            known, inode, revision = self._path.read_text(encoding="ascii").split()
            same = known == store_id and int(inode) == self._path.stat().st_ino
            return int(revision) if same else None
        except FileNotFoundError:
            return 0 if last_owner in ("", self._node_id) else None
        except ValueError:  # torn by the end of a server that made it
            return None

    @contextmanager
    def of(self, store_id: str, revision: int) -> Iterator[None]:
        """Record the store that this server owns while the block runs; raises OSError."""
        self._begin(store_id, revision)
        try:
            yield
        finally:
            file, self._file = self._file, -1
            with suppress(OSError):
                os.fsync(file)
            os.close(file)

    def _begin(self, store_id: str, revision: int) -> None:
        draft = self._path.with_suffix(".new")
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        head = f"{store_id} {os.fstat(file).st_ino} ".encode("ascii")
        os.write(file, head)
        self._file, self._place = file, len(head)
        self.reached(revision)
        os.fsync(file)
        draft.replace(self._path)

    def reached(self, revision: int) -> None:
        """Note that a commit with this revision is durable; costs one write into the cache of the file system."""
        if self._file >= 0:
            with suppress(OSError):  # a full disk: the commits fail by themselves
                os.pwrite(self._file, f"{revision:0{_DIGITS}}\n".encode("ascii"), self._place)
