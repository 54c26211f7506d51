"""The right column: who the customer is, what to remember about them, and what they bought."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from nicegui.element import Element

from bot.core.messages import State
from bot.desk.elements import SureButton, box, button, line_input, text
from bot.desk.sight import Card, FormerLine, NoteLine, OrderLine, ParcelLine, Thread
from bot.desk.texts import Texts

T = TypeVar("T")
SNOOZES = ("hour", "evening", "tomorrow", "monday")
"""Until when a conversation can be put off; `bot.desk.screen.snoozed_until` says what they are."""


@dataclass(frozen=True, slots=True)
class CardDeeds:
    """What an agent can do from the card; False: it was refused.

    `wake` takes up what was put off; `agreed` and `declined` note what the
    customer said about offers.
    """

    link: Callable[[str], Awaitable[bool]]
    unlink: Callable[[], Awaitable[bool]]
    tag: Callable[[str], Awaitable[bool]]
    untag: Callable[[str], Awaitable[bool]]
    remember: Callable[[str], Awaitable[bool]]
    forget: Callable[[int], Awaitable[bool]]
    agreed: Callable[[str], Awaitable[bool]]
    declined: Callable[[str], Awaitable[bool]]
    snooze: Callable[[str], Awaitable[None]]
    wake: Callable[[], Awaitable[bool]]
    select: Callable[[int], Awaitable[None]]


class Part(Generic[T]):
    """A part of the card that is drawn anew only when what it shows has changed."""

    def __init__(self, draw: Callable[[T], None], classes: str = "") -> None:
        self._draw = draw
        self._box = box(classes)
        self._shown: T | None = None

    def show(self, state: T) -> None:
        """Show `state`."""
        if state == self._shown:
            return
        self._shown = state
        self._box.clear()
        with self._box:
            self._draw(state)


class CardColumn:
    """The customer's card. What an agent is writing there outlives what changes around it."""

    def __init__(self, texts: Texts, deeds: CardDeeds, usual_tags: Sequence[str]) -> None:
        self._texts = texts
        self._deeds = deeds
        self._column: Element = box("d-card", "aside")
        self._column.props["aria-label"] = texts("customer")
        with self._column:
            self._whole = box("d-whole")
        with self._whole:
            self._person = Part(self._draw_person)
            self._later = Part(self._draw_later, "d-later")
            text(texts("tags"), "d-heading", "h2")
            self._tags = Part(self._draw_tags, "d-tags")
            line_input(texts("add_tag"), "d-serving", deeds.tag).props("maxlength=30 list=d-usual")
            self._usual(usual_tags)
            text(texts("remember_title"), "d-heading", "h2")
            self._notes = Part(self._draw_notes)
            line_input(texts("remember_hint"), "d-serving", deeds.remember).props("maxlength=1000")
            self._orders = Part(self._draw_orders)
            self._former = Part(self._draw_former)

    def show(self, thread: Thread | None) -> None:
        """Show the card of the opened conversation, or nothing."""
        self._whole.set_visibility(thread is not None)
        if thread is None:
            return
        card = thread.card
        self._person.show(card)
        self._later.show((thread.state == State.OPEN and thread.mine, thread.snoozed))
        self._tags.show(thread.tags)
        self._notes.show(card.notes)
        self._orders.show(card.orders)
        self._former.show(card.former)

    def _draw_person(self, card: Card) -> None:
        texts = self._texts
        text(card.name, "d-title", "h2")
        if card.linked_by:
            text(texts("linked_by", name=card.linked_by), "d-vouched")
        elif card.linked:
            text(texts("linked"), "d-linked")
        else:
            text(texts("not_linked"), "d-loose")
        facts = {
            "channel": [card.channel],
            "language": [card.language],
            "birthday": [card.birthday],
            "shop_tags": [" · ".join(card.shop_tags)],
            "opted_out": [card.opted_out],
            "consents": card.consents,
            "elsewhere": card.elsewhere,
        }
        with box("d-facts", "dl"):
            for key, values in facts.items():
                self._fact(texts(key), [one for one in values if one])
        with box("d-fold d-serving", "details"):
            text(texts("consent_change"), tag="summary")
            line_input(texts("consent_agreed"), "", self._deeds.agreed).props("maxlength=500")
            line_input(texts("consent_declined"), "", self._deeds.declined).props("maxlength=500")
        if card.linked or card.elsewhere:
            SureButton("d-quiet d-serving", self._deeds.unlink).show(
                texts("unlink"), texts("unlink_sure")
            )
        if not card.linked:
            line_input(texts("link"), "d-serving", self._deeds.link).props("maxlength=64")

    def _fact(self, name: str, values: Sequence[str]) -> None:
        if values:
            text(name, tag="dt")
            with box("", "dd"):
                for value in values:
                    text(value)

    def _draw_later(self, state: tuple[bool, str]) -> None:
        """Ways to put the agent's own conversation off, or to take it up again."""
        is_mine, until = state
        if not is_mine:
            return
        texts = self._texts
        if until:
            text(texts("snoozed_until", at=until), "d-small")
            button(texts("wake"), "d-quiet d-serving", self._deeds.wake)
            return
        with box("d-fold d-serving", "details"):
            text(texts("snooze"), tag="summary")
            with box("d-choices"):
                for one in SNOOZES:
                    wait = partial(self._deeds.snooze, one)
                    button(texts(f"snooze_{one}"), "d-quiet d-small-button", wait)

    def _draw_tags(self, tags: tuple[str, ...]) -> None:
        for tag in tags:
            with box("d-tag", "span"):
                text(tag, tag="span")
                away = button("×", "d-away d-serving", partial(self._deeds.untag, tag))
                away.props["aria-label"] = self._texts("untag", tag=tag)

    def _usual(self, tags: Sequence[str]) -> None:
        """What the field for tags proposes."""
        with box("", "datalist").props("id=d-usual"):
            for tag in tags:
                text(tag, tag="option")

    def _draw_notes(self, notes: tuple[NoteLine, ...]) -> None:
        for note in notes:
            with box("d-remark"):
                text(note.text, "d-pre")
                with box("d-remark-foot"):
                    text(note.author, "d-small", "span")
                    forget = SureButton("d-away d-serving", partial(self._deeds.forget, note.id))
                    forget.show("×", self._texts("forget_sure"))
                    forget.element.props["aria-label"] = self._texts("forget")

    def _draw_orders(self, orders: tuple[OrderLine, ...]) -> None:
        text(self._texts("orders"), "d-heading", "h2")
        for order in orders:
            self._order(order)
        if not orders:
            text(self._texts("no_orders"), "d-empty")

    def _draw_former(self, former: tuple[FormerLine, ...]) -> None:
        if former:
            text(self._texts("former"), "d-heading", "h2")
        for one in former:
            row = box("d-row d-former", "button").props("type=button")
            row.on("click", lambda _, number=one.id: self._deeds.select(number))
            with row:
                text(" · ".join(part for part in (one.at, one.why) if part), "d-small", "span")
                text(one.stars, "d-stars", "span")
                if one.tags:
                    text(" ".join(f"#{tag}" for tag in one.tags), "d-where", "span")

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
