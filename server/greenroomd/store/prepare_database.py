"""The first steps on a database: it is migrated, gets its owner, and is matched with its key file."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Final, Protocol

import structlog
from sqlalchemy import Connection, select, update
from sqlalchemy.exc import ProgrammingError

from greenroomd.store.engine import Database
from greenroomd.store.open_engines import UnsupportedDatabase
from greenroomd.store.ownership.owner_record import Owner, recorded
from greenroomd.store.schema.tables import meta, profiles, secrets
from greenroomd.store.schema.upgrade import upgrade
from greenroomd.store.secrets import KeyFileUnusable, Keyring, open_keyring

log = structlog.get_logger(__name__)

_INSUFFICIENT_PRIVILEGE: Final = "42501"


class SeenStores(Protocol):
    """What the owner remembers of databases, outside of them."""

    def seen_revision(self, store_id: str, last_owner: str) -> int | None:
        """Return the last revision that it has seen of a store, None if it does not know the store.

        `last_owner` is the node that the database names as its owner before this one, "" for none.
        """
        ...


def prepare_database(
    database: Database, owner: Owner | None, seen: SeenStores | None = None
) -> tuple[str, int, int, str | None]:
    """Migrate, and raise the fence for an owner; return the store's id, head, fence, and the key of any one secret.

    A database of which the owner has `seen` more than it holds, or that it does not know, becomes another store.
    """
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
            if seen is not None:
                _begin_anew_if_not_continued(connection, seen)
            connection.execute(update(meta).values(fence=meta.c.fence + 1, owner=owner.text()))
    with database.reading.connect() as connection:
        store_id, head, fence = connection.execute(
            select(meta.c.store_id, meta.c.revision, meta.c.fence)
        ).one()
        of_profiles = select(profiles.c.key_id).where(profiles.c.key_id.is_not(None))
        sealed = select(secrets.c.key_id).union_all(of_profiles).limit(1)
        return store_id, head, fence, connection.execute(sealed).scalar()


def _begin_anew_if_not_continued(connection: Connection, seen: SeenStores) -> None:
    store_id, revision, owner = connection.execute(
        select(meta.c.store_id, meta.c.revision, meta.c.owner).with_for_update()
    ).one()
    last_owner = recorded(owner)
    last_seen = seen.seen_revision(store_id, last_owner.node_id if last_owner else "")
    if revision == 0 or (last_seen is not None and last_seen <= revision):
        return
    begin_anew(connection, above=max(revision, last_seen or 0))
    log.warning("another_store", was=store_id, revision=revision, seen_revision=last_seen)


def begin_anew(connection: Connection, *, above: int) -> None:
    """Make the database another store: all that clients know of it (cursors, ids of events) is refused from now on.

    Its revisions go on above `above`, so that no etag or revision of the old store is met again.
    """
    connection.execute(update(meta).values(store_id=str(uuid.uuid4()), revision=above + 1))


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
