"""Ready answers: those in the shop's files, and those that agents wrote at the desk."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import UndefinedError
from sqlmodel import Session

from bot.core.clock import now
from bot.core.errors import NotAllowed, NotFound
from bot.core.messages import MAX_TEXT
from bot.escalation import agents, remarks
from bot.logistics.parcels import parcel_facts
from bot.shop.orders import order_facts
from bot.words.phrases import Voice
from bot.words.sandbox import ANSWER, Facts
from storage.models import canned
from storage.models.agents import Agent
from storage.models.audit import record
from storage.models.canned import CannedReply
from storage.models.conversations import Conversation
from storage.models.customers import Identity
from storage.models.orders import orders_of, parcels_of

ROOM = "canned"
"""The folder of templates with the shop's own ready answers."""
FACTS: Facts = {**ANSWER, "customer": {"name": "林小姐"}, "agent": {"name": "小满"}}
"""What ready answers may show besides `shop` and `language`, with an example of each text."""
_NAME = re.compile(r"[^\W_][\w-]{0,31}")


@dataclass(frozen=True, slots=True)
class Ready:
    """An answer filled in for one customer. `id` is 0 where it stands in the shop's files."""

    name: str
    text: str
    tags: tuple[str, ...] = ()
    resolves: bool = False
    id: int = 0


def ready(session: Session, voice: Voice, conversation: Conversation, agent: Agent) -> list[Ready]:
    """The answers that can be given in this conversation, by name.

    What shows an order is left out where the customer has none that we know of. What agents wrote
    in the customer's language comes before what they wrote for any, and both before the files'.
    """
    language = conversation.language or voice.default_language
    values = _values(session, voice, conversation, agent, language)
    found: dict[str, Ready] = {}
    for name in voice.names(ROOM):
        text = _filled(lambda name=name: voice.say(f"{ROOM}.{name}", language, **values))
        if text:
            found[name] = Ready(name, text)
    for row in canned.canned_replies(session):  # "" comes before a language
        if row.language not in ("", language):
            continue
        text = _filled(lambda row=row: voice.words.render(row.text, language, **values))
        if text:
            found[row.name] = Ready(row.name, text, tuple(row.tags), row.resolves, row.id or 0)
    return sorted(found.values(), key=lambda one: one.name)


def sent(session: Session, conversation_id: int, agent_id: int, canned_id: int) -> None:
    """The agent has sent a ready answer: do what belongs to it."""
    row = session.get(CannedReply, canned_id)
    if row is None:  # deleted since it was chosen; the words were sent
        return
    for tag in row.tags:
        remarks.tag(session, conversation_id, agent_id, tag)
    if row.resolves:
        agents.resolve(session, conversation_id, agent_id)


def write(
    session: Session,
    agent_id: int,
    voice: Voice,
    name: str,
    language: str,
    text: str,
    tags: Sequence[str] = (),
    *,
    resolves: bool = False,
    instead_of: int | None = None,
) -> CannedReply:
    """Keep a ready answer; one with the same name and language is replaced, and so is the one with
    the id `instead_of`.

    Raises `NotAllowed`, which says what is wrong with it.
    """
    known_as, words = name.strip().lower(), text.strip()
    if not _NAME.fullmatch(known_as):
        raise NotAllowed(
            "名称只能用文字、数字、- 和 _，最长 32 个字符。",
            "A name has letters, digits, - and _ only, at most 32 characters.",
        )
    if language and language not in voice.words.shop.languages:
        raise NotAllowed(f"没有这种语言：{language}", f"The shop does not speak {language}.")
    if not 0 < len(words) <= MAX_TEXT:
        raise NotAllowed(
            f"内容需要 1 到 {MAX_TEXT} 个字符。", f"The text has 1 to {MAX_TEXT} characters."
        )
    if wrong := voice.words.check(words, FACTS):
        raise NotAllowed(f"内容不能使用：{wrong}", f"The text cannot be used: {wrong}")
    row = canned.canned_reply(session, known_as, language)
    row = row or CannedReply(name=known_as, language=language, text=words, agent_id=agent_id)
    row.text, row.agent_id, row.updated_at, row.resolves = words, agent_id, now(), resolves
    row.tags = list(dict.fromkeys(remarks.checked_tag(one) for one in tags))
    session.add(row)
    record(session, f"agent:{agent_id}", "canned.write", f"canned:{known_as}")
    session.flush()
    before = session.get(CannedReply, instead_of) if instead_of is not None else None
    if before is not None and before.id != row.id:
        delete(session, agent_id, before.id or 0)
    return row


def delete(session: Session, agent_id: int, canned_id: int) -> None:
    """Remove a ready answer. Raises `NotFound`."""
    row = kept(session, canned_id)
    session.delete(row)
    record(session, f"agent:{agent_id}", "canned.delete", f"canned:{row.name}")


def kept(session: Session, canned_id: int) -> CannedReply:
    """A ready answer that an agent wrote. Raises `NotFound`."""
    row = session.get(CannedReply, canned_id)
    if row is None:
        raise NotFound("没有这条快捷回复。", "There is no such canned reply.")
    return row


def preview(voice: Voice, text: str, language: str) -> str:
    """How a text reads with the examples of `FACTS`; it has to be a checked one."""
    return voice.words.render(text, language or voice.default_language, **FACTS)


def _values(
    session: Session, voice: Voice, conversation: Conversation, agent: Agent, language: str
) -> Mapping[str, Any]:
    identity = session.get_one(Identity, conversation.identity_id)
    customer = identity.customer(session)
    values: dict[str, Any] = {
        "customer": {"name": customer.name or identity.name},
        "agent": {"name": agent.name},
    }
    order = next(iter(orders_of(session, customer.id or 0)), None)
    if order is not None and order.id is not None:
        values["order"] = order_facts(order, language, voice)
        parcel = next(iter(parcels_of(session, order.id)), None)
        if parcel is not None:
            values["parcel"] = parcel_facts(session, parcel, language, voice)
    return values


def _filled(render: Any) -> str:
    """The text, empty where it shows what is not known of this customer."""
    try:
        return str(render())
    except UndefinedError:
        return ""
