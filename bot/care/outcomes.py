"""Did it work: what became of care messages and what customers did afterwards, by variant."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import sqrt
from typing import Any

from sqlmodel import Session

from bot.core.clock import now
from bot.core.messages import Progress
from storage.models import outcomes
from storage.models.care import CareState
from storage.models.outcomes import Group, Scope

DAYS = 7
"""Within how many days of a message something counts as its effect, where nothing else is said."""
SPAN = timedelta(days=30)
"""How far back reports look, where nothing else is said."""
WAITING = (Progress.QUEUED, Progress.SENDING, Progress.HELD)
_Z = 1.96
"""Standard deviations that hold 95 of 100 cases."""


@dataclass
class Figures:
    """One variant of one journey or sending. All but `arrived` and what follows count messages as
    they are now; those who were held out are never written, and count from the moment they would
    have been. Amounts are by currency."""

    planned: int = 0
    due: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    held_out: int = 0
    written: int = 0
    waiting: int = 0
    delivered: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    uncertain: int = 0
    arrived: int = 0
    open: int = 0
    replied: int = 0
    stopped: int = 0
    bought: int = 0
    orders: int = 0
    revenue: dict[str, Decimal] = field(default_factory=dict)

    def add(self, fate: str, reason: str, count: int) -> None:
        """Count messages with one fate."""
        self.planned += count
        if fate == CareState.DUE:
            self.due += count
        elif fate == CareState.REFUSED:
            self.refused[reason] += count
        elif fate == CareState.HELD_OUT:
            self.held_out += count
        else:
            self.written += count
            self.waiting += count if fate in WAITING else 0
            self.delivered += count if fate == Progress.SENT else 0
            self.uncertain += count if fate == Progress.UNCERTAIN else 0
            if fate == Progress.FAILED:
                self.failed[reason] += count

    def as_dict(self) -> dict[str, Any]:
        """For JSON; amounts as texts, so that no cent is lost."""
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return plain | {
            "refused": dict(self.refused),
            "failed": dict(self.failed),
            "revenue": {currency: str(amount) for currency, amount in self.revenue.items()},
        }


def explained(days: int) -> tuple[str, str]:
    """What the figures mean, in both languages."""
    return (
        f"回复、退订、复购和订单额：送达后 {days} 天内。对照组从本该发送的那一刻算起。",
        f"Replies, stops, buyers and revenue: within {days} days of arriving; of those held out, "
        "of the moment when they would have been written to.",
    )


def scope(
    since: datetime | None = None,
    until: datetime | None = None,
    days: int = DAYS,
    journey: str = "",
    sending_id: int | None = None,
) -> Scope:
    """What was due in a span, the last 30 days where nothing else is said; of a sending, all, also
    what waits."""
    at = now()
    if sending_id is None:
        first, last = at - SPAN, at
    else:
        first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    return Scope(since or first, until or last, days, at, journey, sending_id)


def report(session: Session, which: Scope) -> dict[Group, Figures]:
    """All figures by group: journeys by name, those held out after those who were written to."""
    found: dict[Group, Figures] = {}
    for group, fate, reason, count in outcomes.fates(session, which):
        found.setdefault(group, Figures()).add(fate, reason, count)
    for group, counts in outcomes.effects(session, which):
        for name, count in counts.items():
            setattr(found.setdefault(group, Figures()), name, count)
    for group, currency, orders, amount in outcomes.revenue(session, which):
        figures = found.setdefault(group, Figures())
        figures.orders += orders
        figures.revenue[currency] = amount
    return dict(sorted(found.items(), key=lambda one: _turn(one[0])))


def lift(sent: Figures, held_out: Figures) -> tuple[float, float, float] | None:
    """By how much larger a share bought of those who were written to, and between which bounds it
    truly is, in 95 of 100 cases; None where one side has nobody.

    The bounds are Newcombe's: R. G. Newcombe, Statistics in Medicine 17 (1998) 873, method 10.
    """
    if not sent.arrived or not held_out.arrived:
        return None
    p, low_p, high_p = _wilson(sent.bought, sent.arrived)
    q, low_q, high_q = _wilson(held_out.bought, held_out.arrived)
    below = sqrt((p - low_p) ** 2 + (high_q - q) ** 2)
    above = sqrt((high_p - p) ** 2 + (q - low_q) ** 2)
    return p - q, p - q - below, p - q + above


def compared(found: Mapping[Group, Figures]) -> dict[Group, tuple[float, float, float]]:
    """The lift of each group over all that were held out of its journey or sending."""
    control: dict[tuple[str, int | None], Figures] = {}
    for group, figures in found.items():
        if group.held_out:
            whole = control.setdefault((group.journey, group.sending_id), Figures())
            whole.arrived += figures.arrived
            whole.bought += figures.bought
    lifts = {
        group: lift(figures, control.get((group.journey, group.sending_id), Figures()))
        for group, figures in found.items()
        if not group.held_out
    }
    return {group: found for group, found in lifts.items() if found is not None}


def _wilson(hits: int, of: int) -> tuple[float, float, float]:
    """A share and its bounds by Wilson's score."""
    share, z2 = hits / of, _Z * _Z
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = _Z / (1 + z2 / of) * sqrt(share * (1 - share) / of + z2 / (4 * of * of))
    return share, middle - half, middle + half


def _turn(group: Group) -> tuple[str, int, bool, str]:
    return group.journey, group.sending_id or 0, group.held_out, group.variant
