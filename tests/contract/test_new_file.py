"""A new SQLite file is opened by several at once, and each of them gets it."""

import sqlite3
import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from greenroomd.store.engine import Database


def test_whoever_opens_a_new_file_waits_for_another_that_does_so(tmp_path: Path) -> None:
    """SQLite's own wait for locks does not cover this: changing to a write-ahead log while another writes."""
    path = tmp_path / "greenroom.db"
    database = Database(f"sqlite:///{path}", wait_timeout=timedelta(seconds=20))
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        timer = threading.Timer(0.2, other.execute, ["COMMIT"])
        timer.start()
        try:
            with database.writing.connect() as connection:
                (mode,) = connection.exec_driver_sql("PRAGMA journal_mode").one()
        finally:
            timer.join()
            database.dispose()
    assert mode == "wal"
