"""Finds and writes many rows with one statement and one parameter, as each of either costs time."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    JSON,
    Boolean,
    Dialect,
    Table,
    TypeDecorator,
    bindparam,
    insert,
    literal,
    text,
    update,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine
from sqlmodel import Session

Rows = Sequence[Mapping[str, Any]]


class _Several(TypeDecorator[Any]):
    """Many values of a type as one: an array on PostgreSQL, JSON elsewhere."""

    impl = JSON
    cache_ok = True

    def __init__(self, item: TypeEngine[Any]) -> None:
        super().__init__()
        self.item = item

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        is_ours = dialect.name == "postgresql"
        return dialect.type_descriptor(ARRAY(self.item) if is_ours else JSON())


class _Among(FunctionElement[bool]):
    type = Boolean()
    inherit_cache = True

    def self_group(self, against: Any = None) -> Any:
        """As it is: compared with 1, as SQLite's conditions are otherwise, no index would serve."""
        return self


@compiles(_Among)
def _by_json(element: _Among, compiler: Any, **options: Any) -> str:
    column, values = (compiler.process(one, **options) for one in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"


@compiles(_Among, "postgresql")
def _by_array(element: _Among, compiler: Any, **options: Any) -> str:
    column, values = (compiler.process(one, **options) for one in element.clauses)
    return f"{column} = ANY ({values})"


def among(column: Any, values: Iterable[Any]) -> Any:
    """`column.in_(values)`, for many ids or names."""
    return _Among(column, literal(list(values), _Several(column.type)))


def insert_many(session: Session, table: Table, rows: Rows, *, or_ignore: bool = False) -> None:
    """Insert rows, which have the same columns; `or_ignore`: but for those whose like is there."""
    if not rows:
        return
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        plain = sqlite.insert(table).on_conflict_do_nothing() if or_ignore else insert(table)
        connection.execute(plain, list(rows))
        return
    names = ", ".join(f'"{name}"' for name in rows[0])
    last = "ON CONFLICT DO NOTHING" if or_ignore else ""
    statement = f'INSERT INTO "{table.name}" ({names}) SELECT {names} FROM {_given(table)} {last}'
    connection.execute(text(statement), {"rows": _as_json(rows)})


def update_many(session: Session, table: Table, rows: Rows, **was: Any) -> None:
    """Change rows, each found by its `id`, where their columns are still as `was` says.

    All give the same columns besides the id.
    """
    if not rows:
        return
    connection, names = session.connection(), [name for name in rows[0] if name != "id"]
    if connection.dialect.name == "sqlite":
        changed = update(table).where(table.c.id == bindparam("its_id"))
        changed = changed.where(*(table.c[name] == value for name, value in was.items()))
        changed = changed.values({name: bindparam(f"its_{name}") for name in names})
        named = [{f"its_{name}": value for name, value in row.items()} for row in rows]
        connection.execute(changed, named)
        return
    news = ", ".join(f'"{name}" = its."{name}"' for name in names)
    same = "".join(f' AND "{table.name}"."{name}" = :was_{name}' for name in was)
    statement = (
        f'UPDATE "{table.name}" SET {news} FROM {_given(table)}'
        f' WHERE "{table.name}".id = its.id{same}'
    )
    values = {f"was_{name}": value for name, value in was.items()}
    connection.execute(text(statement), {"rows": _as_json(rows)} | values)


def _given(table: Table) -> str:
    """The rows as PostgreSQL reads them, in the types of the table's columns."""
    return f'json_populate_recordset(NULL::"{table.name}", CAST(:rows AS json)) AS its'


def _as_json(rows: Rows) -> str:
    return json.dumps([dict(row) for row in rows], default=_moment)


def _moment(value: Any) -> str:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.isoformat()
    raise TypeError(f"{value!r} is no value of a row")
