"""When carriers are asked about a parcel, what stands still, and how long past parcels took."""

import sqlalchemy as sa
from alembic import op

from storage.models.base import UtcDateTime

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

COLUMNS = ("carrier_account", "ask_at", "subscribed_at", "failures", "stuck_at")
PLACES = ("city", "region", "country")


def upgrade() -> None:
    with op.batch_alter_table("parcel") as batch:
        batch.add_column(
            sa.Column("carrier_account", sa.String(), nullable=False, server_default="")
        )
        batch.add_column(sa.Column("ask_at", UtcDateTime(), nullable=True))
        batch.add_column(sa.Column("subscribed_at", UtcDateTime(), nullable=True))
        batch.add_column(sa.Column("failures", sa.Integer(), nullable=False, server_default="0"))
        batch.add_column(sa.Column("stuck_at", UtcDateTime(), nullable=True))
        batch.create_index("ix_parcel_ask", ["carrier_account", "ask_at"])
        batch.create_index("ix_parcel_still", ["status", "status_at"])
    op.execute("UPDATE parcel SET ask_at = created_at WHERE status <> 'delivered'")
    with op.batch_alter_table("follow_up") as batch:
        batch.add_column(sa.Column("parcel_id", sa.Integer(), nullable=True))
        batch.create_foreign_key("fk_follow_up_parcel_id_parcel", "parcel", ["parcel_id"], ["id"])
        batch.create_index(batch.f("ix_follow_up_parcel_id"), ["parcel_id"])
    op.create_table(
        "parcel_travel",
        sa.Column("parcel_id", sa.Integer(), nullable=False),
        sa.Column("carrier", sa.String(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in PLACES),
        sa.Column("took", sa.Integer(), nullable=False),
        sa.Column("longest", sa.Integer(), nullable=False),
        sa.Column("delivered_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["parcel_id"], ["parcel.id"]),
        sa.PrimaryKeyConstraint("parcel_id"),
    )
    with op.batch_alter_table("parcel_travel") as batch:
        batch.create_index("ix_travel_carrier", ["carrier", "delivered_at"])
        for name in PLACES:
            batch.create_index(f"ix_travel_{name}", ["carrier", name, "delivered_at"])


def downgrade() -> None:
    op.drop_table("parcel_travel")
    with op.batch_alter_table("follow_up") as batch:
        batch.drop_index(batch.f("ix_follow_up_parcel_id"))
        batch.drop_constraint("fk_follow_up_parcel_id_parcel", type_="foreignkey")
        batch.drop_column("parcel_id")
    with op.batch_alter_table("parcel") as batch:
        batch.drop_index("ix_parcel_still")
        batch.drop_index("ix_parcel_ask")
        for column in COLUMNS:
            batch.drop_column(column)
