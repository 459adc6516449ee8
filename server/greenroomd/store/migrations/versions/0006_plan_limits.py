"""The limits of each profile's subscription, as the model's API last told them."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("profiles", sa.Column("plan_limits", sa.Text(), nullable=False, server_default="[]"))
