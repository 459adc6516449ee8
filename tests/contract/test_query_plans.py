"""Whatever a batch looks at or changes is found through an index: its cost does not grow with what is stored."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count

import pytest
from sqlalchemy import Connection, text

from contract.sample import JsonCodec
from greenroomd.store.engine import Database
from greenroomd.store.read.history import History
from greenroomd.store.schema.upgrade import upgrade
from greenroomd.store.write.batch.profile_quota import ProfileQuotas
from greenroomd.store.write.batch.statements import Statements


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty database of this version."""
    opened = Database(database_url, wait_timeout=timedelta(seconds=5))
    upgrade(opened.writing)
    yield opened
    opened.dispose()


def test_no_statement_of_a_batch_reads_a_whole_table(database: Database) -> None:
    of_a_batch = {**vars(Statements(database)), **vars(ProfileQuotas(database))}
    del of_a_batch["forget_requests"]  # once for many batches: it may read what it likes
    with _planning(database) as connection:
        for name, given in of_a_batch.items():
            for sql in [given] if isinstance(given, str) else given:
                for step in _plan(connection, sql):
                    assert "Seq Scan" not in step, (name, step)
                    assert not re.match("SCAN (?!json_each|anon)", step), (name, step)


def test_a_request_is_looked_up_by_its_whole_key(database: Database) -> None:
    with _planning(database) as connection:
        steps = _plan(connection, Statements(database).look_at_requests)
    [condition] = [step for step in steps if "principal" in step]
    assert "method" in condition
    assert "request_id" in condition


@contextmanager
def _planning(database: Database) -> Iterator[Connection]:
    with database.writing.connect() as connection, connection.begin():
        if not database.sqlite:
            connection.execute(text("SET LOCAL plan_cache_mode = force_generic_plan"))
        yield connection


def _plan(connection: Connection, sql: str) -> list[str]:
    """Return the steps, whatever the parameters will be."""
    if connection.dialect.name == "sqlite":
        rows = connection.exec_driver_sql("EXPLAIN QUERY PLAN " + sql, (None,) * sql.count("?"))
        return [row[-1] for row in rows]
    numbers = count(1)
    first, *rest = sql.split("%s")
    numbered = first + "".join(f"${next(numbers)}{part}" for part in rest)
    connection.exec_driver_sql("PREPARE planned AS " + numbered)
    nothing = f"({', '.join(['NULL'] * len(rest))})" if rest else ""
    rows = connection.exec_driver_sql("EXPLAIN EXECUTE planned" + nothing)
    plan = [row[-1] for row in rows]
    connection.exec_driver_sql("DEALLOCATE planned")
    return plan


def test_a_page_of_the_log_is_one_range_and_the_deletions_are_looked_up_by_hash_or_key(
    database: Database,
) -> None:
    with _planning(database) as connection:
        for shape, sql in History(database, JsonCodec())._pages.items():
            steps = _plan(connection, sql)
            for step in steps:
                assert "Seq Scan on events" not in step, (shape, steps)
                assert not re.match("SCAN|USE TEMP B-TREE", step) or "json_each" in step, (shape, steps)
            if shape[0] != "session":  # of one session, what follows its deletion has another number
                assert any(re.search("hashed SubPlan|deletions FOR IN-OPERATOR", step) for step in steps), (
                    steps
                )
