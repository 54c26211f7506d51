"""Care messages, sendings to many, consents, coupons, and a customer's own time zone."""

import sqlalchemy as sa
from alembic import op

from storage.models.base import Json, UtcDateTime

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "care_sending",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("segment", Json(), nullable=False),
        sa.Column("texts", Json(), nullable=False),
        sa.Column("pool", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("counts", Json(), nullable=False),
        sa.Column("planned_to", sa.Integer(), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=True),
        sa.Column("valid_until", UtcDateTime(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("confirmed_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["agent_id"],
            ["agent.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "consent",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("wording", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customer.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("consent") as batch:
        batch.create_index("ix_consent_customer", ["customer_id", "purpose", "id"])

    op.create_table(
        "coupon",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pool", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("customer_id", sa.Integer(), nullable=True),
        sa.Column("occasion", sa.String(), nullable=True),
        sa.Column("given_at", UtcDateTime(), nullable=True),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customer.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("customer_id", "occasion"),
        sa.UniqueConstraint("pool", "code"),
    )
    with op.batch_alter_table("coupon") as batch:
        batch.create_index("ix_coupon_free", ["pool", "customer_id", "id"])

    op.create_table(
        "care_message",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("journey", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.Integer(), nullable=True),
        sa.Column("parcel_id", sa.Integer(), nullable=True),
        sa.Column("sending_id", sa.Integer(), nullable=True),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("variant", sa.String(), nullable=False),
        sa.Column("facts", Json(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("valid_until", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("identity_id", sa.Integer(), nullable=True),
        sa.Column("message_id", sa.Integer(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customer.id"],
        ),
        sa.ForeignKeyConstraint(
            ["identity_id"],
            ["identity.id"],
        ),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["message.id"],
        ),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["orders.id"],
        ),
        sa.ForeignKeyConstraint(
            ["parcel_id"],
            ["parcel.id"],
        ),
        sa.ForeignKeyConstraint(
            ["sending_id"],
            ["care_sending.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("journey", "subject", "customer_id"),
        sa.UniqueConstraint("message_id"),
    )
    with op.batch_alter_table("care_message") as batch:
        batch.create_index("ix_care_message_customer", ["customer_id", "state"])
        batch.create_index("ix_care_message_due", ["state", "due_at"])
        batch.create_index("ix_care_message_sending", ["sending_id", "state"])

    op.create_table(
        "care_refusal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("care_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("for_good", sa.Boolean(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["care_id"],
            ["care_message.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("care_refusal") as batch:
        batch.create_index(batch.f("ix_care_refusal_care_id"), ["care_id"])

    with op.batch_alter_table("customer") as batch:
        batch.add_column(sa.Column("timezone", sa.String(), nullable=False, server_default=""))


def downgrade() -> None:
    with op.batch_alter_table("customer") as batch:
        batch.drop_column("timezone")

    with op.batch_alter_table("care_refusal") as batch:
        batch.drop_index(batch.f("ix_care_refusal_care_id"))

    op.drop_table("care_refusal")
    with op.batch_alter_table("care_message") as batch:
        batch.drop_index("ix_care_message_sending")
        batch.drop_index("ix_care_message_due")
        batch.drop_index("ix_care_message_customer")

    op.drop_table("care_message")
    with op.batch_alter_table("coupon") as batch:
        batch.drop_index("ix_coupon_free")

    op.drop_table("coupon")
    with op.batch_alter_table("consent") as batch:
        batch.drop_index("ix_consent_customer")

    op.drop_table("consent")
    op.drop_table("care_sending")
