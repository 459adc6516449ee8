"""Callers have names with a kind, and there are API keys."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    # Until now there was one caller only. Older requests get its new name, so that a repetition is still recognized.
    op.execute("UPDATE requests SET principal = 'local:anonymous' WHERE principal = 'anonymous'")
    op.create_table(
        "api_keys",
        sa.Column("key_id", _NAME, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("grants", sa.Text(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("expire_time", sa.BigInteger(), nullable=True),
        sa.Column("revoke_time", sa.BigInteger(), nullable=True),
        sa.Column("use_time", sa.BigInteger(), nullable=True),
        sa.Column("change_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key_id"),
    )
    op.create_index("api_keys_by_change", "api_keys", ["change_number"])
