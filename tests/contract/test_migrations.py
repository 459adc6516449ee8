"""The way of the schema: from nothing to tables.py, once, and not back."""

import asyncio
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, event, text

from contract.conftest import Opening
from contract.postgres import PostgresServer
from contract.sample import Heard, JsonCodec, creation, new_session
from greenroomd.domain.principal import LOCAL
from greenroomd.store.engine import Database
from greenroomd.store.migrations.__main__ import verify
from greenroomd.store.schema.alembic_runner import migrate, newest
from greenroomd.store.schema.partial_indexes import metadata
from greenroomd.store.schema.upgrade import NEWEST, SchemaTooNew, differences, facts, upgrade
from greenroomd.store.sql_store import open_store


@pytest.fixture
def database_url(empty_database_url: str) -> str:
    """What is migrated here is empty at first."""
    return empty_database_url


def test_migrating_an_empty_database_leads_to_tables_py(
    database_url: str, tmp_path: Path, postgres: PostgresServer
) -> None:
    if database_url.startswith("sqlite"):
        plain = f"sqlite:///{tmp_path}/plain.db"
    else:
        plain = postgres.url(postgres.new_database())
    assert verify(database_url, plain) == []


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE nodes ADD COLUMN extra TEXT",
        "DROP INDEX sessions_of_user",
        "DROP INDEX turns_unfinished; CREATE INDEX turns_unfinished ON turns (session_number, number)",
        "DROP TABLE profiles",
        "CREATE TABLE extra (id INTEGER PRIMARY KEY)",
        "DROP INDEX requests_by_age; CREATE UNIQUE INDEX requests_by_age ON requests (create_time)",
    ],
)
def test_a_difference_would_be_seen(database_url: str, change: str) -> None:
    engine = create_engine(database_url)
    with engine.begin() as connection:
        metadata.create_all(connection)
        wanted = facts(connection)
        assert differences(facts(connection), wanted) == []
        _run(connection, change)
        assert differences(facts(connection), wanted) != []
    engine.dispose()


async def test_two_nodes_may_make_the_database_at_once(opening: Opening) -> None:
    async def opened() -> str:
        async with opening() as store:
            await store.commit(creation(new_session()))
            return store.store_id

    assert len(set(await asyncio.gather(opened(), opened(), opened()))) == 1


async def test_what_is_up_to_date_is_left_alone(opening: Opening) -> None:
    async with opening() as store:
        session = await store.commit(creation(new_session()))
    async with opening() as store:
        assert await store.session(session.session_id) == session


async def test_a_start_waits_for_a_migration_longer_than_for_anything_else(
    postgres: PostgresServer, key_file: Path
) -> None:
    name = postgres.new_database()
    async with open_store(
        postgres.url(name), key_file=key_file, codec=lambda _: JsonCodec(), announce=Heard()
    ):
        pass
    database = Database(
        postgres.url(name), wait_timeout=timedelta(milliseconds=100)
    )  # 600 for a statement, 700 for an answer
    waiting = f"""SELECT 1 FROM pg_stat_activity WHERE datname = '{name}' AND wait_event_type = 'Lock'
        AND clock_timestamp() - query_start > interval '1 second'"""
    with postgres.connect(name) as migrating, ThreadPoolExecutor(1) as threads:
        migrating.execute("BEGIN")
        migrating.execute("LOCK TABLE alembic_version")
        upgrading = threads.submit(upgrade, database.writing)
        while not (upgrading.done() or postgres.execute(waiting)):
            pass
        migrating.execute("COMMIT")
        upgrading.result()
    database.dispose()


def test_a_migration_may_rest_between_two_statements(postgres: PostgresServer) -> None:
    database = Database(postgres.url(postgres.new_database()), wait_timeout=timedelta(milliseconds=100))
    idle_limit = 0.2  # seconds: twice the timeout

    @event.listens_for(database.writing, "before_cursor_execute")
    def rest(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "CREATE TABLE sessions" in statement:
            time.sleep(2 * idle_limit)  # as on a host that is short of processors

    upgrade(database.writing)
    database.dispose()


async def test_a_database_of_a_later_version_is_refused(opening: Opening, database_url: str) -> None:
    async with opening():
        pass
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(SchemaTooNew, match="9999"):
        async with opening():
            pass


def test_the_check_runs_from_the_command_line() -> None:
    command = [sys.executable, "-m", "greenroomd.store.migrations"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def _run(connection: Connection, statements: str) -> None:
    for statement in statements.split("; "):
        connection.execute(text(statement))


def test_the_newest_migration_is_the_one_that_starts_look_for() -> None:
    assert newest() == NEWEST


def test_a_request_from_before_callers_had_kinds_is_still_recognized(database_url: str) -> None:
    engine = create_engine(database_url)
    with engine.begin() as connection:
        migrate(connection, "0008")
        connection.execute(
            text(
                "INSERT INTO requests (principal, method, request_id, fingerprint, answer, create_time)"
                " VALUES ('anonymous', 'StartTurn', 'x', :empty, :empty, 0)"
            ),
            {"empty": b""},
        )
    upgrade(engine)
    with engine.begin() as connection:
        found = connection.execute(text("SELECT principal FROM requests")).scalar_one()
    engine.dispose()
    assert found == LOCAL.name
