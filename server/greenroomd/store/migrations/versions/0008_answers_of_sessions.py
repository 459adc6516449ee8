"""The session of each recorded answer, so that the answer is deleted with its session."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "requests", sa.Column("session_number", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.create_index("requests_of_sessions", "requests", ["session_number"])
