"""API keys in a SQL database: implements `app.ports.api_keys.ApiKeyStore`, and the changes by the command line.

The command line writes beside a running server. So each change gets the next number under a lock of the table, and the
server asks what has changed since the last number that it knows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from sqlalchemy import Connection, bindparam, func, insert, select, text, update

from greenroomd.app.ports.api_keys import ApiKeyStore
from greenroomd.domain.api_key import ApiKey
from greenroomd.domain.principal import Grants
from greenroomd.store.engine import Database
from greenroomd.store.read.reader import Reader
from greenroomd.store.schema.documents import maybe_time, maybe_time_of, time, time_of
from greenroomd.store.schema.rows import Row
from greenroomd.store.schema.tables import api_keys
from greenroomd.store.write.group_commit import Writer


class SqlApiKeys(ApiKeyStore):
    """The stored keys, as the server sees them."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._read = reader.read

    async def api_key(self, key_id: str) -> ApiKey | None:
        """Return a key."""
        return await self._read(partial(find_key, key_id=key_id))

    async def changed_api_keys(self, after: int) -> tuple[int, Sequence[ApiKey]]:
        """Return the number of the last change, and the keys changed after another one."""
        return await self._read(partial(_changed, after=after))

    async def save_uses(self, uses: Mapping[str, datetime]) -> None:
        """Store when keys were used last."""
        await self._writer.run_exclusive(partial(_save_uses, uses=dict(uses)))


def find_key(connection: Connection, *, key_id: str) -> ApiKey | None:
    """Return a key; None if there is none with this id."""
    row = connection.execute(select(api_keys).where(api_keys.c.key_id == key_id)).one_or_none()
    return None if row is None else _key_of(row)


def all_keys(database: Database) -> list[ApiKey]:
    """Return every key, oldest first."""
    with database.reading.connect() as connection:
        rows = connection.execute(select(api_keys).order_by(api_keys.c.create_time, api_keys.c.key_id))
        return [_key_of(row) for row in rows]


def add_key(database: Database, key: ApiKey) -> None:
    """Store a new key durably."""
    with database.writing.begin() as connection:
        connection.execute(insert(api_keys).values({**_values(key), "change_number": _next(connection)}))


def change_key(database: Database, key_id: str, **changes: object) -> ApiKey | None:
    """Replace fields of a key durably, and return it; None if there is none with this id."""
    with database.writing.begin() as connection:
        number = _next(connection)
        found = find_key(connection, key_id=key_id)
        if found is None:
            return None
        key = replace(found, **changes)  # type: ignore[arg-type]  # the callers name fields
        changed = {**_values(key), "change_number": number}
        del changed["use_time"]  # the server's alone
        connection.execute(update(api_keys).where(api_keys.c.key_id == key_id).values(changed))
        return key


def _next(connection: Connection) -> int:
    """Return the number of this change; any other one waits until this one is committed."""
    if connection.dialect.name == "postgresql":  # SQLite's transaction has the lock from the beginning
        connection.execute(text("LOCK TABLE api_keys IN SHARE ROW EXCLUSIVE MODE"))
    return 1 + _last(connection)


def _last(connection: Connection) -> int:
    number: int = connection.execute(
        select(func.coalesce(func.max(api_keys.c.change_number), 0))
    ).scalar_one()
    return number


def _changed(connection: Connection, *, after: int) -> tuple[int, Sequence[ApiKey]]:
    last = _last(connection)
    if last == after:
        return last, ()
    # Each statement sees what is committed then: what came after `last` is found again the next time.
    rows = connection.execute(select(api_keys).where(api_keys.c.change_number > after))
    return last, [_key_of(row) for row in rows]


def _save_uses(connection: Connection, _now: datetime, *, uses: Mapping[str, datetime]) -> None:
    used = update(api_keys).where(api_keys.c.key_id == bindparam("used")).values(use_time=bindparam("at"))
    connection.execute(used, [{"used": key_id, "at": time(at)} for key_id, at in sorted(uses.items())])


def _values(key: ApiKey) -> dict[str, object]:
    return {
        "key_id": key.key_id,
        "name": key.name,
        "digest": key.digest,
        "grants": json.dumps(key.grants.spelled()),
        "create_time": time(key.create_time),
        "expire_time": maybe_time(key.expire_time),
        "revoke_time": maybe_time(key.revoke_time),
        "use_time": maybe_time(key.use_time),
    }


def _key_of(row: Row) -> ApiKey:
    key_id, name, digest, grants, create_time, expire_time, revoke_time, use_time, _ = row
    return ApiKey(
        key_id=key_id,
        name=name,
        digest=bytes(digest),
        grants=Grants.of(json.loads(grants)),
        create_time=time_of(create_time),
        expire_time=maybe_time_of(expire_time),
        revoke_time=maybe_time_of(revoke_time),
        use_time=maybe_time_of(use_time),
    )
