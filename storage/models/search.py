"""Finds messages, notes and customers: the newest first, and soon, however many there are.

The index is read backwards, in stretches of ids that grow: so a common word costs no more than
the first stretch, and a rare one little more than its hits. PostgreSQL could not stop early by
itself: GIN gives all hits, and to sort a fifth of a million takes longer than an agent waits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

from sqlmodel import Session, col, select

from bot.core.searching import Query
from storage.models.conversations import Conversation, Message, Note, latest_conversation
from storage.models.customers import Customer, Identity, identities_of
from storage.models.orders import Order, order_by_number, parcel_by_tracking
from storage.models.search_engines import Filters, Stretch, first_stretch, newest_ids
from storage.models.search_index import BLOCK, Shelf, newest

PAGE = 50
PATIENCE = 0.12
"""Seconds after which a search ends with what it has, and tells where to go on."""
PEOPLE = 5
"""Most customers who are found by a name or a number."""
PHONE_END = 4
"""How many of the last digits of a phone number are enough to find it."""

Entry = tuple[Conversation, Identity, Customer]


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a search goes on: below these ids."""

    message: int
    note: int

    def __str__(self) -> str:
        return f"{self.message}-{self.note}"

    @classmethod
    def read(cls, told: str) -> "Cursor":
        """The cursor that was told as this text. Raises `ValueError`."""
        message, note = told.split("-")
        return cls(int(message), int(note))

    def within(self, end: "Cursor") -> "Cursor":
        """The same, or `end` where there is nothing beyond it."""
        return Cursor(min(self.message, end.message), min(self.note, end.note))


@dataclass(frozen=True, slots=True)
class Hit:
    """A message or note with all that was asked for, and whose it is."""

    said: Message | Note
    conversation: Conversation
    identity: Identity
    customer: Customer


@dataclass(frozen=True, slots=True)
class Found:
    """The newest hits first. `next` is where older ones are looked for; None: these were all."""

    hits: tuple[Hit, ...]
    next: Cursor | None


def search(
    session: Session,
    query: Query,
    filters: Filters | None = None,
    before: Cursor | None = None,
    limit: int = PAGE,
) -> Found:
    """Messages and notes with all that `query` asks for, at most `limit`, the newest first.

    It takes little more than `PATIENCE` seconds: where filters sort nearly all out that has the
    words, fewer than `limit` may come although there is a `next`.
    """
    if not query:
        return Found((), None)
    end = Cursor(newest(session, Shelf.MESSAGE) + 1, newest(session, Shelf.NOTE) + 1)
    before = (before or end).within(end)
    walk = _Walk(session, query, filters or Filters(), limit + 1, monotonic() + PATIENCE)
    notes, note = walk.back(Shelf.NOTE, before.note)
    messages, message = walk.back(Shelf.MESSAGE, before.message)
    hits = sorted([*messages, *notes], key=lambda hit: hit.said.created_at, reverse=True)[:limit]
    note = _reached(notes, hits, before.note, note)
    message = _reached(messages, hits, before.message, message)
    is_all = max(message, note) <= 1
    return Found(tuple(hits), None if is_all else Cursor(message, note))


def people(session: Session, asked: str) -> list[Entry]:
    """The latest conversations of the customers whose order, parcel, phone or name is `asked`."""
    found = _customers(session, asked.strip())
    entries = []
    for customer in found[:PEOPLE]:
        assert customer.id is not None
        for identity in identities_of(session, customer.id):
            latest = latest_conversation(session, identity.id or 0)
            if latest is not None:
                entries.append((latest, identity, customer))
    return entries


def _reached(found: Sequence[Hit], shown: Sequence[Hit], below: int, reached: int) -> int:
    """Below which id a shelf goes on: not all that was found on it may be shown."""
    ids = [hit.said.id or 0 for hit in found if hit in shown]
    return reached if len(ids) == len(found) else min(ids, default=below)


@dataclass(frozen=True, slots=True)
class _Walk:
    """A way back through the shelves, until `limit` hits or the moment `until`."""

    session: Session
    query: Query
    filters: Filters
    limit: int
    until: float

    def back(self, shelf: Shelf, below: int) -> tuple[list[Hit], int]:
        """The newest hits below an id, and the id down to which all are found (1: to the end)."""
        hits: list[Hit] = []
        size = first_stretch(self.session, self.filters)
        while below > 1:
            low = max(1, (below - 1) // BLOCK * BLOCK - size)
            wanted = self.limit - len(hits)
            stretch = Stretch(shelf, low, below)
            ids = newest_ids(self.session, stretch, self.query, self.filters, wanted)
            hits += self._met(shelf, ids)
            below = ids[-1] if len(ids) == wanted else low
            if len(hits) >= self.limit or monotonic() > self.until:
                break
            size = 2 * size + BLOCK
        return hits, below

    def _met(self, shelf: Shelf, ids: Sequence[int]) -> list[Hit]:
        """The hits with these ids, the newest first, but what says something else by now."""
        if not ids:
            return []
        hits = (Hit(*row) for row in self.session.exec(_with_chats(shelf, ids)))
        return [hit for hit in hits if self.query.meets(hit.said.text)]


def _with_chats(shelf: Shelf, ids: Sequence[int]) -> Any:
    said = Message if shelf == Shelf.MESSAGE else Note
    return (
        select(said, Conversation, Identity, Customer)
        .join(Conversation, col(Conversation.id) == said.conversation_id)
        .join(Identity, col(Identity.id) == Conversation.identity_id)
        .join(Customer, col(Customer.id) == Identity.customer_id)
        .where(col(said.id).in_(ids))
        .order_by(col(said.id).desc())
    )


def _customers(session: Session, asked: str) -> list[Customer]:
    """Each once, those with the order first."""
    found = [_buyer(session, number) for number in dict.fromkeys((asked, asked.upper()))]
    digits = "".join(asked.split()).replace("-", "").removeprefix("+")
    if digits.isascii() and digits.isdecimal() and len(digits) >= PHONE_END:
        found += session.exec(_newest_first(col(Customer.phone).endswith(digits)))
    names = {asked, asked.lower(), asked.title()} - {""}
    found += session.exec(_newest_first(col(Customer.name).in_(names)))
    return list({one.id: one for one in found if one is not None}.values())


def _newest_first(condition: Any) -> Any:
    return select(Customer).where(condition).order_by(col(Customer.id).desc()).limit(PEOPLE)


def _buyer(session: Session, number: str) -> Customer | None:
    """Who ordered what has this order or tracking number."""
    order = order_by_number(session, number)
    parcel = parcel_by_tracking(session, number) if order is None else None
    if parcel is not None and parcel.order_id is not None:
        order = session.get(Order, parcel.order_id)
    if order is None or order.customer_id is None:
        return None
    return session.get(Customer, order.customer_id)
