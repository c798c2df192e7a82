"""Workers that were lost over some work are counted apart from the crashes of the work itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward."""
    for table in ("run", "score"):
        op.add_column(table, sa.Column("lost_workers", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    """Back."""
    for table in ("run", "score"):
        op.drop_column(table, "lost_workers")
