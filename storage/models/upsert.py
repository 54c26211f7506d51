"""INSERT … ON CONFLICT DO NOTHING, the same on both databases."""

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel


def insert_or_ignore(session: Session, row: SQLModel) -> bool:
    """Insert `row` unless a unique constraint already holds its like. True when inserted."""
    table = type(row).__table__  # type: ignore[attr-defined]
    values = {
        column.key: value
        for column in table.columns
        if not ((value := getattr(row, column.key)) is None and column.primary_key)
    }
    dialect = session.get_bind().dialect.name
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = insert(table).values(values).on_conflict_do_nothing()
    inserted = session.connection().execute(statement.returning(*table.primary_key))
    return inserted.first() is not None
