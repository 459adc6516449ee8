"""The first steps on a database: it is migrated, gets its owner, and is matched with its key file."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, select, update
from sqlalchemy.exc import ProgrammingError

from greenroomd.store.engine import Database
from greenroomd.store.open_engines import UnsupportedDatabase
from greenroomd.store.ownership.owner_record import Owner
from greenroomd.store.schema.tables import meta, profiles, secrets
from greenroomd.store.schema.upgrade import upgrade
from greenroomd.store.secrets import KeyFileUnusable, Keyring, open_keyring

_INSUFFICIENT_PRIVILEGE: Final = "42501"


def prepare_database(database: Database, owner: Owner | None) -> tuple[str, int, int, str | None]:
    """Migrate, and raise the fence for an owner; return the store's id, head, fence, and the key of any one secret."""
    try:
        upgrade(database.writing)
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", "") != _INSUFFICIENT_PRIVILEGE:
            raise
        raise UnsupportedDatabase(
            f"GREENROOM_DATABASE_URL: the database refuses to make tables: {str(error.orig).splitlines()[0]}; "
            "make its user the owner of the database, or GRANT it CREATE on the schema"
        ) from error
    if owner is not None:
        with database.writing.begin() as connection:
            connection.execute(update(meta).values(fence=meta.c.fence + 1, owner=owner.text()))
    with database.reading.connect() as connection:
        store_id, head, fence = connection.execute(
            select(meta.c.store_id, meta.c.revision, meta.c.fence)
        ).one()
        of_profiles = select(profiles.c.key_id).where(profiles.c.key_id.is_not(None))
        sealed = select(secrets.c.key_id).union_all(of_profiles).limit(1)
        return store_id, head, fence, connection.execute(sealed).scalar()


def fence_of(connection: Connection) -> int:
    """Return the number of the server that owns the database now."""
    fence: int = connection.execute(select(meta.c.fence)).scalar_one()
    return fence


def keyring_for(key_file: Path, sealed_under: str | None) -> Keyring:
    """Open the key file; raises KeyFileUnusable if it lacks the key that stored secrets are `sealed_under`."""
    if sealed_under is not None and not key_file.exists():
        raise KeyFileUnusable(
            f"{key_file} is missing, and the database holds tokens sealed under its keys; restore it"
        )
    keyring = open_keyring(key_file)
    if sealed_under is not None and not keyring.holds(sealed_under):
        raise KeyFileUnusable(
            f"{key_file} does not hold key {sealed_under}, under which stored tokens are sealed"
        )
    return keyring
