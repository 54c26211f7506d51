"""The agents' forum: its topics, who the agents are there, and which message brought a file."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "desk_topic",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("chat", sa.String(), nullable=False),
        sa.Column("identity_id", sa.Integer(), nullable=False),
        sa.Column("conversation_id", sa.Integer(), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=True),
        sa.Column("thread", sa.Integer(), nullable=True),
        sa.Column("card_id", sa.Integer(), nullable=True),
        sa.Column("is_making", sa.Boolean(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("note_id", sa.Integer(), nullable=False),
        sa.Column("file_id", sa.Integer(), nullable=False),
        sa.Column("batch", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"]),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"]),
        sa.ForeignKeyConstraint(["identity_id"], ["identity.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("channel", "account", "chat", "identity_id"),
        sa.UniqueConstraint("channel", "account", "chat", "thread"),
    )
    op.create_index(op.f("ix_desk_topic_identity_id"), "desk_topic", ["identity_id"])
    op.add_column("agent", sa.Column("telegram_id", sa.String(), nullable=True))
    op.create_index(op.f("ix_agent_telegram_id"), "agent", ["telegram_id"], unique=True)
    op.add_column("attachment", sa.Column("origin", sa.String(), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("attachment", "origin")
    op.drop_index(op.f("ix_agent_telegram_id"), "agent")
    op.drop_column("agent", "telegram_id")
    op.drop_table("desk_topic")
