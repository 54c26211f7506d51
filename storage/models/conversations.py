"""Conversations, their messages, and agents' internal notes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Index, String, and_, bindparam, cast, false, insert, or_, update
from sqlalchemy import select as select_columns
from sqlmodel import Field, Session, SQLModel, col, func, select

from bot.core.clock import now
from bot.core.events import ConversationOpened, MessageWritten, emit
from bot.core.messages import Address, Author, State
from storage.models.base import json_field, moment, new_ids, new_row
from storage.models.bulk import among, insert_many
from storage.models.customers import (
    AT_ADDRESS,
    Customer,
    Identity,
    address_values,
    held_identity,
)
from storage.models.search_index import Shelf, changed


class Conversation(SQLModel, table=True):
    """From a customer's first message to the resolve; a later message opens the next one.

    `prompt` is the question that the bot asked last and still waits for:
    `{"skill": name, …}`; a newer question takes its place, and keeps a patient one as `kept`.
    `misses` counts questions in a row that the bot could not answer. `fragments` are messages
    that seemed unfinished and wait for the next one, until `fragments_due`. The agent in charge has
    put it off until `snoozed_until`. `team` is who takes over, empty for the first team; `skill` is
    what it takes. `at_head` puts it before others that wait. `owed_since` is from when on the agent
    in charge owes an answer; `left_by` is who was in charge last and did not answer, and `returns`
    how often that happened.
    """

    id: int | None = Field(default=None, primary_key=True)
    identity_id: int = Field(foreign_key="identity.id", index=True)
    agent_id: int | None = Field(default=None, foreign_key="agent.id")
    state: str = Field(default=State.BOT, index=True)
    language: str = ""
    prompt: dict[str, Any] | None = json_field(default=None)
    misses: int = 0
    fragments: list[int] = json_field(default_factory=list)
    fragments_due: datetime | None = moment(nullable=True, default=None, index=True)
    handoff_reason: str = ""
    opened_at: datetime = moment(default_factory=now)
    waiting_since: datetime | None = moment(nullable=True, default=None)
    first_response_at: datetime | None = moment(nullable=True, default=None, index=True)
    resolved_at: datetime | None = moment(nullable=True, default=None, index=True)
    snoozed_until: datetime | None = moment(nullable=True, default=None)
    updated_at: datetime = moment(default_factory=now)
    team: str = Field(default="", sa_column_kwargs={"server_default": ""})
    skill: str = Field(default="", sa_column_kwargs={"server_default": ""})
    at_head: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    owed_since: datetime | None = moment(nullable=True, default=None, index=True)
    left_by: int | None = None
    returns: int = Field(default=0, sa_column_kwargs={"server_default": "0"})


class Message(SQLModel, table=True):
    """One message. `id` is the `seq` of the chat socket: it grows within a conversation.

    `verdict` tells why the bot said what it said: `{"skill", "outcome", …}`. `origin` is the
    platform's id of a customer's message; `reply_to` is the message that it answers, `edit_of`
    the one that it is a new version of.
    """

    __table_args__ = (Index("ix_message_chat", "identity_id", "id"),)

    id: int | None = Field(default=None, primary_key=True)
    conversation_id: int = Field(foreign_key="conversation.id", index=True)
    identity_id: int = Field(foreign_key="identity.id")
    agent_id: int | None = Field(default=None, foreign_key="agent.id")
    author: str
    purpose: str = ""
    text: str
    choices: list[dict[str, str]] = json_field(default_factory=list)
    verdict: dict[str, Any] | None = json_field(default=None)
    origin: str = ""
    reply_to: int | None = None
    edit_of: int | None = None
    created_at: datetime = moment(default_factory=now)


@dataclass
class Written:
    """A message as plain values, for where many are written: a `Message` costs far more."""

    conversation_id: int
    identity_id: int
    author: str
    purpose: str
    text: str
    choices: list[dict[str, str]] = field(default_factory=list)
    agent_id: int | None = None
    verdict: dict[str, Any] | None = None
    origin: str = ""
    reply_to: int | None = None
    edit_of: int | None = None
    created_at: datetime = field(default_factory=now)
    id: int = 0


@dataclass(frozen=True, slots=True)
class Passage:
    """The messages of a chat that follow directly on the one with id `after` (0: on none)."""

    after: int
    messages: tuple[Written, ...]


class Note(SQLModel, table=True):
    """What agents tell each other about a conversation; customers never see it.

    Without an agent it is what the machine did, and why.
    """

    id: int | None = Field(default=None, primary_key=True)
    conversation_id: int = Field(foreign_key="conversation.id", index=True)
    agent_id: int | None = Field(default=None, foreign_key="agent.id")
    text: str
    created_at: datetime = moment(default_factory=now)


Teams = Collection[str] | None
"""The teams whose conversations are meant; None: all."""
PLACES = (
    col(Conversation.at_head).desc(),
    col(Conversation.waiting_since),
    col(Conversation.id),
)
"""The order of the queue."""


def of_teams(teams: Teams) -> list[Any]:
    """The condition that a conversation is one of `teams`."""
    return [] if teams is None else [col(Conversation.team).in_(teams)]


_MESSAGES = SQLModel.metadata.tables["message"]
_WRITE = insert(_MESSAGES).returning(_MESSAGES.c.id)
_JUDGE = update(_MESSAGES).where(_MESSAGES.c.id == bindparam("its_id"))
_JUDGE = _JUDGE.values(text=bindparam("its_text"), verdict=bindparam("its_verdict"))


def write(session: Session, message: Written) -> Written:
    """Store a new message, now; it gets its `id`."""
    values = vars(message).copy()
    del values["id"], values["verdict"]
    message.id = session.connection().execute(_WRITE, values).scalar_one()
    session.info.setdefault("written", []).append(message)
    emit(session, MessageWritten(message.conversation_id, message.id))
    return message


def write_all(session: Session, messages: Sequence[Written]) -> None:
    """Store many new messages, now, in their order; each gets its `id`."""
    if not messages:
        return
    ids = new_ids(session, _MESSAGES, len(messages))
    for message, message_id in zip(messages, ids, strict=True):
        message.id = message_id
    rows = [{k: v for k, v in vars(one).items() if k != "verdict"} for one in messages]
    insert_many(session, _MESSAGES, rows)
    for message in messages:
        emit(session, MessageWritten(message.conversation_id, message.id))


def written(session: Session, identity_id: int, after: int) -> Passage:
    """What this session wrote into a chat that it holds, whose newest message was `after`."""
    messages: list[Written] = session.info.get("written", [])
    return Passage(after, tuple(one for one in messages if one.identity_id == identity_id))


def judge(session: Session, message: Written, verdict: Mapping[str, Any]) -> None:
    """Keep with a customer's message why it was answered as it was; its text may be masked."""
    values = {"its_id": message.id, "its_text": message.text, "its_verdict": verdict}
    session.connection().execute(_JUDGE, values)
    if all(one is not message for one in session.info.get("written", ())):
        changed(session, Shelf.MESSAGE, [message.id])  # it came earlier, and may be indexed


def message_from(session: Session, identity_id: int, origin: str) -> Message | None:
    """The newest version of the customer's message that the platform calls `origin`."""
    query = (
        select(Message)
        .where(Message.identity_id == identity_id, Message.origin == origin)
        .order_by(col(Message.id).desc())  # the chat's index is read from its end
        .limit(1)
    )
    return session.exec(query).first()


def question_before(
    session: Session, conversation: Conversation, message_id: int
) -> Message | None:
    """What the customer had said last in this conversation when we said `message_id` there."""
    if session.get_one(Message, message_id).conversation_id != conversation.id:
        return None
    query = (
        select(Message)
        .where(
            Message.conversation_id == conversation.id,
            Message.author == Author.CUSTOMER,
            col(Message.id) < message_id,
        )
        .order_by(col(Message.id).desc())
        .limit(1)
    )
    return session.exec(query).first()


def is_judged(session: Session, conversation: Conversation, message_id: int) -> bool:
    """Whether the customer has told already whether our message helped."""
    query = select(Message.verdict).where(
        Message.conversation_id == conversation.id, Message.reply_to == message_id
    )
    return any((verdict or {}).get("skill") == "helpful" for verdict in session.exec(query))


def reword(session: Session, message_id: int, text: str) -> None:
    """Give a stored message its text, where it came before its words."""
    session.execute(update(Message).where(col(Message.id) == message_id).values(text=text))
    changed(session, Shelf.MESSAGE, [message_id])


_CONVERSATIONS = SQLModel.metadata.tables["conversation"]
_OPEN = insert(_CONVERSATIONS).returning(*_CONVERSATIONS.c)
_OPENED = select_columns(Conversation).from_statement(_OPEN)


def open_conversation(session: Session, identity: Identity) -> Conversation:
    """A new conversation in a chat."""
    row = new_row(Conversation, identity_id=identity.id, language=identity.language)
    opened: Conversation = session.execute(_OPENED, row).scalar_one()
    assert opened.id is not None
    emit(session, ConversationOpened(opened.id))
    return opened


def open_all(session: Session, languages: Mapping[int, str]) -> dict[int, tuple[int, str]]:
    """The id and language of the conversation of each of these chats that is not resolved; a new
    one where there is none. Given are the chats' languages."""
    newest = (
        select_columns(func.max(_CONVERSATIONS.c.id))
        .where(among(_CONVERSATIONS.c.identity_id, languages))
        .group_by(_CONVERSATIONS.c.identity_id)
    )
    query = select_columns(
        _CONVERSATIONS.c.identity_id,
        _CONVERSATIONS.c.id,
        _CONVERSATIONS.c.language,
        _CONVERSATIONS.c.state,
    ).where(_CONVERSATIONS.c.id.in_(newest))  # with the state in it PostgreSQL would read the table
    known = [row for row in session.connection().execute(query) if row.state != State.RESOLVED]
    found = {row.identity_id: (row.id, row.language) for row in known}
    missing = [one for one in languages if one not in found]
    ids = new_ids(session, _CONVERSATIONS, len(missing)) if missing else []
    pairs = list(zip(missing, ids, strict=True))
    rows = [
        {"id": number} | new_row(Conversation, identity_id=one, language=languages[one])
        for one, number in pairs
    ]
    insert_many(session, _CONVERSATIONS, rows)
    for identity_id, conversation_id in pairs:
        found[identity_id] = (conversation_id, languages[identity_id])
        emit(session, ConversationOpened(conversation_id))
    return found


def touch_all(session: Session, conversation_ids: Collection[int], at: datetime) -> None:
    """Mark conversations as changed at a moment."""
    mine = among(_CONVERSATIONS.c.id, conversation_ids)
    session.connection().execute(update(_CONVERSATIONS).where(mine).values(updated_at=at))


def latest_conversation(session: Session, identity_id: int) -> Conversation | None:
    """The newest conversation in a chat, whatever its state."""
    query = (
        select(Conversation)
        .where(Conversation.identity_id == identity_id)
        .order_by(col(Conversation.id).desc())
        .limit(1)
    )
    return session.exec(query).first()


def conversation_before(session: Session, conversation: Conversation) -> int | None:
    """The id of the conversation that was the chat's before this one."""
    query = select(func.max(Conversation.id)).where(
        Conversation.identity_id == conversation.identity_id,
        col(Conversation.id) < conversation.id,
    )
    return session.exec(query).one()


def locked_conversation(session: Session, conversation_id: int) -> Conversation | None:
    """The conversation, its chat's row held until the commit; None when there is none.

    The identity's row is the one lock of a chat, for customers and agents alike.
    """
    found = session.get(Conversation, conversation_id)
    if found is None:
        return None
    held_identity(session, found.identity_id)
    session.refresh(found)
    return found


def messages_after(
    session: Session, identity_id: int, after: int = 0, limit: int = 200
) -> list[Message]:
    """The messages of a chat with `id` greater than `after`, oldest first."""
    query = (
        select(Message)
        .where(Message.identity_id == identity_id, col(Message.id) > after)
        .order_by(col(Message.id))
        .limit(limit)
    )
    return list(session.exec(query))


_COLUMNS = [_MESSAGES.c[name] for name in Written.__dataclass_fields__]
_IDENTITIES = SQLModel.metadata.tables["identity"]
_AFTER = (
    select_columns(*_COLUMNS)
    .join(_IDENTITIES, and_(_IDENTITIES.c.id == _MESSAGES.c.identity_id, AT_ADDRESS))
    .where(_MESSAGES.c.id > bindparam("its_after"))
    .order_by(_MESSAGES.c.id)
    .limit(bindparam("its_limit"))
)


def messages_at(session: Session, address: Address, after: int, limit: int) -> list[Written]:
    """The messages of the chat at `address` with `id` greater than `after`, oldest first."""
    values = address_values(address) | {"its_after": after, "its_limit": limit}
    rows = session.connection().execute(_AFTER, values)
    return [Written(**row._mapping) for row in rows]


def conversation_messages(
    session: Session, conversation_id: int, after: int = 0, limit: int = 500
) -> list[Message]:
    """The messages of one conversation with `id` greater than `after`, oldest first."""
    query = (
        select(Message)
        .where(Message.conversation_id == conversation_id, col(Message.id) > after)
        .order_by(col(Message.id))
        .limit(limit)
    )
    return list(session.exec(query))


def fragments_of(session: Session, conversation: Conversation) -> list[Written]:
    """The messages that wait for the rest of what the customer is saying, oldest first."""
    if not conversation.fragments:
        return []
    query = select_columns(*_COLUMNS).where(_MESSAGES.c.id.in_(conversation.fragments))
    rows = session.connection().execute(query.order_by(_MESSAGES.c.id))
    return [Written(**row._mapping) for row in rows]


_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def with_fragments(session: Session) -> list[Identity]:
    """The chats in which a fragment waits.

    Asked for by a moment: SQLite reads the whole table for `IS NOT NULL`.
    """
    query = (
        select(Identity)
        .join(Conversation, col(Conversation.identity_id) == Identity.id)
        .where(col(Conversation.fragments_due) > _LONG_AGO)
    )
    return list(session.exec(query))


def last_seq(session: Session, identity_id: int) -> int:
    """The newest message id of a chat, 0 when it is empty."""
    query = select(func.max(Message.id)).where(Message.identity_id == identity_id)
    return session.exec(query).one() or 0


_SAID = (
    select_columns(_MESSAGES.c.id, _MESSAGES.c.choices)
    .where(_MESSAGES.c.conversation_id == bindparam("its_conversation"))
    .where(_MESSAGES.c.author == Author.BOT)
    .order_by(_MESSAGES.c.id.desc())
    .limit(5)
    .subquery()
)
_OFFERED = (
    select_columns(_SAID.c.choices)
    .where(cast(_SAID.c.choices, String) != "[]")
    .order_by(_SAID.c.id.desc())
    .limit(1)
)


def last_offered(session: Session, conversation_id: int) -> list[dict[str, str]]:
    """The buttons under the newest bot message that has any."""
    found = session.connection().execute(_OFFERED, {"its_conversation": conversation_id})
    return found.scalar_one_or_none() or []


def recent_messages(
    session: Session, conversation: Conversation, since: datetime, before: int, limit: int = 50
) -> list[Message]:
    """The messages of a conversation from `since` on with `id` less than `before`, newest first."""
    query = (
        select(Message)
        .where(
            Message.conversation_id == conversation.id,
            col(Message.id) < before,
            col(Message.created_at) >= since,
        )
        .order_by(col(Message.id).desc())
        .limit(limit)
    )
    return list(session.exec(query))


def conversations_in(
    session: Session,
    states: list[str],
    limit: int = 200,
    teams: Teams = None,
    agent_id: int | None = None,
) -> list[tuple[Conversation, Identity, Customer]]:
    """Conversations in any of `states`, those at the head, then the longest waiting (then oldest)
    first; of all `teams` or some, of all agents or one."""
    query = (
        select(Conversation, Identity, Customer)
        .join(Identity, col(Identity.id) == Conversation.identity_id)
        .join(Customer, col(Customer.id) == Identity.customer_id)
        .where(col(Conversation.state).in_(states), *of_teams(teams))
        .order_by(*PLACES)
        .limit(limit)
    )
    if agent_id is not None:
        query = query.where(Conversation.agent_id == agent_id)
    return list(session.exec(query))


def waiting_before(session: Session, conversation: Conversation, teams: Teams = None) -> int:
    """How many conversations of `teams` come before this one in the queue."""
    head, since = col(Conversation.at_head), col(Conversation.waiting_since)
    is_longer = or_(
        since < conversation.waiting_since,
        and_(since == conversation.waiting_since, col(Conversation.id) < conversation.id),
    )
    comes_before = and_(head, is_longer) if conversation.at_head else or_(head, is_longer)
    query = select(func.count(col(Conversation.id))).where(
        Conversation.state == State.WAITING, comes_before, *of_teams(teams)
    )
    return session.exec(query).one()


def recent_waits(
    session: Session, since: datetime, limit: int, teams: Teams = None
) -> list[tuple[datetime, datetime]]:
    """From when until when customers waited for a person's first answer, the latest answers first.

    Only answers of `teams` after `since`, and at most `limit` of them.
    """
    began, ended = col(Conversation.waiting_since), col(Conversation.first_response_at)
    query = (
        select_columns(began, ended)
        .where(ended > since, began <= ended, *of_teams(teams))
        .order_by(ended.desc())
        .limit(limit)
    )
    return [(start, end) for start, end in session.execute(query)]


def last_greeting(session: Session, conversation_id: int) -> Message | None:
    """The newest message that told the customer which agent is in charge."""
    query = (
        select(Message)
        .where(
            Message.conversation_id == conversation_id,
            Message.author == Author.SYSTEM,
            col(Message.agent_id).is_not(None),
        )
        .order_by(col(Message.id).desc())
        .limit(1)
    )
    return session.exec(query).first()


def notes_of(session: Session, conversation_id: int) -> list[Note]:
    """The internal notes of a conversation, oldest first."""
    query = select(Note).where(Note.conversation_id == conversation_id).order_by(col(Note.id))
    return list(session.exec(query))
