"""Whether a care message may be written now: one pure function over facts, and its rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from bot.care_settings import Care, Consenting
from bot.core.messages import Purpose
from storage.models.care import NO_CHAT

DAY, WEEK = timedelta(days=1), timedelta(days=7)
LOOK_AGAIN = timedelta(hours=1)
"""How soon it is asked again where nobody knows when the answer will change."""
TALKING = timedelta(minutes=30)
"""So long after a customer's own words there is no marketing: they came for something else."""
NO_CHAT_AGAIN = timedelta(hours=6)
"""The same for customers of whom no chat is known."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the shop has set. `zone` is its own; caps of 0 allow no marketing at all."""

    zone: ZoneInfo
    quiet: tuple[time, time] | None = (time(21, 30), time(8, 30))
    marketing: Consenting = "opt_in"
    by_channel: Mapping[str, Consenting] = field(default_factory=dict)
    per_day: int = 1
    per_week: int = 2
    unhappy_for: timedelta = timedelta(days=14)

    @classmethod
    def of(cls, care: Care, zone: ZoneInfo) -> "Rules":
        """The rules as the configuration has them."""
        return cls(
            zone,
            care.quiet,
            care.marketing,
            care.marketing_by_channel,
            care.marketing_per_day,
            care.marketing_per_week,
            timedelta(days=care.unhappy_days),
        )


@dataclass(frozen=True, slots=True)
class Agreed:
    """The newest entry of the ledger for one purpose and channel (empty: all); `turn` orders."""

    purpose: str
    channel: str
    state: str
    turn: int = 0


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat of the customer's. `carries` are the purposes that may be sent there at all.

    `is_open`: the platform lets the bot write just now; `has_route`: there is another permitted
    way for news besides. `is_known`: it was proved to be theirs. `spoke_at`: when they wrote last.
    """

    id: int
    channel: str
    carries: frozenset[Purpose] = frozenset(Purpose)
    is_open: bool = True
    has_route: bool = False
    is_known: bool = True
    is_blocked: bool = False
    spoke_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """All that decides about one message.

    `chats`: the most recently used first. `sent`: when this customer was written marketing within
    a week. `overtaken` is why it is no longer true, `off` why its journey rests or is over.
    `is_private`: it tells of an order, so only chats that were proved to be theirs will do.
    `is_calm`: not while the customer has a reason to be cross. `lacks_coupon`: its pool is empty.
    """

    purpose: Purpose
    valid_until: datetime
    zone: ZoneInfo
    chats: Sequence[Chat] = ()
    consents: Sequence[Agreed] = ()
    sent: Sequence[datetime] = ()
    channels: Sequence[str] = ()
    is_blocked: bool = False
    is_opted_out: bool = False
    is_with_person: bool = False
    is_unhappy: bool = False
    is_in_trouble: bool = False
    is_private: bool = False
    is_calm: bool = False
    lacks_coupon: bool = False
    overtaken: str = ""
    off: str = ""
    is_paused: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """`go` to a chat, `wait` until a moment, or `no` for good; `reason` says why not."""

    kind: Literal["go", "wait", "no"]
    reason: str = ""
    until: datetime | None = None
    chat: Chat | None = None


def judge(case: Case, rules: Rules, at: datetime) -> Verdict:
    """Whether the message may be written at this moment, and into which chat."""
    reason = _never(case, at)
    if reason:
        return Verdict("no", reason)
    allowed, reason = _allowed(case, rules)
    if not allowed:
        until = at + (LOOK_AGAIN if reason == "route" else NO_CHAT_AGAIN)
        return Verdict("no", reason) if reason != NO_CHAT else Verdict("wait", reason, until)
    chat = _best(case, allowed)
    wait = _not_now(case, rules, at, chat)
    return wait or Verdict("go", chat=chat)


def judge_claim(case: Case, rules: Rules, at: datetime, chat_id: int) -> Verdict:
    """The same at the moment when a written message would leave for the chat it was written to.

    The caps and the coupon were asked when it was written; the window is the delivery's own.
    """
    reason = _never(case, at)
    if reason:
        return Verdict("no", reason)
    allowed, reason = _allowed(case, rules)
    chat = next((one for one in allowed if one.id == chat_id), None)
    if chat is None:
        return Verdict("no", reason or "another's chat")
    wait = _rest(case, at) or _quiet_verdict(case, rules, at)
    return wait or Verdict("go", chat=chat)


def consents_to(case: Case, channel: str, rules: Rules) -> bool:
    """Whether the customer agreed to messages of this purpose on this channel.

    Who wants no news of orders still gets the one message that they wished for.
    """
    if case.purpose != Purpose.MARKETING and not case.is_private:
        return True
    entries = [
        one for one in case.consents if one.purpose == case.purpose and one.channel in ("", channel)
    ]
    if entries:
        return max(entries, key=lambda one: one.turn).state == "given"
    if case.purpose != Purpose.MARKETING:
        return True
    return rules.by_channel.get(channel, rules.marketing) == "opt_out"


def quiet_until(quiet: tuple[time, time] | None, zone: ZoneInfo, at: datetime) -> datetime | None:
    """When the quiet hours end in which the moment lies by the clocks of `zone`; None: it is
    outside of them."""
    if quiet is None:
        return None
    local, (begin, end) = at.astimezone(zone), quiet
    clock = local.time().replace(tzinfo=None)
    inside = begin <= clock < end if begin < end else clock >= begin or clock < end
    if not inside:
        return None
    day = local.date() + (DAY if clock >= end else timedelta(0))
    until = datetime.combine(day, end, tzinfo=zone).astimezone(at.tzinfo)
    return until if until > at else at + LOOK_AGAIN  # the hour that clocks show twice


def _never(case: Case, at: datetime) -> str:
    """Why it may never be written; empty when it may."""
    if case.off:
        return case.off
    if at > case.valid_until:
        return "expired"
    if case.is_blocked:
        return "blocked"
    if case.purpose == Purpose.MARKETING and case.is_opted_out:
        return "opted out"
    return case.overtaken


def _allowed(case: Case, rules: Rules) -> tuple[list[Chat], str]:
    """The chats that it may go to, or why there is none."""
    chats = [one for one in case.chats if one.is_known or not case.is_private]
    chats = [one for one in chats if not one.is_blocked]
    if not chats:
        return [], NO_CHAT
    chats = [one for one in chats if case.purpose in one.carries]
    if not chats:
        return [], "route"
    chats = [one for one in chats if consents_to(case, one.channel, rules)]
    return chats, "" if chats else "no consent"


def _best(case: Case, chats: Sequence[Chat]) -> Chat:
    """The chat with the best chance: the journey's channels first, open before shut, then the one
    that was used last. Marketing goes where it can go now, if anywhere."""
    ranks = {channel: rank for rank, channel in enumerate(case.channels)}

    def turn(chat: Chat) -> tuple[bool, int, bool, bool]:
        is_shut = case.purpose == Purpose.MARKETING and not chat.is_open
        preferred = ranks.get(chat.channel, len(ranks))
        return is_shut, preferred, not chat.is_open, not chat.has_route

    return min(chats, key=turn)


def _not_now(case: Case, rules: Rules, at: datetime, chat: Chat) -> Verdict | None:
    return (
        _rest(case, at)
        or _quiet_verdict(case, rules, at)
        or _coupon(case, at)
        or _capped(case, rules, at)
        or _shut(case, at, chat)
    )


def _rest(case: Case, at: datetime) -> Verdict | None:
    if case.is_paused:
        return Verdict("wait", "paused", at + LOOK_AGAIN)
    if case.purpose != Purpose.MARKETING and not case.is_calm:
        return None
    reasons = {
        "with a person": case.is_with_person,
        "unhappy": case.is_unhappy,
        "parcel in trouble": case.is_in_trouble,
    }
    reason = next((name for name, is_so in reasons.items() if is_so), "")
    return Verdict("wait", reason, at + LOOK_AGAIN) if reason else None


def _quiet_verdict(case: Case, rules: Rules, at: datetime) -> Verdict | None:
    until = quiet_until(rules.quiet, case.zone, at)
    return Verdict("wait", "quiet hours", until) if until is not None else None


def _coupon(case: Case, at: datetime) -> Verdict | None:
    return Verdict("wait", "no coupon", at + LOOK_AGAIN) if case.lacks_coupon else None


def _capped(case: Case, rules: Rules, at: datetime) -> Verdict | None:
    if case.purpose != Purpose.MARKETING:
        return None
    for most, span in ((rules.per_week, WEEK), (rules.per_day, DAY)):
        recent = sorted(moment for moment in case.sent if moment > at - span)
        if len(recent) >= most:
            until = recent[len(recent) - most] + span if most else case.valid_until + LOOK_AGAIN
            return Verdict("wait", "cap", max(until, at + timedelta(minutes=1)))
    return None


def _shut(case: Case, at: datetime, chat: Chat) -> Verdict | None:
    """Marketing waits for a window here, so that nobody who writes is advertised to at once."""
    if case.purpose != Purpose.MARKETING:
        return None
    if not chat.is_open:
        return Verdict("wait", "window", at + LOOK_AGAIN)
    if chat.spoke_at is not None and at - TALKING < chat.spoke_at:
        return Verdict("wait", "talking", max(chat.spoke_at, at) + TALKING)
    return None
