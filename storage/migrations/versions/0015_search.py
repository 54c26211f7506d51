"""An index over messages and notes, which the service fills; and customers by name.

The index is no part of the models: alembic knows neither FTS5 nor what is derived.
"""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

SHARED = (
    "CREATE TABLE search_state (shelf VARCHAR PRIMARY KEY, filled BIGINT NOT NULL, "
    "settled BIGINT NOT NULL, mark BIGINT NOT NULL, mark_xid BIGINT NOT NULL)",
    "INSERT INTO search_state VALUES ('message', 0, 0, 0, 0), ('note', 0, 0, 0, 0)",
)
SQLITE = (
    "CREATE TABLE search_change (id INTEGER PRIMARY KEY AUTOINCREMENT, shelf VARCHAR NOT NULL, "
    "row_id INTEGER NOT NULL)",
    # Words are cut already; `ascii` leaves all other letters alone.
    "CREATE VIRTUAL TABLE search_message USING fts5(words, tokenize='ascii')",
    "CREATE VIRTUAL TABLE search_note USING fts5(words, tokenize='ascii')",
)
# What waits to be sorted into an index is read by every search: 1 MB at most.
GIN = "CREATE INDEX {0}_words ON {0} USING gin (words) WITH (gin_pending_list_limit = 1024)"
POSTGRESQL = (
    "CREATE TABLE search_change (id BIGSERIAL PRIMARY KEY, shelf VARCHAR NOT NULL, "
    "row_id BIGINT NOT NULL)",
    "CREATE TABLE search_message (id BIGINT PRIMARY KEY, words TSVECTOR NOT NULL)",
    "CREATE TABLE search_note (id BIGINT PRIMARY KEY, words TSVECTOR NOT NULL)",
    GIN.format("search_message"),
    GIN.format("search_note"),
)


def upgrade() -> None:
    op.create_index(op.f("ix_customer_name"), "customer", ["name"])
    own = SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL
    for statement in (*SHARED, *own):
        op.execute(statement)


def downgrade() -> None:
    for name in ("message", "note", "change", "state"):
        op.execute(f"DROP TABLE search_{name}")
    op.drop_index(op.f("ix_customer_name"), "customer")
