"""The tables, the same on SQLite and PostgreSQL; with partial_indexes.py, migrations lead to exactly this.

Times are microseconds since the epoch, UTC. Structured parts, and all texts of models and tools, are JSON in ASCII, so
that any text survives on both databases, also the NUL that PostgreSQL's text type refuses. There are no foreign keys:
the one writer checks under the lock of the `meta` row, and a second check of each row would only cost time.

Internally a session is identified by its `number`, the revision that created it. Its id is random: an index that begins
with the id touches a different page for each row of a batch, one that begins with the number grows at its end.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
)

metadata = MetaData()

# Ordered by bytes, as in Python and SQLite, whatever the locale of a PostgreSQL database.
Name = Text().with_variant(Text(collation="C"), "postgresql")
# SQLite uses the number as its rowid only if the column's type is called INTEGER.
Revision = BigInteger().with_variant(Integer(), "sqlite")

meta = Table(
    "meta",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),  # always 1
    Column("store_id", Text, nullable=False),
    Column(
        "revision", BigInteger, nullable=False
    ),  # changing it locks out all other writers until the commit
    Column(
        "batch", Text, nullable=False
    ),  # the last commit's id: shows whether a commit without answer took place
    Column(
        "fence", BigInteger, nullable=False, server_default="0"
    ),  # rises with each new owner; see ownership.py
    Column("owner", Text, nullable=False, server_default=""),  # JSON: the server that owns the database
)

# A row outlives its session, so that its last event is still found by the session's id, and the id is never used again.
# A deleted session has the revision of that event as its number: its other rows have the old number, and are no longer
# found.
identities = Table(
    "identities",
    metadata,
    Column("session_id", Name, primary_key=True),
    Column("number", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

sessions = Table(
    "sessions",
    metadata,
    # Never changed after the insert.
    Column("number", Revision, primary_key=True, autoincrement=False),
    Column("session_id", Text, nullable=False),
    Column("workspace_id", Name, nullable=False),
    Column("user_id", Name, nullable=False),
    Column("profile_id", Name, nullable=False),
    Column("create_time", BigInteger, nullable=False),
    # Indexed and changeable. Most commits do not change them, and so leave the indexes alone.
    Column("state", Name, nullable=False),
    Column("unsettled", SmallInteger, nullable=False),  # 1: live, or waiting for its first process
    Column("last_active_time", BigInteger, nullable=False),
    Column("due_time", BigInteger),  # when it is due while it has no owner; NULL: never
    # Changed with every commit.
    Column("config_generation", Integer, nullable=False),
    Column("node_id", Text, nullable=False),
    Column("description", Text, nullable=False),  # JSON: display name, labels and metadata
    Column("progress", Text, nullable=False),  # JSON: everything that no query searches for
    Column("version", BigInteger, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("last_sequence", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),
    # Each order of a list, alone and after each selective filter: a page takes the same time at any size.
    Index("sessions_by_creation", "create_time", "number"),
    Index("sessions_by_activity", "last_active_time", "number"),
    Index("sessions_of_workspace_by_creation", "workspace_id", "create_time", "number"),
    Index("sessions_of_workspace_by_activity", "workspace_id", "last_active_time", "number"),
    Index("sessions_in_state_by_creation", "workspace_id", "state", "create_time", "number"),
    Index("sessions_in_state_by_activity", "workspace_id", "state", "last_active_time", "number"),
)
configs = Table(
    "configs",
    metadata,
    Column("session_number", BigInteger, primary_key=True, autoincrement=False),
    Column("generation", Integer, primary_key=True, autoincrement=False),
    Column("config", Text, nullable=False),  # JSON; a row never changes
)

# Only for finding sessions: the labels themselves are in the session's own row.
labels = Table(
    "labels",
    metadata,
    Column("session_number", BigInteger, primary_key=True, autoincrement=False),
    Column("key", Name, primary_key=True),
    Column("value", Name, nullable=False),
    Column("workspace_id", Name, nullable=False),
    Column("create_time", BigInteger, nullable=False),  # the session's
    Index("labels_by_value", "key", "value", "workspace_id", "create_time", "session_number"),
)

turns = Table(
    "turns",
    metadata,
    Column("turn_id", Name, primary_key=True),
    Column("session_number", BigInteger, nullable=False),
    Column("session_id", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", Name, nullable=False),
    Column("unfinished", SmallInteger, nullable=False),  # 1: queued or running
    Column("create_time", BigInteger, nullable=False),
    Column("prompt", Text, nullable=False),  # JSON: text and blocks; separate, since it never changes
    Column("outcome", Text, nullable=False),  # JSON: the rest
    Index("turns_of_session", "session_number", "number", "turn_id"),
)
approvals = Table(
    "approvals",
    metadata,
    Column("approval_id", Name, primary_key=True),
    Column("session_number", BigInteger, nullable=False),
    Column("session_id", Text, nullable=False),
    Column("state", Name, nullable=False),
    Column("create_time", BigInteger, nullable=False),
    Column("question", Text, nullable=False),  # JSON: the rest
    Index("approvals_of_session", "session_number", "create_time", "approval_id"),
)

# The CLI chooses the ids: they are unique in their session only.
tasks = Table(
    "tasks",
    metadata,
    Column("session_number", BigInteger, primary_key=True, autoincrement=False),
    Column("task_id", Name, primary_key=True),
    Column("session_id", Text, nullable=False),
    Column("state", Name, nullable=False),
    Column("unfinished", SmallInteger, nullable=False),  # 1: running or scheduled
    Column("create_time", BigInteger, nullable=False),
    Column("details", Text, nullable=False),  # JSON: the rest
    Index("tasks_of_session", "session_number", "create_time", "task_id"),
)

events = Table(
    "events",
    metadata,
    Column("revision", Revision, primary_key=True, autoincrement=False),
    Column("session_number", BigInteger, nullable=False),
    Column("session_id", Text, nullable=False),
    Column("workspace_id", Name, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("type", Name, nullable=False),
    Column("turn_id", Name, nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("events_of_session", "session_number", "revision"),
    Index("events_of_workspace", "workspace_id", "revision"),
)

# The untruncated form of the few events that are too large for a stream.
whole_events = Table(
    "whole_events",
    metadata,
    Column("revision", Revision, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
)

# The revision from which on a part of the log is complete; floors.py describes the scopes. Most need no row.
floors = Table(
    "floors",
    metadata,
    Column("scope", Name, primary_key=True),
    Column("part", Name, primary_key=True),
    Column("floor", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# Sessions that are deleted for every reader, but have rows left to erase; see write/erasure.py.
deletions = Table(
    "deletions",
    metadata,
    Column("session_number", Revision, primary_key=True, autoincrement=False),
)

secrets = Table(
    "secrets",
    metadata,
    Column("session_number", Revision, primary_key=True, autoincrement=False),
    Column("key_id", Name, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)

requests = Table(
    "requests",
    metadata,
    Column("principal", Name, primary_key=True),
    Column("method", Name, primary_key=True),
    Column("request_id", Name, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("create_time", BigInteger, nullable=False),
    # The session that the answer is about, 0 for none; -1: it was erased with the session.
    Column("session_number", BigInteger, nullable=False, server_default="0"),
    Index("requests_by_age", "create_time"),
    Index("requests_of_sessions", "session_number"),
)

ERASED = -1
"""The session_number of a request whose answer was erased with its session."""

# The offsets at which named listeners continue after a restart.
listener_positions = Table(
    "listener_positions",
    metadata,
    Column("name", Name, primary_key=True),
    Column("revision", BigInteger, nullable=False),
)

profiles = Table(
    "profiles",
    metadata,
    Column("workspace_id", Name, primary_key=True),
    Column("profile_id", Name, primary_key=True),
    Column("display_name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("labels", Text, nullable=False),  # JSON
    Column("config", Text, nullable=False),  # JSON: only the options that are set
    Column("key_id", Name),  # of the token, if there is one
    Column("sealed", LargeBinary),
    Column("warm_processes", Integer, nullable=False),
    Column("max_sessions", Integer, nullable=False),
    Column("create_time", BigInteger, nullable=False),
    Column("update_time", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("plan_limits", Text, nullable=False, server_default="[]"),  # JSON
)

# Credentials of callers. `greenroomd keys` writes here beside a running server; the server only notes their use.
api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", Name, primary_key=True),
    Column("name", Text, nullable=False),  # for people
    Column("digest", LargeBinary, nullable=False),  # SHA-256 of the secret, which is stored nowhere
    Column("grants", Text, nullable=False),  # JSON: a list of workspace=role
    Column("create_time", BigInteger, nullable=False),
    Column("expire_time", BigInteger),  # NULL: never
    Column("revoke_time", BigInteger),  # NULL: not revoked
    Column("use_time", BigInteger),  # of the last use, up to a minute late; NULL: never used
    Column("change_number", BigInteger, nullable=False),  # rises with each change of any key but for its use
    Index("api_keys_by_change", "change_number"),
)

nodes = Table(
    "nodes",
    metadata,
    Column("node_id", Name, primary_key=True),
    Column("address", Text, nullable=False),
    Column("state", Name, nullable=False),
    Column("server_version", Text, nullable=False),
    Column("slots", Integer, nullable=False),
    Column("busy", Integer, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("start_time", BigInteger, nullable=False),
    Column("lease_expire_time", BigInteger, nullable=False),
)
