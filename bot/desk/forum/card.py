"""Who the customer of a topic is, and what it is about: its name and its first message."""

from sqlmodel import Session

from bot.desk.customer import customer_card
from bot.desk.forum.lines import Scribe, shortened
from bot.desk.reader import Reader
from bot.desk.sight import Card, OrderLine
from bot.desk.texts import Texts
from bot.desk.views import reason_text
from storage.models.conversations import Conversation, Message
from storage.models.customers import Customer, Identity

HISTORY = 10
"""How many messages stand on a card."""
SHOWN_DIGITS = 4
"""How much is shown of a phone number: what customers prove an order with."""


class CardWriter:
    """Describes one conversation."""

    def __init__(self, session: Session, texts: Texts, conversation: Conversation) -> None:
        self._texts = texts
        self._conversation = conversation
        self._identity = session.get_one(Identity, conversation.identity_id)
        self._customer = session.get_one(Customer, self._identity.customer_id)
        reader = Reader(session, 0, texts, {})
        self._card: Card = customer_card(reader, self._identity, self._customer)

    def name(self) -> str:
        """The topic's name: who, why, and the latest order."""
        why = self._texts.known(f"why_{self._conversation.handoff_reason.partition(':')[0]}", "")
        orders = self._card.orders if self._card.linked else ()
        parts = (self._card.name, why, orders[0].number if orders else "")
        return " · ".join(part for part in parts if part)

    def text(self, history: list[Message], scribe: Scribe) -> str:
        """The card: who, why, orders, and what was said last."""
        card, say = self._card, self._say
        who = " · ".join(part for part in (card.name, card.channel, card.language) if part)
        reason = reason_text(self._texts, self._conversation, history)
        facts = [
            f"👤 {who}",
            say("reason", text=shortened(reason)) if reason else "",
            *(self._proof() if card.linked else [self._texts("not_linked")]),
            *(order_text(one) for one in card.orders),
        ]
        said = [say("history"), *scribe.history(history)]
        link = f"🔗 {scribe.link}" if scribe.link else ""
        blocks = ("\n".join(filter(None, facts)), "\n".join(said), link)
        return "\n\n".join(block for block in blocks if block)

    def orders(self) -> str:
        """The customer's orders, with their parcels."""
        orders = [order_text(one) for one in self._card.orders]
        return "\n".join([*self._proof(), *orders]) if orders else self._texts("no_orders")

    def _proof(self) -> list[str]:
        """The end of the phone number of a customer who is known."""
        phone = self._customer.phone
        is_known = self._card.linked and len(phone) > SHOWN_DIGITS
        return [self._say("phone", last=phone[-SHOWN_DIGITS:])] if is_known else []

    def _say(self, key: str, **values: str) -> str:
        return self._texts.voice.say(f"forum.{key}", self._texts.language, **values)


def order_text(order: OrderLine) -> str:
    """An order on a few lines."""
    head = " · ".join(
        part for part in (order.number, order.status, order.items, order.paid) if part
    )
    parcels = [
        " · ".join(part for part in (one.status, one.heading, one.latest) if part)
        for one in order.parcels
    ]
    return "\n".join([f"📦 {head}", *(f"   🚚 {one}" for one in parcels)])
