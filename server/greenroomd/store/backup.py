"""Copies an SQLite database while a server writes to it, and puts such a copy in its place again."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import func, select

from greenroomd.store.engine import Database
from greenroomd.store.prepare_database import begin_anew
from greenroomd.store.schema.tables import meta

_WAIT: Final = timedelta(seconds=5)


class BackupFailed(Exception):
    """The backup cannot be made or used; the text says why and what to do."""


def back_up(database: Path, file: Path) -> None:
    """Write a copy of a database to a new file, as it is at one moment; raises BackupFailed, OSError.

    Writers go on meanwhile. The copy is whole and on the disk when this returns, or it is not there.
    """
    if not database.exists():
        raise BackupFailed(f"there is no database {database}")
    with _made_whole(file) as draft:
        try:
            # One statement in one snapshot; a copy page by page would begin anew with each commit.
            with closing(sqlite3.connect(database, isolation_level=None)) as connection:
                connection.execute("VACUUM INTO ?", (str(draft),))
        except sqlite3.Error as error:
            raise BackupFailed(f"{database} cannot be copied: {error}") from error


def put_back(file: Path, database: Path) -> None:
    """Replace a database, which nobody uses, by a backup; raises BackupFailed, OSError.

    The result is another store than the one that was backed up: cursors and ids of events of that one are refused.
    """
    _require_backup(file)
    draft = database.with_name(f"{database.name}.restored")
    draft.unlink(missing_ok=True)
    with _made_whole(draft) as copy:
        shutil.copyfile(file, copy)
    adopt(Database(f"sqlite:///{draft}", wait_timeout=_WAIT))
    for suffix in ("-wal", "-shm"):
        Path(f"{draft}{suffix}").unlink(missing_ok=True)
        Path(f"{database}{suffix}").unlink(missing_ok=True)  # of the old one: never to be applied to this
    draft.replace(database)
    _sync(database.parent)


def adopt(database: Database) -> None:
    """Make a database of either kind another store, without anything else; it is closed afterwards."""
    try:
        with database.writing.begin() as connection:
            begin_anew(connection, above=connection.execute(select(func.max(meta.c.revision))).scalar_one())
    finally:
        database.dispose()  # SQLite writes its log back into the file when the last connection ends


def _require_backup(file: Path) -> None:
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            sound = connection.execute("PRAGMA quick_check").fetchone() == ("ok",)
            connection.execute("SELECT store_id, revision FROM meta").fetchone()
    except sqlite3.Error as error:
        raise BackupFailed(f"{file} is no database of Greenroom: {error}") from error
    if not sound:
        raise BackupFailed(f"{file} is damaged")


@contextmanager
def _made_whole(file: Path) -> Iterator[Path]:
    """Yield a file to write beside `file`, closed to other users, which then gets its name; raises BackupFailed."""
    if file.exists():
        raise BackupFailed(f"{file} exists; name another file")
    draft = file.with_name(f"{file.name}.part")
    with suppress(FileNotFoundError):
        draft.unlink()
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        yield draft
        _sync(draft)
        draft.rename(file)
        _sync(file.parent)
    finally:
        draft.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
