"""The lock of an SQLite database: the kernel holds it for this process, and releases it when the process ends.

The database file itself is locked, so that nobody gets in by removing another file. SQLite locks parts of the same file
in another way; the two do not meet. A second file beside it is locked as well, since servers before this version knew
only that one. It holds the owner's record.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from greenroomd.store.open_engines import UnsupportedDatabase
from greenroomd.store.ownership.owner_record import DatabaseInUse, DatabaseLock, Owner, recorded


class FileLock(DatabaseLock):
    """Held while the block runs.

    Leave the block after every connection to the database: when a process closes a file, it loses all locks that
    SQLite has on it.
    """

    def __init__(self, database: Path, owner: Owner) -> None:
        self._database = path = database.resolve()
        self._beside = path.with_name(f"{path.name}.lock")
        self._owner = owner
        self._files: list[int] = []

    def __enter__(self) -> FileLock:
        if self._database.exists() and self._database.stat().st_nlink > 1:
            # Under each of its names it would have another lock beside it, and another write-ahead log.
            raise UnsupportedDatabase(f"{self._database} has a second name (a hard link); remove one of them")
        try:
            self._lock(self._database, os.O_RDONLY)
            beside = self._lock(self._beside, os.O_RDWR | os.O_CREAT)
        except BlockingIOError:
            self.__exit__()
            raise DatabaseInUse(self._holder()) from None
        os.ftruncate(beside, 0)
        os.write(beside, self._owner.text().encode())
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files:
            os.close(file)

    def _lock(self, path: Path, flags: int) -> int:
        file = os.open(path, flags | os.O_CLOEXEC, 0o600)
        self._files.append(file)
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return file

    def _holder(self) -> str:
        """Return who holds the lock, in words; "" if no record of it is left."""
        records: list[str] = []
        with suppress(OSError, UnicodeDecodeError):
            records.append(self._beside.read_text("utf-8"))
        with (
            suppress(sqlite3.Error),
            closing(sqlite3.connect(f"{self._database.as_uri()}?mode=ro", uri=True)) as read,
        ):
            records += (str(row[0]) for row in read.execute("SELECT owner FROM meta"))
        return next((str(owner) for text in records if (owner := recorded(text))), "")
