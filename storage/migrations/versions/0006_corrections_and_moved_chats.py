"""Messages that agents reword, and chats that got a new id."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "delivery",
        sa.Column("is_reworded", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.create_table(
        "moved_chat",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("chat", sa.String(), nullable=False),
        sa.Column("new_chat", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("channel", "account", "chat"),
    )


def downgrade() -> None:
    op.drop_table("moved_chat")
    op.drop_column("delivery", "is_reworded")
