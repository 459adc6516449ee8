"""The owner of the database, and the deleted sessions that still have rows."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("meta", sa.Column("fence", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("meta", sa.Column("owner", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "deletions",
        sa.Column("session_number", _NUMBER, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("session_number"),
    )
