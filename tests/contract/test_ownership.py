"""One database, one owner: a second one is refused in words, and one that was replaced writes nothing more."""

import asyncio
import gc
import os
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Timer
from typing import Any

import pytest

from contract.conftest import Opening
from contract.postgres import PostgresServer
from contract.sample import Heard, JsonCodec, creation, new_session, revisions, saying
from greenroomd.app.ports.storage import Selection
from greenroomd.domain.retryable_errors import DatabaseTakenOver
from greenroomd.store.engine import Database
from greenroomd.store.open_engines import UnsupportedDatabase
from greenroomd.store.ownership.database_lock import locked
from greenroomd.store.ownership.owner_record import DatabaseInUse, this_server
from greenroomd.store.sql_store import open_store

FIRST, SECOND = this_server("first"), this_server("second")

Sql = Callable[[str], list[Any]]


@pytest.fixture
def sql(database_url: str, postgres: PostgresServer) -> Sql:
    """Runs a statement on the test's database, beside the store."""
    if database_url.startswith("sqlite"):
        path = database_url.removeprefix("sqlite:///")

        def run(statement: str) -> list[Any]:
            with closing(sqlite3.connect(path, isolation_level=None)) as connection:
                return connection.execute(statement).fetchall()

        return run
    name = database_url.partition("@/")[2].partition("?")[0]
    return lambda statement: postgres.execute(statement, name)


async def test_a_second_owner_is_refused_in_words(opening: Opening, sql: Sql) -> None:
    async with opening(owner=FIRST) as store:
        session = await store.commit(creation(new_session()))
        before = sql("SELECT * FROM meta")
        with pytest.raises(DatabaseInUse) as refusal:
            async with opening(owner=SECOND):
                raise AssertionError("two owners")
        assert sql("SELECT * FROM meta") == before
        assert re.search(rf"node first on \S+, pid {os.getpid()}, since 20", str(refusal.value))
        assert "GREENROOM_DATABASE_URL" in str(refusal.value)
        await store.commit(saying(session, "undisturbed"))


async def test_a_second_owner_is_refused_before_it_touches_anything(opening: Opening, sql: Sql) -> None:
    """What a migration would change stays as it was."""
    async with opening(owner=FIRST):
        sql("UPDATE alembic_version SET version_num = '0001'")
        with pytest.raises(DatabaseInUse):
            async with opening(owner=SECOND):
                raise AssertionError("two owners")
        assert sql("SELECT version_num FROM alembic_version") == [("0001",)]
        sql("UPDATE alembic_version SET version_num = '0005'")


async def test_the_next_owner_follows_the_last(opening: Opening, sql: Sql) -> None:
    for fence, owner in enumerate([FIRST, SECOND, FIRST], start=1):
        async with opening(owner=owner) as store:
            await store.commit(creation(new_session()))
        assert sql("SELECT fence, owner FROM meta") == [(fence, owner.text())]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_file_has_one_owner_whatever_its_name(
    database_url: str, tmp_path: Path, key_file: Path, opening: Opening
) -> None:
    del database_url
    link = tmp_path / "elsewhere" / "link.db"
    link.parent.mkdir()
    link.symlink_to(tmp_path / "greenroom.db")
    async with opening(owner=FIRST):
        with pytest.raises(DatabaseInUse):
            async with open_store(
                f"sqlite:///{link}",
                key_file=key_file,
                codec=lambda _: JsonCodec(),
                announce=Heard(),
                owner=SECOND,
            ):
                raise AssertionError("two owners")
    lock = tmp_path / "greenroom.db.lock"
    assert lock.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_whoever_removes_the_file_beside_the_database_lets_nobody_in(
    database_url: str, tmp_path: Path, opening: Opening
) -> None:
    del database_url
    beside = tmp_path / "greenroom.db.lock"
    async with opening(owner=FIRST) as store:
        session = await store.commit(creation(new_session()))
        beside.unlink()
        for _ in range(2):
            with pytest.raises(DatabaseInUse, match="node first on"):
                async with opening(owner=SECOND):
                    raise AssertionError("two owners")
        await store.commit(saying(session, "undisturbed"))
    async with opening(owner=SECOND):
        assert beside.read_text() == SECOND.text()


async def refused_while_another_starts(database_url: str, opening: Opening) -> str:
    """Return what a second owner is told while the first has its lock, and has not written anything yet."""
    database = Database(database_url, wait_timeout=timedelta(seconds=5))
    try:
        async with locked(database, replace(FIRST, pid=4242)):
            with pytest.raises(DatabaseInUse) as refusal:
                async with opening(owner=SECOND):
                    raise AssertionError("two owners")
    finally:
        database.dispose()
    return str(refusal.value)


async def test_a_second_owner_learns_of_one_that_has_no_tables_yet(
    database_url: str, opening: Opening
) -> None:
    told = await refused_while_another_starts(database_url, opening)
    assert f"on {FIRST.host}, pid 4242" in told


async def test_a_second_owner_is_not_told_of_the_one_before(database_url: str, opening: Opening) -> None:
    async with opening(owner=SECOND):
        pass
    told = await refused_while_another_starts(database_url, opening)
    assert f"on {FIRST.host}, pid 4242" in told
    assert "node second" not in told


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_file_with_a_second_name_is_refused(
    database_url: str, tmp_path: Path, opening: Opening
) -> None:
    del database_url
    async with opening(owner=FIRST):
        pass
    (tmp_path / "second.db").hardlink_to(tmp_path / "greenroom.db")
    with pytest.raises(UnsupportedDatabase, match="hard link"):
        async with opening(owner=FIRST):
            raise AssertionError("two names, two locks")


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_two_schemas_have_an_owner_each(database_url: str, sql: Sql, key_file: Path) -> None:
    sql("CREATE SCHEMA elsewhere")
    elsewhere = f"{database_url}&options=-csearch_path%3Delsewhere"

    def opened(url: str) -> Any:
        return open_store(
            url, key_file=key_file, codec=lambda _: JsonCodec(), announce=Heard(), owner=this_server("n")
        )

    async with opened(database_url) as one, opened(elsewhere) as two:
        await one.commit(creation(new_session()))
        await two.commit(creation(new_session()))
        with pytest.raises(DatabaseInUse):
            async with opened(elsewhere):
                raise AssertionError("two owners")


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_a_read_that_was_given_up_leaves_no_connection_behind_the_lock(
    database_url: str, opening: Opening, postgres: PostgresServer
) -> None:
    """A connection that is dropped unclosed is an error: pytest turns the driver's warning into one."""
    name = database_url.partition("@/")[2].partition("?")[0]
    with postgres.connect(name) as locking:
        async with opening(owner=FIRST) as store:
            locking.execute("BEGIN; LOCK TABLE sessions")
            read = asyncio.create_task(store.session("none"))  # noqa: TID251
            await until(lambda: bool(postgres.execute("SELECT 1 FROM pg_locks WHERE NOT granted", name)))
            read.cancel()
            release = Timer(0.3, locking.execute, ["ROLLBACK"])  # the end waits for the read, in this thread
            release.start()
        release.join()
    gc.collect()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that another process does."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


LOCKS = (
    "SELECT l.pid FROM pg_locks l JOIN pg_database d ON d.oid = l.database "
    "WHERE l.locktype = 'advisory' AND d.datname = current_database()"
)


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_a_lost_lock_is_taken_again(opening: Opening, sql: Sql) -> None:
    async with opening(owner=FIRST) as store:
        session = await store.commit(creation(new_session()))
        [[lost]] = sql(LOCKS)
        assert sql(f"SELECT pg_terminate_backend({lost}, 10000)") == [(True,)]
        session = await store.commit(saying(session, "goes on"))
        await until(lambda: sql(LOCKS) not in ([], [(lost,)]))
        with pytest.raises(DatabaseInUse, match="node first"):
            async with opening(owner=SECOND):
                raise AssertionError("two owners")
        await store.commit(saying(session, "and on"))
    assert sql(LOCKS) == []


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_an_owner_that_was_replaced_while_its_lock_was_lost_learns_of_it(
    opening: Opening, sql: Sql, postgres: PostgresServer, database_url: str
) -> None:
    async with opening(owner=FIRST) as store:
        session = await store.commit(creation(new_session()))
        [[lost]] = sql(LOCKS)
        [[of, what]] = sql("SELECT classid, objid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2")
        with postgres.connect(database_url.partition("@/")[2].partition("?")[0]) as another:
            # The table shows the halves of the key without their signs.
            key = (int(of), int(what) - (2**32 if int(what) >= 2**31 else 0))
            wait = "SELECT pg_advisory_lock(%s::int4, %s::int4)"
            async with asyncio.TaskGroup() as waiting:
                waiting.create_task(asyncio.to_thread(another.execute, wait, key))
                await until(lambda: len(sql(LOCKS)) == 2)
                assert sql(f"SELECT pg_terminate_backend({lost}, 10000)") == [(True,)]
            sql("UPDATE meta SET fence = fence + 1")
            async with asyncio.timeout(60):
                await store.taken_over()
        with pytest.raises(DatabaseTakenOver):
            await store.commit(saying(session, "late"))


async def test_an_owner_that_was_replaced_writes_nothing(opening: Opening, sql: Sql, heard: Heard) -> None:
    async with opening(owner=FIRST) as store:
        session = await store.commit(creation(new_session()))
        await store.positions.save_offset("listener", 1)
        sql("UPDATE meta SET fence = fence + 1")
        units = [saying(session, "late"), *(creation(new_session()) for _ in range(3))]
        outcomes = await asyncio.gather(
            *map(store.commit, units), store.positions.save_offset("listener", 2), return_exceptions=True
        )
        assert {type(outcome) for outcome in outcomes} == {DatabaseTakenOver}
        await store.taken_over()
        assert await store.positions.listener_position("listener") == 1
        assert revisions(await store.events(Selection(), after=0, limit=10)) == [1]
    assert revisions(heard.events) == [1]
    assert sql("SELECT revision FROM meta") == [(1,)]
