"""A floor for each part of the log with a retention time of its own, instead of one floor for all."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "floors",
        sa.Column("scope", _NAME, nullable=False),
        sa.Column("part", _NAME, nullable=False),
        sa.Column("floor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "part"),
        sqlite_with_rowid=False,
    )
    op.execute("INSERT INTO floors SELECT '', 'messages', floor FROM meta WHERE floor > 1")
    op.execute("ALTER TABLE meta DROP COLUMN floor")
