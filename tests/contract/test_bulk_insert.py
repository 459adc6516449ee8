"""Rows in bulk: every number of them arrives, once and in its place."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from greenroomd.store.engine import Database
from greenroomd.store.schema.tables import configs
from greenroomd.store.schema.upgrade import upgrade
from greenroomd.store.write.batch.bulk_insert import BulkInsert

pytestmark = pytest.mark.parametrize("count", [0, 1, 3, 4, 16, 17, 47, 128, 301])


def test_all_rows_arrive(database_url: str, count: int) -> None:
    database = Database(database_url, wait_timeout=timedelta(seconds=5))
    upgrade(database.writing)
    rows = [(number, 1, f'{{"ünïcode": {number}}}') for number in range(count)]
    with database.writing.begin() as connection:
        BulkInsert(database)(connection, configs, rows)
    with database.reading.connect() as connection:
        found = connection.execute(select(configs).order_by(configs.c.session_number)).all()
    database.dispose()
    assert [tuple(row) for row in found] == rows


def test_a_row_that_is_there_is_refused_with_all(database_url: str, count: int) -> None:
    database = Database(database_url, wait_timeout=timedelta(seconds=5))
    upgrade(database.writing)
    rows = [(number, 1, "{}") for number in range(count)]
    with pytest.raises(IntegrityError), database.writing.begin() as connection:
        BulkInsert(database)(connection, configs, [*rows, (7000, 1, "{}"), (7000, 1, "{}")])
    with database.reading.connect() as connection:
        assert connection.execute(select(configs)).all() == []
    database.dispose()
