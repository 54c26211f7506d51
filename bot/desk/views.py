"""Reads what an agent sees from the tables, in one go and ready to be shown."""

from dataclasses import dataclass, replace
from typing import Any

from sqlmodel import Session

from bot.core.errors import NotAllowed
from bot.core.messages import Author, State
from bot.desk.accounts import current_agent
from bot.desk.passes import Pass
from bot.desk.sight import Board, Bubble, Card, OrderLine, ParcelLine, Row, Sight, Thread
from bot.desk.texts import Texts
from bot.logistics.parcels import parcel_facts
from bot.shop.orders import order_facts
from storage.models.agents import Agent
from storage.models.conversations import Conversation, Message, Note, conversations_in, notes_of
from storage.models.customers import Customer, Identity
from storage.models.desk import agent_names, count_in, last_messages, newest_messages
from storage.models.orders import orders_of, parcels_of

SHOWN_MESSAGES = 200
"""How many of a conversation's messages are loaded."""
SHOWN_ROWS = 200
"""How many conversations a list holds."""
_PREVIEW = 80


class LoggedOut(NotAllowed):
    """The login has ended: disabled, or too old."""

    def __init__(self) -> None:
        super().__init__("登录已失效，请重新登录。", "Your login has ended. Please log in again.")


@dataclass(slots=True)
class _Reader:
    session: Session
    agent: Agent
    texts: Texts
    names: dict[int, str]
    selected: int | None


def require_agent(session: Session, login: Pass) -> Agent:
    """The agent of a running login. Raises `LoggedOut`."""
    agent = current_agent(session, login.agent_id, login.session_version)
    if agent is None:
        raise LoggedOut
    return agent


def look(session: Session, login: Pass, texts: Texts, selected: int | None) -> Sight:
    """The screen of the agent with this login, the conversation `selected` opened.

    Raises `LoggedOut`. A conversation that does not exist is shown as none.
    """
    agent = require_agent(session, login)
    reader = _Reader(session, agent, texts, agent_names(session), selected)
    conversation = session.get(Conversation, selected) if selected is not None else None
    thread = _thread(reader, conversation) if conversation is not None else None
    return Sight(agent.name, _board(reader), thread)


def _board(reader: _Reader) -> Board:
    session = reader.session
    waiting = conversations_in(session, [State.WAITING], SHOWN_ROWS)
    taken = conversations_in(session, [State.OPEN], SHOWN_ROWS)
    shown = [*waiting, *taken]
    last = last_messages(session, [one.id for one, _, _ in shown if one.id is not None])
    mine: list[Row] = []
    others: list[Row] = []
    for entry in taken:
        target = mine if entry[0].agent_id == reader.agent.id else others
        target.append(_row(reader, *entry, last))
    return Board(
        tuple(_row(reader, *entry, last) for entry in waiting),
        tuple(mine),
        tuple(others),
        count_in(session, State.WAITING),
        count_in(session, State.OPEN),
    )


def _row(
    reader: _Reader,
    conversation: Conversation,
    identity: Identity,
    customer: Customer,
    last: dict[int, Message],
) -> Row:
    conversation_id = conversation.id or 0
    message = last.get(conversation_id)
    since = conversation.waiting_since
    if conversation.state == State.OPEN and message is not None:
        since = message.created_at
    is_customers = message is not None and message.author == Author.CUSTOMER
    return Row(
        id=conversation_id,
        name=_name(reader.texts, identity, customer),
        preview=" ".join(message.text[:_PREVIEW].split()) if message else "",
        since=reader.texts.waited(since or conversation.opened_at),
        channel=_channel(reader.texts, identity),
        owner=_colleague(reader, conversation),
        unanswered=conversation.state == State.OPEN and is_customers,
        selected=conversation_id == reader.selected,
    )


def _colleague(reader: _Reader, conversation: Conversation) -> str:
    """The name of the agent in charge, when that is somebody else."""
    is_mine = conversation.agent_id == reader.agent.id
    return "" if is_mine else reader.names.get(conversation.agent_id or 0, "")


def _thread(reader: _Reader, conversation: Conversation) -> Thread:
    session = reader.session
    identity = session.get(Identity, conversation.identity_id)
    assert identity is not None
    customer = session.get(Customer, identity.customer_id)
    assert customer is not None
    assert conversation.id is not None
    messages = newest_messages(session, conversation.id, SHOWN_MESSAGES)
    shortened = len(messages) == SHOWN_MESSAGES
    said: list[Message | Note] = [*messages, *notes_of(session, conversation.id)]
    if shortened:  # notes about what is not shown would stand there without their reason
        said = [one for one in said if one.created_at >= messages[0].created_at]
    said.sort(key=lambda one: one.created_at)  # stable: messages keep the order of their ids
    return Thread(
        id=conversation.id,
        state=conversation.state,
        reason=_reason(reader.texts, conversation),
        mine=conversation.agent_id == reader.agent.id,
        owner=_colleague(reader, conversation),
        bubbles=_joined([_bubble(reader, one, identity, customer) for one in said]),
        shortened=shortened,
        card=_card(reader, identity, customer),
    )


def _bubble(
    reader: _Reader, said: Message | Note, identity: Identity, customer: Customer
) -> Bubble:
    texts = reader.texts
    at = texts.time(said.created_at)
    if isinstance(said, Note):
        return Bubble(f"n{said.id}", "note", reader.names.get(said.agent_id, ""), said.text, at)
    author = {
        Author.CUSTOMER: _name(texts, identity, customer),
        Author.AGENT: reader.names.get(said.agent_id or 0, ""),
        Author.BOT: texts("bot"),
    }.get(Author(said.author), "")
    labels = tuple(choice["label"] for choice in said.choices or ())
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
        str(verdict.get("entry", "")),
    ]
    if isinstance(verdict.get("confidence"), int | float):
        parts.append(f"{verdict['confidence']:.0%}")
    return " · ".join(part for part in parts if part)


def _reason(texts: Texts, conversation: Conversation) -> str:
    kind, _, detail = conversation.handoff_reason.partition(":")
    if not kind:
        return ""
    return " ".join(part for part in (texts.known(f"reason_{kind}", kind), detail) if part)


def _name(texts: Texts, identity: Identity, customer: Customer) -> str:
    return customer.name or identity.name or texts("guest", number=identity.id)


def _channel(texts: Texts, identity: Identity) -> str:
    return texts.known(f"channel_{identity.channel}", identity.channel)


def _card(reader: _Reader, identity: Identity, customer: Customer) -> Card:
    language = identity.language or customer.language
    return Card(
        name=_name(reader.texts, identity, customer),
        channel=_channel(reader.texts, identity),
        language=reader.texts.known(f"language_{language}", language),
        linked=identity.linked_at is not None,
        orders=tuple(_orders(reader, customer)),
    )


def _orders(reader: _Reader, customer: Customer) -> list[OrderLine]:
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
