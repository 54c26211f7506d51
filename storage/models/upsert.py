"""INSERT … ON CONFLICT DO NOTHING, the same on both databases."""

from functools import cache
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel

from storage.models.base import new_row


def insert_or_ignore(session: Session, row: SQLModel) -> bool:
    """Insert `row` unless a unique constraint already holds its like. True when inserted."""
    table: Table = type(row).__table__  # type: ignore[attr-defined]
    values = {
        column.key: value
        for column in table.columns
        if not ((value := getattr(row, column.key)) is None and column.primary_key)
    }
    return insert_values(session, table, values) is not None


def insert_new(session: Session, kind: type[SQLModel], **values: Any) -> bool:
    """`insert_or_ignore` for a row of `kind` with these values, without an object of it: much
    cheaper. True when inserted."""
    table: Table = kind.__table__  # type: ignore[attr-defined]
    return insert_values(session, table, new_row(kind, **values)) is not None


def insert_values(session: Session, table: Table, values: dict[str, Any]) -> Any:
    """Insert a row of `values` unless its like is there. Its key when inserted, else None."""
    statement = _statement(table, _dialect(session))
    return session.connection().execute(statement, values).scalar_one_or_none()


def _dialect(session: Session) -> str:
    return session.get_bind().dialect.name


@cache
def _statement(table: Table, dialect: str) -> Any:
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return insert(table).on_conflict_do_nothing().returning(*table.primary_key)
