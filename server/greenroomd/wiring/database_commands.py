"""What the operator's command line does with the database itself, beside the server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from greenroomd.processes.node.state_dir import node_id
from greenroomd.processes.node.state_lock import StateDirUnusable, lock_state_dir
from greenroomd.settings.record import Settings
from greenroomd.store import backup as backups
from greenroomd.store.engine import Database
from greenroomd.store.open_engines import UnsupportedDatabase
from greenroomd.store.ownership.database_lock import locked
from greenroomd.store.ownership.owner_record import DatabaseInUse, this_server
from greenroomd.wiring.start import StartFailed

_WAIT = timedelta(seconds=5)


def backup(settings: Settings, file: Path) -> None:
    """Copy the SQLite database to a new file; raises StartFailed."""
    with in_words():
        backups.back_up(_sqlite(settings, "pg_dump --format=custom").path, file)


def restore(settings: Settings, file: Path) -> None:
    """Replace the SQLite database by a backup, as the only one that uses it; raises StartFailed."""
    with in_words(), lock_state_dir(settings.state_dir):
        database = _sqlite(settings, "pg_restore, then `greenroomd db adopt`")
        asyncio.run(alone(settings, database, partial(backups.put_back, file, database.path)))


def adopt_as_own(settings: Settings) -> None:
    """Make the database another store, as the only one that uses it; raises StartFailed."""
    with in_words(), lock_state_dir(settings.state_dir):
        database = database_of(settings)
        asyncio.run(alone(settings, database, partial(backups.adopt, database)))


async def alone(settings: Settings, database: Database, act: partial[None]) -> None:
    """Act in a thread as the only one that uses the database; raises DatabaseInUse."""
    async with locked(database, this_server(node_id(settings.state_dir))):
        await asyncio.to_thread(act)


def _sqlite(settings: Settings, instead: str) -> Database:
    database = database_of(settings)
    if not database.sqlite:
        raise StartFailed(f"the database is PostgreSQL: use {instead} (see docs/operations.md)")
    return database


def database_of(settings: Settings) -> Database:
    """Return the database in the settings; it is not opened yet."""
    return Database(settings.database_url.get_secret_value(), wait_timeout=_WAIT)


@contextmanager
def in_words() -> Iterator[None]:
    """Raise StartFailed, with what to tell the operator, for all that can go wrong with a database."""
    try:
        yield
    except (StateDirUnusable, DatabaseInUse, UnsupportedDatabase, backups.BackupFailed) as error:
        raise StartFailed(str(error)) from error
    except OSError as error:
        raise StartFailed(f"{error.filename}: {error.strerror}") from error
    except SQLAlchemyError as error:
        raise StartFailed(f"the database does not answer: {str(error).splitlines()[0]}") from error
