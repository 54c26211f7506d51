"""What all tables share: moments that stay aware of UTC on every database."""

from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import (
    JSON,
    CursorResult,
    DateTime,
    Delete,
    Dialect,
    Table,
    Update,
    delete,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator, TypeEngine
from sqlmodel import Field, Session, SQLModel


class UtcDateTime(TypeDecorator[datetime]):
    """Stores a moment in UTC and gives it back aware; refuses a naive one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored moment needs a time zone")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Json(TypeDecorator[Any]):
    """JSON, in PostgreSQL's binary form there."""

    impl = JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(JSONB() if dialect.name == "postgresql" else JSON())


def new_row(table: type[SQLModel], **values: Any) -> dict[str, Any]:
    """A new row's values, its defaults among them: much cheaper than an object of the table."""
    row = {
        name: one.default_factory() if one.default_factory else one.default  # type: ignore[call-arg]  # ours take nothing
        for name, one in table.model_fields.items()
        if name != "id"
    }
    return row | values


def new_ids(session: Session, table: Table, count: int) -> list[int]:
    """Ids for so many new rows of `table`, ascending, that nobody else gets.

    With them many rows are inserted in one statement: none has to be asked which id it got.
    """
    if session.get_bind().dialect.name == "sqlite":  # one writer, and ids follow on the last
        last = session.connection().execute(select(func.max(table.c.id))).scalar() or 0
        return list(range(last + 1, last + 1 + count))
    sequence = func.nextval(func.pg_get_serial_sequence(table.name, "id"))
    query = select(sequence).select_from(func.generate_series(1, count).alias())
    return list(session.connection().execute(query).scalars())


def rows_changed(session: Session, statement: Update | Delete) -> int:
    """Execute an UPDATE or DELETE; returns how many rows it met."""
    return cast("CursorResult[Any]", session.execute(statement)).rowcount


def delete_some(session: Session, key: Any, most: int, *conditions: Any) -> int:
    """Delete at most `most` rows of the table with the key column `key`. Returns how many."""
    some = select(key).where(*conditions).limit(most)
    return rows_changed(session, delete(key.class_).where(key.in_(some)))


def moment(*, index: bool = False, nullable: bool = False, **options: Any) -> Any:
    """A field for a moment in time."""
    return Field(sa_type=UtcDateTime, index=index, nullable=nullable, **options)


def json_field(**options: Any) -> Any:
    """A field for a small JSON value."""
    return Field(sa_type=Json, **options)
