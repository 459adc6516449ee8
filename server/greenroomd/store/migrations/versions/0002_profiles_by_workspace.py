"""Profiles are named within their workspace, keep a token, and count their open sessions.

No server has written a profile before this one, so the table is made anew.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_OPEN = "profile_id != '' AND state != 'closed'"


def upgrade() -> None:
    op.drop_table("profiles")
    op.create_table(
        "profiles",
        sa.Column("workspace_id", _NAME, nullable=False),
        sa.Column("profile_id", _NAME, nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("config", sa.Text(), nullable=False),
        sa.Column("key_id", _NAME, nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("warm_processes", sa.Integer(), nullable=False),
        sa.Column("max_sessions", sa.Integer(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("update_time", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "profile_id"),
    )
    op.create_index(
        "sessions_open_of_profile",
        "sessions",
        ["workspace_id", "profile_id"],
        sqlite_where=sa.text(_OPEN),
        postgresql_where=sa.text(_OPEN),
    )
