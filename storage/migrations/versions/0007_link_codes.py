"""Codes by which a customer shows that two chats are theirs."""

import sqlalchemy as sa
from alembic import op

from storage.models.base import UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "link_code",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("identity_id", sa.Integer(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["identity_id"], ["identity.id"]),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_index(op.f("ix_link_code_identity_id"), "link_code", ["identity_id"])


def downgrade() -> None:
    op.drop_table("link_code")
