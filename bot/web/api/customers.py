"""The agents' API: who the customer of a conversation is, and what to remember about them."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field, StringConstraints, model_validator
from sqlmodel import Session

from bot.core.errors import Language
from bot.customers.consent import MAX_WORDING, in_force
from bot.escalation import consents, remarks
from bot.escalation.remarks import MAX_NOTE
from bot.logistics.parcels import parcel_facts
from bot.shop.orders import order_facts
from bot.web.api.api import Api, do, known, router_of
from bot.web.api.kinds import Body, Filled, Id, Number
from bot.web.problem_route import reader_language
from bot.words.phrases import Voice
from storage.models.consents import Consent, ConsentState
from storage.models.customers import Customer, Identity, identities_of
from storage.models.desk import agent_names, conversations_with, ratings
from storage.models.orders import Order, Parcel, orders_of, parcels_of
from storage.models.profiles import profile_of
from storage.models.remarks import CustomerNote, notes_about, tags_of

FORMER = 20
"""How many of the customer's conversations are listed."""
Reader = Annotated[Language, Depends(reader_language)]
Kept = Annotated[str, StringConstraints(min_length=1, max_length=MAX_NOTE), Filled]
Wording = Annotated[str, StringConstraints(min_length=1, max_length=MAX_WORDING), Filled]


class Remark(Body):
    """Something to remember: words, or what the customer said in a message."""

    text: Kept | None = None
    message: Number | None = Field(default=None, description="A message's `seq`.")

    @model_validator(mode="after")
    def _is_one_thing(self) -> "Remark":
        if (self.text is None) == (self.message is None):
            raise ValueError("give either text or message")
        return self


class RemarkView(BaseModel):
    """Something to remember about a customer."""

    id: int
    text: str
    agent: str
    message: int | None = Field(description="The `seq` of the message in which they said it.")
    created_at: datetime


class Wish(Body):
    """What a customer said about offers."""

    state: Literal["given", "withdrawn"]
    channel: Annotated[str, StringConstraints(pattern="^[a-z_]{0,32}$")] = Field(
        default="", description="Empty: on all channels."
    )
    wording: Wording = Field(description="What they said, or where it stands.")


class ConsentView(BaseModel):
    """What holds for one purpose, on one channel or on all."""

    purpose: str = Field(examples=["marketing", "back_in_stock"])
    channel: str = Field(description="Empty: on all channels.")
    state: str = Field(examples=["given", "asked", "withdrawn"])
    source: str = Field(examples=["chat", "desk", "api", "event", "link"])
    wording: str
    at: datetime


class ChatView(BaseModel):
    """One chat in which the customer is known."""

    channel: str
    account: str
    name: str
    language: str
    linked: bool
    blocked: bool = Field(description="Whether they have blocked the shop there.")
    last_seen_at: datetime


class ParcelView(BaseModel):
    """A parcel, and its latest step in the reader's words."""

    tracking_number: str = Field(description="Empty until it is known.")
    carrier: str
    status: str = Field(examples=["in_transit"])
    status_text: str
    latest: str
    latest_place: str
    latest_at: str
    status_at: datetime | None


class OrderView(BaseModel):
    """An order; `status_text` and `items_text` are in the reader's language."""

    number: str
    status: str = Field(examples=["paid", "unknown"])
    status_text: str
    items_text: str
    items: list[dict[str, Any]]
    amount: Decimal | None
    currency: str
    placed_at: datetime | None
    parcels: list[ParcelView]


class FormerView(BaseModel):
    """A conversation that a person ended."""

    id: int
    handoff_reason: str
    opened_at: datetime
    resolved_at: datetime | None
    rating: int | None
    tags: list[str]


class CardView(BaseModel):
    """Who a customer is."""

    id: int
    shop_ref: str | None = Field(description="The shop's own id.")
    name: str
    language: str
    birthday: date | None
    tags: list[str] = Field(description="What the shop calls them.")
    opted_out_at: datetime | None = Field(description="Since when they want no advertising.")
    consents: list[ConsentView] = Field(description="What holds; the newest first.")
    chats: list[ChatView] = Field(description="The most recently used first.")
    orders: list[OrderView] = Field(description="The five newest.")
    remarks: list[RemarkView]
    conversations: list[FormerView] = Field(description="At most 20, the latest first.")


def routes(api: Api, customers: Any, write: Any) -> APIRouter:
    """`/api/v1/conversations/{id}/customer`, `…/remarks` and `…/consents`"""
    router = router_of("conversations/{conversation_id}")

    @router.get("/customer", summary="See who the customer is")
    async def card(caller: customers, conversation_id: Id, language: Reader) -> CardView:
        """Profile, chats, orders with parcels, remarks, and former conversations."""
        found = await api.db.read(_card, conversation_id, api.voice, language)
        api.saw(caller, conversation_id)
        return found

    @router.post("/remarks", status_code=201, summary="Remember something about the customer")
    async def remember(caller: write, conversation_id: Id, remark: Remark) -> RemarkView:
        """Colleagues see it whenever the customer is back, on any channel."""
        return await api.db.transact(_remember, caller, conversation_id, remark)

    @router.delete("/remarks/{remark_id}", status_code=204, summary="Forget a remark")
    async def forget(caller: write, conversation_id: Id, remark_id: Id) -> None:
        await api.db.transact(do, caller, remarks.forget, conversation_id, remark_id)

    @router.post("/consents", status_code=201, summary="Note what the customer says about offers")
    async def note(caller: write, conversation_id: Id, wish: Wish) -> ConsentView:
        """The ledger keeps every entry; the newest holds."""
        return await api.db.transact(_note, caller, conversation_id, wish)

    return router


def _note(session: Session, key: str, conversation_id: int, wish: Wish) -> ConsentView:
    state = ConsentState(wish.state)
    entry = do(
        session, key, consents.note, conversation_id, state, wish.wording, wish.channel, "api"
    )
    return _consent_view(entry)


def _consent_view(entry: Consent) -> ConsentView:
    return ConsentView(**entry.model_dump(exclude={"id", "customer_id"}))


def _remember(session: Session, key: str, conversation_id: int, remark: Remark) -> RemarkView:
    if remark.message is not None:
        row = do(session, key, remarks.remember_message, conversation_id, remark.message)
    else:
        row = do(session, key, remarks.remember, conversation_id, remark.text or "")
    return _remark_view(agent_names(session), row)


def _card(session: Session, conversation_id: int, voice: Voice, language: Language) -> CardView:
    identity = session.get_one(Identity, known(session, conversation_id).identity_id)
    customer = session.get_one(Customer, identity.customer_id)
    number, names = identity.customer_id, agent_names(session)
    profile = profile_of(session, number)
    return CardView(
        id=number,
        shop_ref=customer.shop_ref,
        name=customer.name or identity.name,
        language=identity.language or customer.language,
        birthday=profile.birthday if profile else None,
        tags=profile.tags if profile else [],
        opted_out_at=customer.opted_out_at,
        consents=[_consent_view(one) for one in in_force(session, number)],
        chats=[_chat_view(one) for one in identities_of(session, number)],
        orders=[_order_view(session, one, voice, language) for one in orders_of(session, number)],
        remarks=[_remark_view(names, one) for one in notes_about(session, number)],
        conversations=_former(session, number),
    )


def _chat_view(one: Identity) -> ChatView:
    return ChatView(
        linked=one.linked_at is not None,
        blocked=one.blocked_at is not None,
        **one.model_dump(include={"channel", "account", "name", "language", "last_seen_at"}),
    )


def _order_view(session: Session, order: Order, voice: Voice, language: str) -> OrderView:
    facts = order_facts(order, language, voice)
    parcels = parcels_of(session, order.id or 0)
    return OrderView(
        status_text=facts["status_text"],
        items_text=facts["items_text"],
        currency=order.currency or voice.words.shop.currency,
        parcels=[_parcel_view(session, one, voice, language) for one in parcels],
        **order.model_dump(include={"number", "status", "items", "amount", "placed_at"}),
    )


def _parcel_view(session: Session, parcel: Parcel, voice: Voice, language: str) -> ParcelView:
    facts = parcel_facts(session, parcel, language, voice)
    return ParcelView(status=parcel.status, status_at=parcel.status_at, **facts)


def _remark_view(names: dict[int, str], row: CustomerNote) -> RemarkView:
    return RemarkView(
        agent=names.get(row.agent_id, ""),
        message=row.message_id,
        **row.model_dump(include={"id", "text", "created_at"}),
    )


def _former(session: Session, customer_id: int) -> list[FormerView]:
    found = conversations_with(session, customer_id, FORMER)
    numbers = [one.id or 0 for one in found]
    stars, tags = ratings(session, numbers), tags_of(session, numbers)
    return [
        FormerView(
            rating=stars.get(one.id or 0),
            tags=tags.get(one.id or 0, []),
            **one.model_dump(include={"id", "handoff_reason", "opened_at", "resolved_at"}),
        )
        for one in found
    ]
