"""Reads who the customer is: their chats, orders and parcels, and what is to be remembered."""

from bot.customers.consent import in_force
from bot.desk.reader import Reader
from bot.desk.sight import Card, FormerLine, NoteLine, OrderLine, ParcelLine
from bot.logistics.parcels import parcel_facts
from bot.shop.orders import order_facts
from storage.models.audit import actor_at
from storage.models.customers import Customer, Identity, identities_of
from storage.models.desk import conversations_with, ratings
from storage.models.orders import orders_of, parcels_of
from storage.models.profiles import profile_of
from storage.models.remarks import notes_about, tags_of

SHOWN_FORMER = 5
"""How many of the customer's other conversations are listed."""


def customer_card(reader: Reader, identity: Identity, customer: Customer) -> Card:
    """Who the customer is, and what they bought."""
    language = identity.language or customer.language
    texts, known = reader.texts, profile_of(reader.session, identity.customer_id)
    return Card(
        name=reader.name(identity, customer),
        channel=reader.channel(identity),
        language=texts.known(f"language_{language}", language),
        linked=identity.linked_at is not None,
        linked_by=_linked_by(reader, identity),
        elsewhere=tuple(_elsewhere(reader, identity)),
        orders=tuple(_orders(reader, customer)),
        birthday=texts.day(known.birthday) if known and known.birthday else "",
        shop_tags=tuple(known.tags) if known else (),
        opted_out=texts.time(customer.opted_out_at) if customer.opted_out_at else "",
        consents=tuple(_consents(reader, identity.customer_id)),
        notes=tuple(_notes(reader, identity.customer_id)),
        former=tuple(_former(reader, identity.customer_id)),
    )


def _linked_by(reader: Reader, identity: Identity) -> str:
    """The colleague on whose word the chat is the customer's; empty where it was proved."""
    if identity.linked_at is None:
        return ""
    actor = actor_at(reader.session, "link", identity.linked_at)
    kind, _, number = actor.partition(":")
    return reader.names.get(int(number), actor) if kind == "agent" else actor


def _consents(reader: Reader, customer_id: int) -> list[str]:
    """What holds, for each purpose and channel: what, where, since when, by which words."""
    texts = reader.texts
    return [
        " · ".join(
            part
            for part in (
                texts.known(f"purpose_{one.purpose}", one.purpose),
                texts.known(f"consent_{one.state}", one.state),
                texts.known(f"channel_{one.channel}", one.channel) if one.channel else "",
                texts.time(one.at),
                texts.known(f"consent_by_{one.source}", one.source),
                f"“{one.wording}”" if one.wording else "",
            )
            if part
        )
        for one in in_force(reader.session, customer_id)
    ]


def _notes(reader: Reader, customer_id: int) -> list[NoteLine]:
    """What is to be remembered, with who wrote it down."""
    return [
        NoteLine(one.id or 0, one.text, reader.names.get(one.agent_id, ""))
        for one in notes_about(reader.session, customer_id)
    ]


def _former(reader: Reader, customer_id: int) -> list[FormerLine]:
    """The customer's latest other conversations on any channel that ended with a person."""
    found = [
        one
        for one in conversations_with(reader.session, customer_id, SHOWN_FORMER + 1)
        if one.id != reader.selected
    ][:SHOWN_FORMER]
    numbers = [one.id or 0 for one in found]
    stars, tags = ratings(reader.session, numbers), tags_of(reader.session, numbers)
    return [
        FormerLine(
            number,
            reader.texts.time(one.resolved_at or one.opened_at),
            reader.texts.known(f"why_{one.handoff_reason.partition(':')[0]}", ""),
            "★" * stars.get(number, 0),
            tuple(tags.get(number, ())),
        )
        for number, one in zip(numbers, found, strict=True)
    ]


def _elsewhere(reader: Reader, identity: Identity) -> list[str]:
    """The customer's other chats: channel, what they are called there, when last seen."""
    texts = reader.texts
    others = identities_of(reader.session, identity.customer_id)
    return [
        " · ".join(
            (
                reader.channel(one),
                one.name or texts("guest", number=one.id),
                texts("last_seen", at=texts.time(one.last_seen_at)),
            )
        )
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
