"""Secrets that the service makes for itself once and keeps."""

from sqlmodel import Field, Session, SQLModel

from bot.core.ids import token
from storage.models.upsert import insert_or_ignore


class Secret(SQLModel, table=True):
    """A named random value, such as the key that signs chat tokens."""

    name: str = Field(primary_key=True)
    value: str


def secret(session: Session, name: str) -> str:
    """The secret called `name`, made on first use."""
    insert_or_ignore(session, Secret(name=name, value=token()))
    found = session.get(Secret, name)
    assert found is not None
    return found.value
