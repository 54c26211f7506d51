"""Alembic's environment: migrates the database that `storage.migrate` hands over."""

from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import AutoString

import storage.models  # noqa: F401  (registers the tables)
from storage.models.base import Json, UtcDateTime
from storage.models.search_index import DERIVED


def render(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Write our own column types briefly, and texts as plain strings."""
    if kind == "type" and isinstance(item, AutoString):
        return "sa.String()"
    if kind == "type" and isinstance(item, UtcDateTime | Json):
        return f"{type(item).__name__}()"
    return False


def is_ours(name: str | None, kind: str, _parents: Any) -> bool:
    """Whether the models tell of it: what is derived for the search is no part of them."""
    return kind != "table" or not str(name).startswith(DERIVED)


def run(connection: Connection) -> None:
    """Run the migrations inside the connection's own transaction."""
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        render_as_batch=True,
        compare_type=True,
        render_item=render,
        include_name=is_ours,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run(context.config.attributes["connection"])
