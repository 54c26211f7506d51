"""微信客服: how far its log is read, what was not taken yet, sessions; agents in WeCom."""

import sqlalchemy as sa
from alembic import op

from storage.models.base import Json, UtcDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "kf_sync",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("cursor", sa.String(), nullable=False),
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("token_at", UtcDateTime(), nullable=True),
        sa.Column("heard", sa.Integer(), nullable=False),
        sa.Column("read", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("account"),
    )
    op.create_table(
        "kf_message",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("msgid", sa.String(), nullable=False),
        sa.Column("data", Json(), nullable=False),
        sa.Column("read_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("account", "msgid"),
    )
    op.create_table(
        "kf_session",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("chat", sa.String(), nullable=False),
        sa.Column("state", sa.Integer(), nullable=False),
        sa.Column("servicer", sa.String(), nullable=False),
        sa.Column("begun_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("account", "chat"),
    )
    op.add_column("agent", sa.Column("wecom_id", sa.String(), nullable=True))
    op.create_index(op.f("ix_agent_wecom_id"), "agent", ["wecom_id"], unique=True)


def downgrade() -> None:
    op.drop_index(op.f("ix_agent_wecom_id"), "agent")
    op.drop_column("agent", "wecom_id")
    op.drop_table("kf_session")
    op.drop_table("kf_message")
    op.drop_table("kf_sync")
