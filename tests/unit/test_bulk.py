"""Many ids in one parameter, found by an index on either database."""

import pytest
from sqlalchemy import Dialect, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import SQLModel

from storage.models.bulk import among
from storage.models.conversations import Conversation

TABLE = SQLModel.metadata.tables[str(Conversation.__tablename__)]


@pytest.mark.parametrize(
    ("dialect", "condition"),
    [
        (sqlite.dialect(), "conversation.id IN (SELECT value FROM json_each(?))"),
        (postgresql.dialect(), "conversation.id = ANY (%(param_1)s::INTEGER[])"),
    ],
)
def test_the_condition_is_nothing_but_the_comparison(dialect: Dialect, condition: str) -> None:
    query = select(TABLE.c.id).where(among(TABLE.c.id, [1, 2]), TABLE.c.state != "resolved")
    said = str(query.compile(dialect=dialect))
    assert said.partition("WHERE ")[2].startswith(f"{condition} AND ")
