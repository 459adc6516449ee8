#!/usr/bin/env bash
# `PRAGMA journal_mode = WAL` fails at once while another process writes, whatever the busy timeout says.
#
# Version: pysqlite3-binary 0.5.4.post2 (SQLite 3.51.1); the same with SQLite 3.40.1. 2026-11-30.
# Programs set a busy timeout first and WAL next, and expect the timeout to cover both. It covers an INSERT and a READER
# in the way of the switch, but not a WRITER in its way: then "database is locked" comes after 0 seconds. So when two
# processes open a new database at the same moment, and the first one creates its tables while the second one switches,
# the second one can fail at its start, however long its timeout is. Once the file is in WAL mode the same
# statement is harmless: it happens only on the first start of an installation.
#
# Output seen (busy timeout 3 s):
#   a reader in the way: database is locked after 3 s
#   a writer in the way: database is locked after 0 s
#   a writer in the way of an INSERT: database is locked after 3 s
#   a writer in the way, the file is in WAL mode already: ok after 0 s
set -euo pipefail
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
python3 -m pip install -q --root-user-action ignore --no-compile --target "$WORK/lib" pysqlite3-binary==0.5.4.post2
export WORK
PYTHONPATH=$WORK/lib python3 - <<'EOF'
import os, time
from pysqlite3 import dbapi2 as sqlite3

print("SQLite", sqlite3.sqlite_version)
file = f"{os.environ['WORK']}/database"
first = sqlite3.connect(file, isolation_level=None)
second = sqlite3.connect(file, isolation_level=None, timeout=3)
first.execute("CREATE TABLE item (word TEXT)")
first.execute("INSERT INTO item VALUES ('a')")


def tried(statement):
    start = time.monotonic()
    try:
        second.execute(statement).fetchall()
        outcome = "ok"
    except sqlite3.OperationalError as error:
        outcome = str(error)
    return f"{outcome} after {time.monotonic() - start:.0f} s"


wal = "PRAGMA journal_mode = WAL"
first.execute("BEGIN")
first.execute("SELECT * FROM item").fetchall()
seen = ["a reader in the way: " + tried(wal)]
first.execute("COMMIT")
first.execute("BEGIN IMMEDIATE")
seen.append("a writer in the way: " + tried(wal))
seen.append("a writer in the way of an INSERT: " + tried("INSERT INTO item VALUES ('b')"))
first.execute("ROLLBACK")
first.execute(wal)
first.execute("BEGIN IMMEDIATE")
seen.append("a writer in the way, the file is in WAL mode already: " + tried(wal))
print("\n".join(seen))
assert [line.split(": ")[1] for line in seen] == [
    "database is locked after 3 s",
    "database is locked after 0 s",
    "database is locked after 3 s",
    "ok after 0 s",
], "the behaviour has changed"
EOF
