"""Chats that got a new id at their platform: a group that became a supergroup."""

from sqlalchemy import UniqueConstraint, update
from sqlmodel import Field, Session, SQLModel, select

from storage.models.base import new_row
from storage.models.community import GroupState
from storage.models.progress import Account
from storage.models.upsert import insert_values


class MovedChat(SQLModel, table=True):
    """What was `chat` is `new_chat` now, for good."""

    __tablename__ = "moved_chat"
    __table_args__ = (UniqueConstraint("channel", "account", "chat"),)

    id: int | None = Field(default=None, primary_key=True)
    channel: str
    account: str
    chat: str
    new_chat: str


def moved_chats(session: Session, account: Account) -> dict[str, str]:
    """The new ids of an account's chats that moved, by their old ones."""
    query = select(MovedChat).filter_by(channel=account[0], account=account[1])
    return {one.chat: one.new_chat for one in session.exec(query)}


def keep_move(session: Session, account: Account, chat: str, new_chat: str) -> None:
    """From now on `chat` is known to be `new_chat`."""
    where = {"channel": account[0], "account": account[1], "chat": chat, "new_chat": new_chat}
    insert_values(session, SQLModel.metadata.tables["moved_chat"], new_row(MovedChat, **where))


def follow_move(session: Session, account: Account, chat: str, new_chat: str) -> None:
    """What is known of the group `chat` (members, warnings) is known of `new_chat`, unless that
    is known already: the configuration names the new id."""
    here = {"channel": account[0], "account": account[1]}
    if session.exec(select(GroupState).filter_by(**here, chat=new_chat)).first() is None:
        statement = update(GroupState).filter_by(**here, chat=chat).values(chat=new_chat)
        session.execute(statement.execution_options(synchronize_session=False))
