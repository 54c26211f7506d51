"""Topics of the agents' forum: which stands for which chat, and how much of it is shown."""

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, Session, SQLModel, select

from bot.core.messages import Address


class DeskTopic(SQLModel, table=True):
    """The topic of one customer's chat in the forum `chat` of a bot; it is kept for good.

    `thread` is the platform's id, None until the topic is made (`is_making`: it is ordered). The
    topic shows the conversation `conversation_id` as long as it `is_open`: of the chat's messages
    all to `message_id`, of its notes to `note_id`, of its files to `file_id`; and `agent_id` in
    charge. Messages after `batch` grew do not join those before.
    """

    __tablename__ = "desk_topic"
    __table_args__ = (
        UniqueConstraint("channel", "account", "chat", "identity_id"),
        UniqueConstraint("channel", "account", "chat", "thread"),
    )

    id: int | None = Field(default=None, primary_key=True)
    channel: str
    account: str
    chat: str
    identity_id: int = Field(foreign_key="identity.id", index=True)
    conversation_id: int = Field(foreign_key="conversation.id")
    agent_id: int | None = Field(default=None, foreign_key="agent.id")
    thread: int | None = None
    card_id: int | None = None
    is_making: bool = False
    is_open: bool = False
    message_id: int = 0
    note_id: int = 0
    file_id: int = 0
    batch: int = 0

    @property
    def place(self) -> Address:
        """The forum."""
        return Address(self.channel, self.account, self.chat)


def topic_of(session: Session, place: Address, identity_id: int) -> DeskTopic | None:
    """The topic of a customer's chat as it is now, held until the commit."""
    query = select(DeskTopic).where(*_in(place), DeskTopic.identity_id == identity_id)
    held = query.with_for_update().execution_options(populate_existing=True)
    return session.exec(held).first()


def topic_in(session: Session, place: Address, thread: int) -> DeskTopic | None:
    """What the forum's topic with this id stands for."""
    return session.exec(select(DeskTopic).where(*_in(place), DeskTopic.thread == thread)).first()


def held_topic(session: Session, topic_id: int) -> DeskTopic | None:
    """The topic as it is now, held until the commit. Its chat has to be held before."""
    return session.get(DeskTopic, topic_id, with_for_update=True, populate_existing=True)


def _in(place: Address) -> tuple[bool, bool, bool]:
    return (
        DeskTopic.channel == place.channel,
        DeskTopic.account == place.account,
        DeskTopic.chat == place.chat,
    )
