"""Who waits for a product, when it got its names, and the ledger's entries of who said stop."""

import sqlalchemy as sa
from alembic import op

from storage.models.base import UtcDateTime

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "stock_watch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("told_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customer.id"],
        ),
        sa.ForeignKeyConstraint(
            ["product_id"],
            ["product.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("customer_id", "product_id"),
    )
    with op.batch_alter_table("stock_watch") as batch:
        batch.create_index(batch.f("ix_stock_watch_product_id"), ["product_id"])
    with op.batch_alter_table("product") as batch:
        batch.add_column(sa.Column("named_at", UtcDateTime(), nullable=True))
    op.execute("UPDATE product SET named_at = told_at")
    with op.batch_alter_table("product") as batch:
        batch.alter_column("named_at", nullable=False)
        batch.create_index(batch.f("ix_product_named_at"), ["named_at"])
    op.execute(
        "INSERT INTO consent (customer_id, purpose, channel, state, source, wording, at) "
        "SELECT id, 'marketing', '', 'withdrawn', 'chat', '', opted_out_at FROM customer "
        "WHERE opted_out_at IS NOT NULL"
    )


def downgrade() -> None:
    with op.batch_alter_table("product") as batch:
        batch.drop_index(batch.f("ix_product_named_at"))
        batch.drop_column("named_at")
    op.drop_table("stock_watch")
