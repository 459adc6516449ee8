"""What the operator's command line does with API keys, beside a running server or without one.

It writes to the database itself: whoever may do that may do everything anyway, and no key is needed to make the first.
A running server asks for changes once a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial

from greenroomd.domain.api_key import ApiKey
from greenroomd.domain.principal import Grants
from greenroomd.identity.api_token import new_token
from greenroomd.settings.record import Settings
from greenroomd.store import api_keys
from greenroomd.store.engine import Database
from greenroomd.store.schema.upgrade import SchemaTooNew, is_newest, upgrade
from greenroomd.wiring.database_commands import alone, database_of, in_words
from greenroomd.wiring.start import StartFailed


def create(settings: Settings, name: str, grants: Grants, expire_time: datetime | None) -> tuple[str, ApiKey]:
    """Store a new key; return its token, which nobody can read again, and the key. Raises StartFailed."""
    token = new_token()
    key = ApiKey(
        key_id=token.key_id,
        name=name,
        digest=token.digest,
        grants=grants,
        create_time=datetime.now(UTC),
        expire_time=expire_time,
    )
    with _migrated(settings) as database:
        api_keys.add_key(database, key)
    return token.text, key


def listed(settings: Settings) -> Sequence[ApiKey]:
    """Return every key, oldest first; raises StartFailed."""
    with _migrated(settings) as database:
        return api_keys.all_keys(database)


def revoke(settings: Settings, key_id: str) -> ApiKey:
    """Refuse a key from now on; raises StartFailed."""
    with _migrated(settings) as database:
        return _found(api_keys.change_key(database, key_id, revoke_time=datetime.now(UTC)), key_id)


def regrant(settings: Settings, key_id: str, grants: Grants) -> ApiKey:
    """Replace what a key allows; raises StartFailed."""
    with _migrated(settings) as database:
        return _found(api_keys.change_key(database, key_id, grants=grants), key_id)


def _found(key: ApiKey | None, key_id: str) -> ApiKey:
    if key is None:
        raise StartFailed(f"there is no key {key_id!r}; `greenroomd keys list` shows them all")
    return key


@contextmanager
def _migrated(settings: Settings) -> Iterator[Database]:
    """Yield the database, migrated to this version: that, unlike the rest, needs it alone."""
    with in_words():
        database = database_of(settings)
        try:
            if not is_newest(database.writing):
                own = database_of(settings)
                asyncio.run(alone(settings, own, partial(_upgrade, own)))
            yield database
        except SchemaTooNew as error:
            raise StartFailed(str(error)) from error
        finally:
            database.dispose()


def _upgrade(database: Database) -> None:
    try:
        upgrade(database.writing)
    finally:
        database.dispose()
