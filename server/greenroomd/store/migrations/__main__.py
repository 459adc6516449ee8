"""Checks that the migrations lead to tables.py: `python -m greenroomd.store.migrations [URL URL]`.

The URLs name two empty databases of one kind, which are filled and left that way. By default both are temporary SQLite
databases.
"""

import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from greenroomd.store.engine import Database
from greenroomd.store.schema.partial_indexes import metadata
from greenroomd.store.schema.upgrade import differences, facts, upgrade


def verify(migrated_url: str, plain_url: str) -> list[str]:
    """Return the differences between a migrated database and one created from tables.py; both must be empty before."""
    migrated = Database(migrated_url, wait_timeout=timedelta(seconds=5))
    plain = Database(plain_url, wait_timeout=timedelta(seconds=5))
    try:
        upgrade(migrated.writing)
        metadata.create_all(plain.writing)
        with migrated.reading.connect() as found, plain.reading.connect() as wanted:
            return differences(facts(found), facts(wanted))
    finally:
        migrated.dispose()
        plain.dispose()


def main(urls: list[str]) -> None:
    """Exit with one line for each difference, or silently if there is none."""
    with tempfile.TemporaryDirectory() as folder:
        migrated, plain = urls or (f"sqlite:///{Path(folder, name)}.db" for name in ("migrated", "plain"))
        if found := verify(migrated, plain):
            sys.exit("\n".join(["The migrations do not lead to tables.py:", *found]))


if __name__ == "__main__":
    main(sys.argv[1:])
