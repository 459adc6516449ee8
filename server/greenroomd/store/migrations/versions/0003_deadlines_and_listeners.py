"""The next deadline of each session, so that one clock serves all at rest; and the offset of each listener."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_HAS_END = sa.text("due_time IS NOT NULL")


def upgrade() -> None:
    op.add_column("sessions", sa.Column("due_time", sa.BigInteger(), nullable=True))
    limit = (
        "(c.config::json #>> '{limits,max_duration}')::bigint"
        if op.get_bind().dialect.name == "postgresql"
        else "json_extract(c.config, '$.limits.max_duration')"
    )
    op.execute(
        f"UPDATE sessions SET due_time = create_time + (SELECT {limit} FROM configs c"
        " WHERE c.session_number = sessions.number AND c.generation = sessions.config_generation)"
        " WHERE state NOT IN ('closing', 'closed')"
    )
    op.create_index(
        "sessions_due",
        "sessions",
        ["due_time", "number"],
        sqlite_where=_HAS_END,
        postgresql_where=_HAS_END,
    )
    op.create_table(
        "listener_positions",
        sa.Column("name", _NAME, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
