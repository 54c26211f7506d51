"""Reads what an agent sees from the tables, in one go and ready to be shown."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlmodel import Session

from bot.core.errors import NotAllowed
from bot.core.messages import KEY_AWAY, Author
from bot.desk.accounts import current_agent
from bot.desk.lists import board
from bot.desk.passes import Pass
from bot.desk.reader import Reader
from bot.desk.sight import Bubble, Card, FileLine, OrderLine, ParcelLine, Sight, Thread
from bot.desk.texts import Texts
from bot.inbox.file_types import IMAGES
from bot.logistics.parcels import parcel_facts
from bot.shop.orders import order_facts
from storage.models.agents import Agent
from storage.models.attachments import Attached, Stage, attachments_of
from storage.models.conversations import Conversation, Message, Note, notes_of
from storage.models.customers import Customer, Identity, identities_of
from storage.models.deliveries import stopped_of
from storage.models.desk import agent_names, earlier_messages, newest_messages
from storage.models.orders import orders_of, parcels_of

SHOWN_MESSAGES = 200
"""How many of a conversation's messages are loaded."""
SHOWN_EARLIER = 20
"""How many messages of the same chat's former conversations are shown above it."""
QUOTED = 80
"""How much is shown of a message that another one answers, in characters."""
CONFIDENT = 0.7
"""P(right) from which the bot's answer is called a confident one."""


class LoggedOut(NotAllowed):
    """The login has ended: logged out, disabled, or too old."""

    def __init__(self) -> None:
        super().__init__("登录已失效，请重新登录。", "Your login has ended. Please log in again.")


def require_agent(session: Session, login: Pass) -> Agent:
    """The agent of a running login. Raises `LoggedOut`."""
    agent = current_agent(session, login.token)
    if agent is None:
        raise LoggedOut
    return agent


def look(session: Session, login: Pass, texts: Texts, selected: int | None) -> Sight:
    """The screen of the agent with this login, the conversation `selected` opened.

    Raises `LoggedOut`. A conversation that does not exist is shown as none.
    """
    agent = require_agent(session, login)
    reader = Reader(session, agent, texts, agent_names(session), selected)
    conversation = session.get(Conversation, selected) if selected is not None else None
    thread = _thread(reader, conversation) if conversation is not None else None
    assert agent.id is not None
    return Sight(agent.id, agent.name, board(reader), thread)


def _thread(reader: Reader, conversation: Conversation) -> Thread:
    session = reader.session
    identity = session.get_one(Identity, conversation.identity_id)
    customer = session.get_one(Customer, identity.customer_id)
    assert conversation.id is not None
    messages = newest_messages(session, conversation.id, SHOWN_MESSAGES)
    shortened = len(messages) == SHOWN_MESSAGES
    said: list[Message | Note] = [*messages, *notes_of(session, conversation.id)]
    if shortened:  # notes about what is not shown would stand there without their reason
        said = [one for one in said if one.created_at >= messages[0].created_at]
    said.sort(key=lambda one: one.created_at)  # stable: messages keep the order of their ids
    name = reader.name(identity, customer)
    bubbles = _joined(_bubbles(reader, said, name))
    return Thread(
        id=conversation.id,
        state=conversation.state,
        reason=reason_text(reader.texts, conversation, messages),
        mine=conversation.agent_id == reader.agent.id,
        owner=reader.colleague(conversation),
        replied=conversation.first_response_at is not None,
        bubbles=bubbles if shortened else (*_earlier(reader, conversation, name), *bubbles),
        shortened=shortened,
        card=customer_card(reader, identity, customer),
    )


def _earlier(reader: Reader, conversation: Conversation, name: str) -> tuple[Bubble, ...]:
    """How the chat's former conversations ended, and the line below them."""
    messages = earlier_messages(reader.session, conversation, SHOWN_EARLIER)
    if not messages:
        return ()
    bubbles = _joined(_bubbles(reader, messages, name))
    divider = Bubble("divider", "divider", "", reader.texts("earlier"), "")
    return (*(replace(bubble, earlier=True, choices=()) for bubble in bubbles), divider)


def _bubbles(reader: Reader, said: Sequence[Message | Note], customer: str) -> list[Bubble]:
    """Messages and notes with what came with them, and what they refer to."""
    messages = {one.id: one for one in said if isinstance(one, Message) and one.id is not None}
    carried = attachments_of(reader.session, messages.keys())
    stopped = stopped_of(reader.session, messages.keys())
    found = []
    for one in said:
        bubble = _bubble(reader, one, customer)
        if isinstance(one, Message):
            answered = messages.get(one.reply_to or 0)
            files = tuple(_file_line(reader.texts, file) for file in carried.get(one.id or 0, ()))
            at = f"{bubble.at} · {reader.texts('edited')}" if one.edit_of else bubble.at
            quote = answered.text[:QUOTED] if answered else ""
            fate = reader.texts(f"fate_{stopped[one.id]}") if one.id in stopped else ""
            bubble = replace(bubble, files=files, quote=quote, at=at, fate=fate)
        found.append(bubble)
    return found


def _file_line(texts: Texts, file: Attached) -> FileLine:
    """How one attachment is shown; names are the customer's, and only text."""
    what = file.label
    if file.stage == Stage.KEPT:
        return FileLine(what, f"/desk/files/{file.id}", file.mime in IMAGES)
    return FileLine(what if file.stage == Stage.NONE else f"{what} {texts(f'file_{file.stage}')}")


def _bubble(reader: Reader, said: Message | Note, customer: str) -> Bubble:
    texts = reader.texts
    at = texts.time(said.created_at)
    if isinstance(said, Note):
        return Bubble(f"n{said.id}", "note", reader.names.get(said.agent_id, ""), said.text, at)
    author = {
        Author.CUSTOMER: customer,
        Author.AGENT: reader.names.get(said.agent_id or 0, ""),
        Author.BOT: texts("bot"),
    }.get(Author(said.author), "")
    labels = tuple(one["label"] for one in said.choices or () if one["value"] != KEY_AWAY)
    return Bubble(
        f"m{said.id}", said.author, author, said.text, at, labels, _verdict(texts, said.verdict)
    )


def _joined(bubbles: list[Bubble]) -> tuple[Bubble, ...]:
    before = [None, *bubbles]
    return tuple(
        replace(one, continues=last is not None and _byline(last) == _byline(one))
        for last, one in zip(before, bubbles, strict=False)
    )


def _byline(bubble: Bubble) -> tuple[str, str, str]:
    return bubble.kind, bubble.author, bubble.at


def _verdict(texts: Texts, verdict: dict[str, Any] | None) -> str:
    """Why the bot said what it said, as one line: skill, outcome, FAQ entry, confidence."""
    if not verdict or verdict.get("outcome") == "silent":  # under every message: only noise
        return ""
    skill, outcome = str(verdict.get("skill", "")), str(verdict.get("outcome", ""))
    parts = [
        texts.known(f"skill_{skill}", skill.replace("_", " ")),
        texts.known("outcome_" + outcome.replace(",", "").replace(" ", "_"), outcome),
        str(verdict.get("title") or verdict.get("entry", "")),
        _confidence(texts, verdict.get("confidence")),
    ]
    return " · ".join(part for part in parts if part)


def _confidence(texts: Texts, probability: object) -> str:
    if not isinstance(probability, int | float):
        return ""
    return texts("confident" if probability >= CONFIDENT else "unsure")


def reason_text(texts: Texts, conversation: Conversation, messages: list[Message]) -> str:
    """Why a person was brought; of an FAQ entry the title, where its answer is still shown."""
    kind, _, detail = conversation.handoff_reason.partition(":")
    if not kind:
        return ""
    verdicts = [one.verdict for one in messages if one.verdict]
    titles = {str(one.get("entry")): str(one.get("title") or "") for one in verdicts}
    parts = (texts.known(f"reason_{kind}", kind), titles.get(detail) or detail)
    return " ".join(part for part in parts if part)


def customer_card(reader: Reader, identity: Identity, customer: Customer) -> Card:
    """Who the customer is, and what they bought."""
    language = identity.language or customer.language
    return Card(
        name=reader.name(identity, customer),
        channel=reader.channel(identity),
        language=reader.texts.known(f"language_{language}", language),
        linked=identity.linked_at is not None,
        elsewhere=tuple(_elsewhere(reader, identity)),
        orders=tuple(_orders(reader, customer)),
    )


def _elsewhere(reader: Reader, identity: Identity) -> list[str]:
    """The customer's other chats, by channel and by what they are called there."""
    others = identities_of(reader.session, identity.customer_id)
    return [
        " · ".join(part for part in (reader.channel(one), one.name) if part)
        for one in others
        if one.id != identity.id
    ]


def _orders(reader: Reader, customer: Customer) -> list[OrderLine]:
    assert customer.id is not None
    voice, language = reader.texts.voice, reader.texts.language
    lines = []
    for order in orders_of(reader.session, customer.id):
        facts = order_facts(order, language, voice)
        assert order.id is not None
        parcels = [
            parcel_facts(reader.session, parcel, language, voice)
            for parcel in parcels_of(reader.session, order.id)
        ]
        lines.append(
            OrderLine(
                facts["number"],
                facts["status_text"],
                facts["items_text"],
                " · ".join(one for one in (facts["amount"], facts["placed_on"]) if one),
                tuple(_parcel_line(one) for one in parcels),
            )
        )
    return lines


def _parcel_line(facts: dict[str, str]) -> ParcelLine:
    latest = (facts["latest_at"], facts["latest_place"], facts["latest"])
    return ParcelLine(
        " ".join(one for one in (facts["carrier"], facts["tracking_number"]) if one),
        facts["status_text"],
        " · ".join(one for one in latest if one),
    )
