"""Background tasks of sessions."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "tasks",
        sa.Column("session_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("task_id", _NAME, nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("state", _NAME, nullable=False),
        sa.Column("unfinished", sa.SmallInteger(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("session_number", "task_id"),
    )
    op.create_index("tasks_of_session", "tasks", ["session_number", "create_time", "task_id"])
    unfinished = sa.text("unfinished = 1")
    op.create_index(
        "tasks_unfinished",
        "tasks",
        ["session_number", "create_time"],
        sqlite_where=unfinished,
        postgresql_where=unfinished,
    )
