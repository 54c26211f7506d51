"""What there is of journeys and sendings, as lists for people and programs, and their switches."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

from sqlmodel import Session

from bot.care import outcomes
from bot.care import sendings as many
from bot.care.journeys import Journey
from bot.care.listening import Book
from bot.care.outcomes import Figures
from bot.care.triggers import TRIGGERS
from bot.core.clock import now
from bot.core.errors import NotFound
from bot.core.messages import Progress
from storage.models import outcomes as counted
from storage.models import sendings as rows
from storage.models.audit import record
from storage.models.care import CareState, Sending
from storage.models.care_switches import OFF, ON, PAUSED, switch, switches
from storage.models.outcomes import Group

SHOWN = 100
"""Sendings in a list."""
RECENT = timedelta(days=30)
DEEDS = {"pause": PAUSED, "stop": OFF, "resume": ON}
"""What can be done with a journey, and the state in which it is then."""


@dataclass(frozen=True, slots=True)
class JourneyLine:
    """A journey, and how much it did in 30 days. `switched`: by hand, not by its file."""

    name: str
    state: str
    switched: bool
    trigger: str
    purpose: str
    pool: str
    due: int
    written: int
    refused: int
    held_out: int

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class SendingLine:
    """A sending, and how far it is. `reasons` are those of the refused; `unknown` are messages of
    which nobody knows whether they arrived, by the number of their delivery."""

    id: int
    name: str
    state: str
    purpose: str
    pool: str
    ready: int
    counted: int
    planned: int
    due: int
    written: int
    held_out: int
    refused: int
    reasons: Mapping[str, int] = field(default_factory=dict)
    sent: int = 0
    waiting: int = 0
    failed: int = 0
    uncertain: int = 0
    unknown: tuple[int, ...] = ()

    @property
    def decided(self) -> int:
        """Of how many it is known what became of them."""
        return self.written - self.waiting + self.refused + self.held_out

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ReportLine:
    """What became of one variant, and by how much more bought than of those held out."""

    journey: str
    sending: str
    variant: str
    held_out: bool
    figures: Figures
    lift: tuple[float, float, float] | None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        names = {name: getattr(self, name) for name in ("journey", "sending", "variant")}
        return names | {"held_out": self.held_out, "lift": self.lift, **self.figures.as_dict()}

    def line(self, language: str) -> str:
        """For people."""
        one, zh = self.figures, language == "zh"
        words = (
            ("计划", "送达", "回复", "退订", "复购", "订单额")
            if zh
            else ("planned", "arrived", "replied", "stopped", "bought", "revenue")
        )
        money = " ".join(f"{amount} {currency}" for currency, amount in one.revenue.items()) or "0"
        values = (one.planned, one.arrived, one.replied, one.stopped, one.bought, money)
        numbers = ", ".join(f"{word} {value}" for word, value in zip(words, values, strict=True))
        variant = ("对照组" if zh else "held out") if self.held_out else self.variant
        name = " / ".join(part for part in (self.sending or self.journey, variant) if part)
        return f"{name:<32} {numbers}{self._lift(zh=zh)}"

    def _lift(self, *, zh: bool) -> str:
        if self.lift is None:
            return ""
        value, low, high = (f"{100 * one:+.1f}" for one in self.lift)
        word = "比对照组" if zh else "over those held out"
        return f" | {word} {value} ({low} … {high}) %"


def journeys(session: Session, book: Book) -> list[JourneyLine]:
    """All journeys: news before marketing, each in the order of a purchase's life."""
    found, said = counted.by_journey(session, now() - RECENT), switches(session)
    return [
        JourneyLine(
            one.name,
            PAUSED if one.enabled and one.paused else ON if one.enabled else OFF,
            one.name in said,
            one.trigger,
            one.purpose,
            one.pool,
            *(found.get(one.name, {}).get(state, 0) for state in (
                CareState.DUE, CareState.WRITTEN, CareState.REFUSED, CareState.HELD_OUT
            )),
        )
        for one in sorted(book.find(session, book.journeys).values(), key=_place)
    ]  # fmt: skip


def _place(journey: Journey) -> tuple[bool, int, str]:
    return journey.is_marketing, list(TRIGGERS).index(journey.trigger), journey.name


def turn(session: Session, agent_id: int | None, book: Book, name: str, deed: str) -> str:
    """`pause`, `resume` or `stop` a sending, or else the journey of this name. Returns the state
    that it is in then. Raises `NotFound`, and `NotAllowed` where a sending is not so far."""
    sending = rows.sending_named(session, name)
    if sending is not None and sending.id is not None:
        deeds = {"pause": many.pause, "resume": many.resume, "stop": many.stop}
        deeds[deed](session, agent_id, sending.id)
        return sending.state
    if name not in book.journeys:
        raise NotFound(f"没有 {name!r} 这个旅程或群发。", f"There is no journey or sending {name}.")
    return switch_journey(session, agent_id, name, DEEDS[deed])


def switch_journey(session: Session, agent_id: int | None, name: str, state: str) -> str:
    """Switch a journey on, off or paused; empty: as its file says. Returns `state`."""
    switch(session, name, state, agent_id)
    if state in (ON, ""):
        rows.look_again(session, name)
    actor = "command" if agent_id is None else f"agent:{agent_id}"
    record(session, actor, f"journey.{state or 'file'}", f"journey:{name}")
    return state


def sendings(session: Session) -> list[SendingLine]:
    """The sendings, the newest first."""
    return [sending_line(session, one) for one in rows.sendings(session, SHOWN)]


def sending_line(session: Session, one: Sending) -> SendingLine:
    """How far a sending is."""
    number = one.id or 0
    states, way = rows.by_state(session, number), rows.by_progress(session, number)

    def of(state: str) -> int:
        return sum(count for (found, _), count in states.items() if found == state)

    written, pushed = of(CareState.WRITTEN), sum(way.values())
    waiting = sum(way.get(one, 0) for one in (Progress.QUEUED, Progress.SENDING, Progress.HELD))
    unknown = way.get(Progress.UNCERTAIN, 0)
    listed = counted.uncertain(session, number, SHOWN) if unknown else ()
    return SendingLine(
        number, one.name, one.state, one.purpose, one.pool,
        many.ready(one.counts), sum(one.counts.values()),
        sum(states.values()), of(CareState.DUE), written, of(CareState.HELD_OUT),
        of(CareState.REFUSED),
        {why: count for (state, why), count in states.items() if state == CareState.REFUSED},
        sent=way.get(Progress.SENT, 0) + written - pushed,
        waiting=waiting,
        failed=way.get(Progress.FAILED, 0),
        uncertain=unknown,
        unknown=tuple(row.delivery_id for row in listed),
    )  # fmt: skip


def report(session: Session, name: str, span: int, within: int) -> list[ReportLine]:
    """What became of what was due in the last `span` days, of one journey or sending or of all;
    effects within `within` days. A sending is reported whole. Raises `NotFound` for a sending or a
    journey that never was."""
    sending = rows.sending_named(session, name) if name else None
    number = sending.id if sending is not None else None
    since = None if sending is not None else now() - timedelta(days=span)
    which = outcomes.scope(since, None, within, "" if sending else name, number)
    found = outcomes.report(session, which)
    names = _names(session, found)
    lifts = outcomes.compared(found)
    return [
        ReportLine(
            group.journey, names.get(group.sending_id or 0, ""), group.variant, group.held_out,
            figures, lifts.get(group),
        )
        for group, figures in found.items()
    ]  # fmt: skip


def _names(session: Session, found: Mapping[Group, Figures]) -> dict[int, str]:
    ids = {group.sending_id for group in found if group.sending_id is not None}
    return {one.id or 0: one.name for one in rows.sendings_with(session, ids)}
