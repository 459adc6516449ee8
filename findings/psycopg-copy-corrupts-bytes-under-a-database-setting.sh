#!/usr/bin/env bash
# psycopg's text COPY stores other bytes than it was given if standard_conforming_strings is off, and raises nothing.
#
# Version: psycopg[binary] 3.3.9 with PostgreSQL 15, 2026-11-30.
# `standard_conforming_strings` is about backslashes in SQL literals, and COPY data has no literals: one expects no effect,
# and psycopg itself escapes correctly for both values in INSERT and executemany. In `copy.write_row` of a `bytes` value,
# text format (the default), the backslash of the hex form is doubled once more, so the server takes the text "\x0001..."
# for the bytes: 256 bytes become 514, the transaction commits, and the read gives the wrong bytes back. Text columns are
# unharmed. The setting need not come from the program: old installations have it in `ALTER DATABASE` or `ALTER ROLE` for
# other users' sake. Binary COPY is right; so is sending the setting with each connection.
#
# Output seen:
#   on: INSERT 256 bytes, same; COPY 256 bytes, same; COPY binary 256 bytes, same
#   off: INSERT 256 bytes, same; COPY 514 bytes, OTHER; COPY binary 256 bytes, same
set -euo pipefail
BIN=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -1)
[ -n "$BIN" ] || { echo "needs Debian's package postgresql" >&2; exit 2; }
"$BIN/postgres" --version
WORK=$(mktemp -d)
chmod 755 "$WORK"
as() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }
end() { as "$BIN/pg_ctl" -D "$WORK/db/data" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$WORK"; }
trap end EXIT
mkdir "$WORK/db"
[ "$(id -u)" != 0 ] || chown postgres "$WORK/db"
python3 -m pip install -q --root-user-action ignore --no-compile --target "$WORK/lib" \
    psycopg==3.3.9 psycopg-binary==3.3.9
cd "$WORK/db"
as "$BIN/initdb" -D data -A trust -U lab >/dev/null
as "$BIN/pg_ctl" -D data -l log -o "-k '$WORK/db' -c listen_addresses=''" -w start >/dev/null
export WORK
PYTHONPATH=$WORK/lib python3 - <<'EOF'
import os
import psycopg

BODY = bytes(range(256))
url = f"host={os.environ['WORK']}/db user=lab dbname=postgres"


def stored(connection, write):
    connection.execute("CREATE TEMP TABLE body (bytes bytea, word text)")
    write(connection.cursor())
    [(found, word)] = connection.execute("SELECT bytes, word FROM body").fetchall()
    connection.rollback()
    assert word == "a\\b"
    return f"{len(found)} bytes, {'same' if found == BODY else 'OTHER'}"


def insert(cursor):
    cursor.execute("INSERT INTO body VALUES (%s, %s)", (BODY, "a\\b"))


def copy(cursor):
    with cursor.copy("COPY body FROM STDIN") as rows:
        rows.write_row((BODY, "a\\b"))


def copy_binary(cursor):
    with cursor.copy("COPY body FROM STDIN (FORMAT BINARY)") as rows:
        rows.set_types(["bytea", "text"])
        rows.write_row((BODY, "a\\b"))


seen = {}
for value in ("on", "off"):
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(f"ALTER DATABASE postgres SET standard_conforming_strings = {value}")
    with psycopg.connect(url) as connection:
        seen[value] = [stored(connection, write) for write in (insert, copy, copy_binary)]
    print("{}: INSERT {}; COPY {}; COPY binary {}".format(value, *seen[value]))
same = "256 bytes, same"
assert seen == {"on": [same, same, same], "off": [same, "514 bytes, OTHER", same]}, "the behaviour has changed"
EOF
