"""The right column: who the customer is, and what they bought."""

from collections.abc import Awaitable, Callable

from nicegui.element import Element

from bot.desk.elements import SureButton, box, text
from bot.desk.sight import Card, OrderLine, ParcelLine
from bot.desk.texts import Texts


class CardColumn:
    """The customer's card; it is drawn anew only when something on it changed."""

    def __init__(self, texts: Texts, unlink: Callable[[], Awaitable[None]]) -> None:
        self._texts = texts
        self._unlink = unlink
        self._card: Card | None = None
        self._column: Element = box("d-card", "aside")
        self._column.props["aria-label"] = texts("customer")

    def show(self, card: Card | None) -> None:
        """Show `card`, or nothing."""
        if card == self._card:
            return
        self._card = card
        self._column.clear()
        if card is not None:
            with self._column:
                self._person(card)
                text(self._texts("orders"), "d-heading", "h2")
                for order in card.orders:
                    self._order(order)
                if not card.orders:
                    text(self._texts("no_orders"), "d-empty")

    def _person(self, card: Card) -> None:
        texts = self._texts
        text(card.name, "d-title", "h2")
        text(texts("linked"), "d-linked") if card.linked else text(texts("not_linked"), "d-loose")
        with box("d-facts", "dl"):
            for key, value in (("channel", card.channel), ("language", card.language)):
                if value:
                    text(texts(key), tag="dt")
                    text(value, tag="dd")
            if card.elsewhere:
                text(texts("elsewhere"), tag="dt")
                with box("", "dd"):
                    for chat in card.elsewhere:
                        text(chat)
        if card.linked or card.elsewhere:
            SureButton("d-quiet", self._unlink).show(texts("unlink"), texts("unlink_sure"))

    def _order(self, order: OrderLine) -> None:
        with box("d-order", "section"):
            with box("d-order-head"):
                text(order.number, "d-number", "span")
                text(order.status, "d-status", "span")
            for line in (order.items, order.paid):
                if line:
                    text(line, "d-small")
            for parcel in order.parcels:
                self._parcel(parcel)

    def _parcel(self, parcel: ParcelLine) -> None:
        with box("d-parcel"):
            text(parcel.status or self._texts("parcel"), "d-status")
            for line in (parcel.heading, parcel.latest):
                if line:
                    text(line, "d-small")
