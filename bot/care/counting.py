"""Looks ahead: how many would get a message and why not the others, and how it would read."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from bot.care import reading, segments, sending_journey, sendings
from bot.care.facts import FULL
from bot.care.guard import Verdict
from bot.care.house import House
from bot.care.journeys import HELD_OUT, Journey
from bot.care.planner import Planner
from bot.care.reading import Known
from bot.care.triggers import TRIGGERS, About
from bot.core.clock import now
from bot.core.errors import NotAllowed, NotFound
from bot.core.messages import Address, Purpose
from bot.delivery import outbox
from storage.models import segments as people
from storage.models.audit import record
from storage.models.care import CareMessage, Sending
from storage.models.coupons import Coupon
from storage.models.customers import by_shop_ref, find_identity
from storage.models.orders import orders_of, parcels_of
from storage.models.segments import Segment
from storage.models.sendings import sending_named

AT_ONCE = 500
"""Customers of whom it is read at once."""
LOOKED_AT = 500
"""Customers among whom a preview looks for different languages and channels."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whom a preview shows: at most `limit` of all that a language has, or these of the shop."""

    limit: int = 5
    language: str = ""
    customers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """How a message reads for one customer, and what the guard says: `go`, `wait` or `no`.

    `has_example`: the coupon that it shows is made up, and nobody's."""

    customer_id: int
    name: str
    channel: str
    language: str
    verdict: str
    reason: str
    text: str
    has_example: bool = False

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def count_some(
    session: Session, planner: Planner, sending_id: int, after: int
) -> tuple[Counter[str], int | None]:
    """What the guard says to the next customers of a sending's segment, by reason: `now` for those
    who would get it. Returns after which customer to go on, None at the end."""
    sending = session.get_one(Sending, sending_id)
    at, shop = now(), planner.voice.words.shop
    segment = segments.segment(sending.segment, shop)
    ids = people.members(session, segment, shop.zone, at, after, AT_ONCE)
    journey = _asked(sending_journey.journey_of(sending))
    rows = [_row(journey, one, at, sending.valid_until) for one in ids]
    found = Counter(
        _reason(row, verdict) for row, verdict, _ in _verdicts(session, planner, journey, rows, at)
    )
    return found, ids[-1] if len(ids) == AT_ONCE else None


def previews(session: Session, care: House, name: str, wanted: Wanted) -> list[Preview]:
    """How a journey, or a sending, would read for real customers now: those who differ in
    language, channel and verdict first. Raises `NotFound`."""
    planner, at = care.planner, now()
    journey, segment, until = _named(session, care, name, at)
    ids = _people(session, planner, segment, wanted, at)
    asked = _asked(journey)
    found: list[Preview] = []
    for first in range(0, len(ids), AT_ONCE):
        rows = [_row(journey, one, at, until) for one in ids[first : first + AT_ONCE]]
        _about_orders(session, journey, rows)
        found += [
            _preview(planner, asked, row, verdict, known)
            for row, verdict, known in _verdicts(session, planner, asked, rows, at)
        ]
    fitting = [one for one in found if wanted.language in ("", one.language)]
    return _different(fitting, wanted.limit)


def send_test(session: Session, agent_id: int | None, care: House, name: str, to: str) -> int:
    """Send a sending's texts, marked as a test, to the chat `channel/account/chat`. Returns how
    many texts. Raises `NotFound`, and `NotAllowed` where its purpose may not go there."""
    sending = sendings.named(session, name)
    identity = find_identity(session, _address(to), lock=True)
    if identity is None:
        raise NotFound(f"没有 {to} 这个会话。", f"There is no chat {to}.")
    policy = care.planner.policies.get((identity.channel, identity.account))
    if not identity.pulls and (policy is None or sending.purpose not in policy.carries):
        raise NotAllowed("这个渠道不能发这种消息。", "This channel does not carry such messages.")
    conversation = outbox.conversation_for(session, identity)
    voice, customer = care.planner.voice, {"name": identity.customer(session).name}
    for language, text in sorted(sending.texts.items(), reverse=True):
        said = voice.words.render(text, language, **{**FULL, "customer": customer})
        mark = voice.say("sendings.test_mark", language)
        outbox.post(session, conversation, f"{mark}\n{said}", purpose=Purpose(sending.purpose))
    actor = "command" if agent_id is None else f"agent:{agent_id}"
    record(session, actor, "sending.test", f"sending:{sending.name}")
    return len(sending.texts)


def _address(to: str) -> Address:
    parts = to.split("/", 2)
    if len(parts) != 3:
        raise NotAllowed(
            "请写成 渠道/账号/会话，例如 telegram/shop/12345。",
            "Write it as channel/account/chat, such as telegram/shop/12345.",
        )
    return Address(parts[0], parts[1], parts[2])


def _named(
    session: Session, care: House, name: str, at: datetime
) -> tuple[Journey, Segment, datetime]:
    """The journey or sending with this name, its segment, and until when it would be of use."""
    sending = sending_named(session, name)
    if sending is not None:
        segment = segments.segment(sending.segment, care.planner.voice.words.shop)
        return sending_journey.journey_of(sending), segment, sending.valid_until
    journey = care.book.find(session, [name]).get(name)
    if journey is None:
        raise NotFound(f"没有 {name!r} 这个旅程或群发。", f"There is no journey or sending {name}.")
    return journey, Segment(), at + journey.valid


def _people(
    session: Session, planner: Planner, segment: Segment, wanted: Wanted, at: datetime
) -> Sequence[int]:
    if not wanted.customers:
        zone = planner.voice.words.shop.zone
        return people.members(session, segment, zone, at, 0, LOOKED_AT)
    found = [by_shop_ref(session, one) for one in wanted.customers]
    missing = [one for one, row in zip(wanted.customers, found, strict=True) if row is None]
    if missing:
        names = ", ".join(missing)
        raise NotFound(f"没有这些顾客：{names}", f"There are no such customers: {names}")
    return [row.id for row in found if row is not None and row.id is not None]


def _row(journey: Journey, customer_id: int, at: datetime, until: datetime) -> CareMessage:
    """The care message that there would be; it is never kept."""
    return CareMessage(
        id=customer_id,
        journey=journey.name,
        subject="preview",
        customer_id=customer_id,
        purpose=journey.purpose,
        variant=journey.variant_for(customer_id, 0.0),
        due_at=at,
        valid_until=until,
    )


def _asked(journey: Journey) -> Journey:
    """As if it were on; and no coupons are looked for, which would keep them from others."""
    return journey.model_copy(update={"enabled": True, "paused": False, "pool": ""})


def _verdicts(
    session: Session,
    planner: Planner,
    journey: Journey,
    rows: Sequence[CareMessage],
    at: datetime,
) -> Iterator[tuple[CareMessage, Verdict, Known]]:
    journeys: Mapping[str, Journey] = {journey.name: journey}
    known = reading.read(session, rows, journeys, planner.policies, planner.rules, at)
    for row in rows:
        yield row, planner.verdict(row, journeys, known, at), known


def _reason(row: CareMessage, verdict: Verdict) -> str:
    if verdict.kind != "go":
        return verdict.reason
    return "held out" if row.variant == HELD_OUT else sendings.NOW


def _preview(
    planner: Planner, journey: Journey, row: CareMessage, verdict: Verdict, known: Known
) -> Preview:
    chats = known.chats.get(row.customer_id, ())
    wanted = verdict.chat.id if verdict.chat else next((one.id for one in chats), None)
    chat = next((one for one in chats if one.id == wanted), None)
    coupon = _example()
    language, text = planner.wording.said(row, journey, known, coupon, chat)
    customer = known.customers[row.customer_id]
    channel = chat.channel if chat is not None else ""
    return Preview(
        row.customer_id, customer.name, channel, language, verdict.kind, verdict.reason, text,
        has_example=coupon.code in text,
    )  # fmt: skip


def _example() -> Coupon:
    """A coupon that nobody gets."""
    code, value = FULL["coupon"]["code"], FULL["coupon"]["value"]
    return Coupon(pool="", code=code, value=value, expires_at=now() + timedelta(days=30))


def _about_orders(session: Session, journey: Journey, rows: Sequence[CareMessage]) -> None:
    """What tells of an order tells of each customer's newest."""
    if TRIGGERS.get(journey.trigger) not in (About.ORDER, About.PARCEL):
        return
    for row in rows:
        order = next(iter(orders_of(session, row.customer_id, 1)), None)
        if order is not None and order.id is not None:
            row.order_id = order.id
            parcel = next(iter(parcels_of(session, order.id)), None)
            row.parcel_id = parcel.id if parcel is not None else None


def _different(found: Sequence[Preview], most: int) -> list[Preview]:
    """Those who differ first: one of each sort, then a second of each."""
    sorts: dict[tuple[str, ...], int] = {}
    turns = []
    for place, one in enumerate(found):
        sort = (one.language, one.channel, one.verdict, one.reason)
        sorts[sort] = sorts.get(sort, 0) + 1
        turns.append((sorts[sort], place))
    return [found[place] for _, place in sorted(turns)[:most]]
