"""API keys on both databases: what the command line writes is what the server is told, each change once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from contract.conftest import Opening
from greenroomd.domain.api_key import ApiKey
from greenroomd.domain.principal import Grants
from greenroomd.store import api_keys
from greenroomd.store.engine import Database
from greenroomd.store.sql_store import SqlStore

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def new_key(number: int = 0) -> ApiKey:
    return ApiKey(
        key_id=f"{number:012x}",
        name="for tests",
        digest=bytes(range(32)),
        grants=Grants.of(["lab=operator", "*=viewer"]),
        create_time=NOON + timedelta(seconds=number),
        expire_time=NOON + timedelta(days=1),
    )


@pytest.fixture
def beside(database_url: str) -> Iterator[Database]:
    """The database as the command line opens it, beside the store."""
    database = Database(database_url, wait_timeout=timedelta(seconds=20))
    yield database
    database.dispose()


async def test_a_key_comes_back_as_it_was_made_and_changed(opening: Opening, beside: Database) -> None:
    async with opening() as store:
        assert await store.api_keys.changed_api_keys(0) == (0, ())
        api_keys.add_key(beside, new_key())
        assert await store.api_keys.api_key(new_key().key_id) == new_key()
        assert await store.api_keys.api_key("nobody") is None
        number, changed = await store.api_keys.changed_api_keys(0)
        assert list(changed) == [new_key()]

        await store.api_keys.save_uses({new_key().key_id: NOON, "gone": NOON})
        assert await store.api_keys.changed_api_keys(number) == (number, ()), "its use is no change"
        revoked = api_keys.change_key(beside, new_key().key_id, revoke_time=NOON, grants=Grants({}))
        assert revoked is not None
        assert (revoked.use_time, revoked.state(NOON)) == (NOON, "revoked")
        assert (await store.api_keys.changed_api_keys(number))[1] == [revoked]
        assert api_keys.change_key(beside, "nobody", revoke_time=NOON) is None
    assert api_keys.all_keys(beside) == [revoked]


async def test_no_change_is_missed_however_many_write_at_once(
    opening: Opening, database_url: str, beside: Database
) -> None:
    def write(numbers: range) -> None:
        mine = Database(database_url, wait_timeout=timedelta(seconds=20))
        for number in numbers:
            api_keys.add_key(mine, new_key(number))
        mine.dispose()

    async def told(store: SqlStore) -> list[str]:
        found: list[str] = []
        last = 0
        while len(found) < 40:
            last, changed = await store.api_keys.changed_api_keys(last)
            found += [key.key_id for key in changed if key.key_id not in found]
        return sorted(found)

    async with opening() as store, asyncio.timeout(60), asyncio.TaskGroup() as writers:
        for start in range(0, 40, 10):
            writers.create_task(asyncio.to_thread(write, range(start, start + 10)))
        assert await told(store) == [new_key(number).key_id for number in range(40)]
    assert len({key.key_id for key in api_keys.all_keys(beside)}) == 40
