"""What happens to orders and parcels becomes care messages, in the same transaction."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session

from bot.care.conditions import Subject, fits, subjects
from bot.care.journeys import Journey
from bot.care.planner import AT_ONCE, Planner
from bot.care.triggers import EVENTS, About, Happening
from bot.core.clock import now
from bot.core.events import Bus, ProductBackInStock
from storage.models import care as rows
from storage.models.care_switches import OFF, PAUSED, switches
from storage.models.orders import Order, Parcel
from storage.models.products import Product
from storage.models.stock_watches import waiting_for


@dataclass(frozen=True, slots=True)
class Book:
    """The journeys of the installation; `holdout` is the share that is held out of marketing."""

    journeys: Mapping[str, Journey]
    holdout: float = 0.0

    def find(self, session: Session, names: Collection[str]) -> dict[str, Journey]:
        """The journeys with these names, on, off or paused as they are just now."""
        said = switches(session) if any(name in self.journeys for name in names) else {}
        known = (self.journeys[name] for name in names if name in self.journeys)
        return {one.name: switched(one, said.get(one.name, "")) for one in known}

    def on(self, session: Session, trigger: str) -> list[Journey]:
        """The journeys that are on and that this sets off."""
        names = [one.name for one in self.journeys.values() if one.trigger == trigger]
        return [one for one in self.find(session, names).values() if one.enabled]


def switched(journey: Journey, state: str) -> Journey:
    """The journey on, off or paused, as somebody said; by its file where nobody did."""
    if not state:
        return journey
    return journey.model_copy(update={"enabled": state != OFF, "paused": state == PAUSED})


@dataclass(frozen=True, slots=True)
class Listener:
    """Plans what events set off, and tells news at once where nothing is against it."""

    book: Book
    planner: Planner

    def register(self, bus: Bus) -> None:
        """Listen to everything that may set a journey off."""
        for event, read in EVENTS:
            bus.on(event, partial(self._hear, read))
        bus.on(ProductBackInStock, self._is_back)

    def _is_back(self, session: Session, event: ProductBackInStock) -> None:
        """Whoever asked to be told of a product is told; their wish is for one message."""
        product, at = session.get_one(Product, event.product_id), now()
        is_on = self.book.on(session, "back_in_stock")
        wishes = waiting_for(session, event.product_id) if is_on else []
        for wish in wishes:
            wish.told_at = at
        self.happened(
            session,
            Happening(
                "back_in_stock",
                customers=[wish.customer_id for wish in wishes],
                subject=f"{About.PRODUCT}:{product.sku}/{at.isoformat()}",
                facts={"sku": product.sku},
                at=at,
            ),
        )

    def _hear(self, read: Callable[[Any], Happening], session: Session, event: Any) -> None:
        self.happened(session, read(event))

    def happened(self, session: Session, what: Happening) -> None:
        """Plan the journeys of a happening, and decide at once about those without delay."""
        journeys = self.book.on(session, what.trigger)
        if not journeys:
            return
        session.flush()  # the facts are read from the tables
        order, parcel = _order_and_parcel(session, what)
        moment = what.at or _moment(what, order, parcel)
        customers = _customers(what, order)
        if moment is None or not customers:
            return
        subject = _subject(what)
        planned = []
        for customer in subjects(session, customers, self.planner.rules.zone).values():
            for journey in journeys:
                if fits(journey.when, customer, order):
                    row = planned_row(journey, subject, customer, moment, self.book.holdout)
                    row |= {"order_id": order.id if order else None, "parcel_id": what.parcel_id}
                    planned.append(row | {"facts": dict(what.facts)})
        self._plan(session, journeys, [one for one in planned if one["valid_until"] >= now()])

    def _plan(
        self, session: Session, journeys: Sequence[Journey], planned: list[dict[str, Any]]
    ) -> None:
        rows.plan(session, planned)
        immediate = {one.name for one in journeys if one.is_immediate}
        keys = [
            (one["journey"], one["subject"], one["customer_id"])
            for one in planned
            if one["journey"] in immediate
        ]
        is_few = 0 < len(keys) <= AT_ONCE  # what concerns very many is left to the next minute
        due = rows.due_of(session, keys) if is_few else []
        if due:
            self.planner.decide(session, due, now())


def planned_row(
    journey: Journey, subject: str, customer: Subject, moment: datetime, holdout: float
) -> dict[str, Any]:
    """The care message that something sets off which happened at `moment`."""
    due_at = due(journey, moment, customer.zone)
    return {
        "journey": journey.name,
        "subject": subject,
        "customer_id": customer.id,
        "purpose": journey.purpose,
        "priority": journey.priority,
        "variant": journey.variant_for(customer.id, holdout),
        "due_at": due_at,
        "valid_until": due_at + journey.valid,
    }


def due(journey: Journey, moment: datetime, zone: ZoneInfo) -> datetime:
    """When a journey is due: its delay after `moment`, then at its hour by the customer's clock."""
    after = moment.astimezone(UTC) + journey.delay
    if journey.at is None:
        return after
    day = after.astimezone(zone).date()
    for days in (0, 1, 2):
        on_day = datetime.combine(day + timedelta(days=days), journey.at, tzinfo=zone)
        found = on_day.astimezone(UTC)
        if found >= after:
            return found
    raise AssertionError("every clock shows every hour within two days")


def _order_and_parcel(session: Session, what: Happening) -> tuple[Order | None, Parcel | None]:
    parcel = session.get(Parcel, what.parcel_id) if what.parcel_id else None
    order_id = what.order_id or (parcel.order_id if parcel else None)
    return (session.get(Order, order_id) if order_id else None), parcel


def _moment(what: Happening, order: Order | None, parcel: Parcel | None) -> datetime | None:
    """When the order or the parcel came to its present status."""
    if what.parcel_id is not None:
        return parcel.status_at if parcel else None
    return order.status_at if order else now()


def _customers(what: Happening, order: Order | None) -> Sequence[int]:
    if what.customers:
        return what.customers
    return [order.customer_id] if order is not None and order.customer_id is not None else []


def _subject(what: Happening) -> str:
    if what.subject:
        return what.subject
    is_parcel = what.parcel_id is not None
    return f"{About.PARCEL}:{what.parcel_id}" if is_parcel else f"{About.ORDER}:{what.order_id}"
