"""Groups: who is in them, who came, who wrote how much, and what was done about it."""

import sqlalchemy as sa
from alembic import op

from storage.models.base import Json, UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "group_state",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("chat", sa.String(), nullable=False),
        sa.Column("admins", Json(), nullable=False),
        sa.Column("admins_at", UtcDateTime(), nullable=True),
        sa.Column("bot", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("channel", "account", "chat"),
    )
    op.create_table(
        "group_member",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("username", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("joined_at", UtcDateTime(), nullable=True),
        sa.Column("posts", sa.Integer(), nullable=False),
        sa.Column("warnings", sa.Integer(), nullable=False),
        sa.Column("muted_until", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["group_state.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("group_id", "user_id"),
    )
    with op.batch_alter_table("group_member", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_group_member_username"), ["username"], unique=False)

    op.create_table(
        "group_post",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("message", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("album", sa.String(), nullable=False),
        sa.Column("is_removed", sa.Boolean(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["group_state.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("group_id", "message"),
    )
    with op.batch_alter_table("group_post", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_group_post_at"), ["at"], unique=False)
        batch_op.create_index("ix_group_post_author", ["group_id", "user_id", "at"], unique=False)
        batch_op.create_index("ix_group_post_text", ["group_id", "fingerprint", "at"], unique=False)

    op.create_table(
        "log_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("chat", sa.String(), nullable=False),
        sa.Column("message", sa.Integer(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["group_state.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("log_entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_log_entry_group_id"), ["group_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_log_entry_message"), ["message"], unique=False)

    op.create_table(
        "welcome",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("message", sa.Integer(), nullable=True),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["group_state.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token"),
    )
    with op.batch_alter_table("welcome", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_welcome_group_id"), ["group_id"], unique=False)

    op.create_table(
        "moderation_action",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("check", sa.String(), nullable=False),
        sa.Column("details", Json(), nullable=False),
        sa.Column("message", sa.Integer(), nullable=True),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("by_name", sa.String(), nullable=False),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("log_id", sa.Integer(), nullable=True),
        sa.Column("failed", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("undone_at", UtcDateTime(), nullable=True),
        sa.Column("undone_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["group_state.id"],
        ),
        sa.ForeignKeyConstraint(
            ["log_id"],
            ["log_entry.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token"),
    )
    with op.batch_alter_table("moderation_action", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_moderation_action_created_at"), ["created_at"])
        batch_op.create_index("ix_moderation_action_latest", ["group_id", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_moderation_action_log_id"), ["log_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_moderation_action_user_id"), ["user_id"], unique=False)

    op.create_table(
        "newcomer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("welcome_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("joined_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["group_state.id"],
        ),
        sa.ForeignKeyConstraint(
            ["welcome_id"],
            ["welcome.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("newcomer", schema=None) as batch_op:
        batch_op.create_index("ix_newcomer_due", ["state", "due_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_newcomer_user_id"), ["user_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_newcomer_welcome_id"), ["welcome_id"], unique=False)

    with op.batch_alter_table("errand", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_errand_merge"), ["merge"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("errand", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_errand_merge"))

    with op.batch_alter_table("newcomer", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_newcomer_welcome_id"))
        batch_op.drop_index(batch_op.f("ix_newcomer_user_id"))
        batch_op.drop_index("ix_newcomer_due")

    op.drop_table("newcomer")
    with op.batch_alter_table("moderation_action", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_moderation_action_user_id"))
        batch_op.drop_index(batch_op.f("ix_moderation_action_log_id"))
        batch_op.drop_index("ix_moderation_action_latest")
        batch_op.drop_index(batch_op.f("ix_moderation_action_created_at"))

    op.drop_table("moderation_action")
    with op.batch_alter_table("welcome", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_welcome_group_id"))

    op.drop_table("welcome")
    with op.batch_alter_table("log_entry", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_log_entry_message"))
        batch_op.drop_index(batch_op.f("ix_log_entry_group_id"))

    op.drop_table("log_entry")
    with op.batch_alter_table("group_post", schema=None) as batch_op:
        batch_op.drop_index("ix_group_post_text")
        batch_op.drop_index("ix_group_post_author")
        batch_op.drop_index(batch_op.f("ix_group_post_at"))

    op.drop_table("group_post")
    with op.batch_alter_table("group_member", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_group_member_username"))

    op.drop_table("group_member")
    op.drop_table("group_state")
