"""The first tables, and the row that numbers everything."""

import uuid

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_REVISION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "approvals",
        sa.Column("approval_id", _NAME, nullable=False),
        sa.Column("session_number", sa.BigInteger(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("state", _NAME, nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("approval_id"),
    )
    op.create_index("approvals_of_session", "approvals", ["session_number", "create_time", "approval_id"])
    op.create_table(
        "configs",
        sa.Column("session_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("generation", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("config", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("session_number", "generation"),
    )
    op.create_table(
        "events",
        sa.Column("revision", _REVISION, autoincrement=False, nullable=False),
        sa.Column("session_number", sa.BigInteger(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("workspace_id", _NAME, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("type", _NAME, nullable=False),
        sa.Column("turn_id", _NAME, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("revision"),
    )
    op.create_index("events_of_session", "events", ["session_number", "revision"])
    op.create_index("events_of_workspace", "events", ["workspace_id", "revision"])
    op.create_table(
        "identities",
        sa.Column("session_id", _NAME, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("session_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "labels",
        sa.Column("session_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", _NAME, nullable=False),
        sa.Column("value", _NAME, nullable=False),
        sa.Column("workspace_id", _NAME, nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("session_number", "key"),
    )
    op.create_index(
        "labels_by_value", "labels", ["key", "value", "workspace_id", "create_time", "session_number"]
    )
    op.create_table(
        "meta",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("store_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("floor", sa.BigInteger(), nullable=False),
        sa.Column("batch", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "nodes",
        sa.Column("node_id", _NAME, nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("state", _NAME, nullable=False),
        sa.Column("server_version", sa.Text(), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("busy", sa.Integer(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("start_time", sa.BigInteger(), nullable=False),
        sa.Column("lease_expire_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("node_id"),
    )
    op.create_table(
        "profiles",
        sa.Column("profile_id", _NAME, nullable=False),
        sa.Column("workspace_id", _NAME, nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("config", sa.Text(), nullable=False),
        sa.Column("warm_processes", sa.Integer(), nullable=False),
        sa.Column("max_sessions", sa.Integer(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("update_time", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("profile_id"),
    )
    op.create_index("profiles_of_workspace", "profiles", ["workspace_id", "profile_id"])
    op.create_table(
        "requests",
        sa.Column("principal", _NAME, nullable=False),
        sa.Column("method", _NAME, nullable=False),
        sa.Column("request_id", _NAME, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("principal", "method", "request_id"),
    )
    op.create_index("requests_by_age", "requests", ["create_time"])
    op.create_table(
        "secrets",
        sa.Column("session_number", _REVISION, autoincrement=False, nullable=False),
        sa.Column("key_id", _NAME, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("session_number"),
    )
    op.create_table(
        "sessions",
        sa.Column("number", _REVISION, autoincrement=False, nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("workspace_id", _NAME, nullable=False),
        sa.Column("user_id", _NAME, nullable=False),
        sa.Column("profile_id", _NAME, nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("state", _NAME, nullable=False),
        sa.Column("unsettled", sa.SmallInteger(), nullable=False),
        sa.Column("last_active_time", sa.BigInteger(), nullable=False),
        sa.Column("config_generation", sa.Integer(), nullable=False),
        sa.Column("node_id", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("progress", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("last_sequence", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("sessions_by_activity", "sessions", ["last_active_time", "number"])
    op.create_index("sessions_by_creation", "sessions", ["create_time", "number"])
    op.create_index(
        "sessions_in_state_by_activity", "sessions", ["workspace_id", "state", "last_active_time", "number"]
    )
    op.create_index(
        "sessions_in_state_by_creation", "sessions", ["workspace_id", "state", "create_time", "number"]
    )
    op.create_index(
        "sessions_of_profile",
        "sessions",
        ["profile_id", "workspace_id", "create_time", "number"],
        sqlite_where=sa.text("profile_id != ''"),
        postgresql_where=sa.text("profile_id != ''"),
    )
    op.create_index(
        "sessions_of_user",
        "sessions",
        ["user_id", "workspace_id", "create_time", "number"],
        sqlite_where=sa.text("user_id != ''"),
        postgresql_where=sa.text("user_id != ''"),
    )
    op.create_index(
        "sessions_of_workspace_by_activity", "sessions", ["workspace_id", "last_active_time", "number"]
    )
    op.create_index(
        "sessions_of_workspace_by_creation", "sessions", ["workspace_id", "create_time", "number"]
    )
    op.create_index(
        "sessions_unsettled",
        "sessions",
        ["create_time", "number"],
        sqlite_where=sa.text("unsettled = 1"),
        postgresql_where=sa.text("unsettled = 1"),
    )
    op.create_table(
        "turns",
        sa.Column("turn_id", _NAME, nullable=False),
        sa.Column("session_number", sa.BigInteger(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", _NAME, nullable=False),
        sa.Column("unfinished", sa.SmallInteger(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("turn_id"),
    )
    op.create_index("turns_of_session", "turns", ["session_number", "number", "turn_id"])
    op.create_index(
        "turns_unfinished",
        "turns",
        ["session_number", "number"],
        sqlite_where=sa.text("unfinished = 1"),
        postgresql_where=sa.text("unfinished = 1"),
    )
    op.create_table(
        "whole_events",
        sa.Column("revision", _REVISION, autoincrement=False, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("revision"),
    )
    op.execute(
        sa.text(
            "INSERT INTO meta (id, store_id, revision, floor, batch) VALUES (1, :store_id, 0, 1, '')"
        ).bindparams(store_id=str(uuid.uuid4()))
    )
