"""Who wrote a file: a UUID of the store, and a tag of each attempt. Attempts of before have none."""

from __future__ import annotations

from uuid import uuid4

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward."""
    table = op.create_table(
        "store_identity",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_store_identity"),
    )
    op.execute(table.insert().values(id=1, uuid=str(uuid4())))
    op.add_column("attempt", sa.Column("file_tag", sa.String(32), server_default="", nullable=False))


def downgrade() -> None:
    """Back."""
    op.drop_column("attempt", "file_tag")
    op.drop_table("store_identity")
