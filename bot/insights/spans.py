"""Which days a report is about, in the shop's time zone, and which it is compared with."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from storage.models.reports import Scope

DAYS = (1, 7, 30, 90)
"""The spans that are offered; each ends today."""
USUAL = 7
LONGEST = 366
"""Days in a report, at most."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants a report of; it is what the address of a page says.

    `days` is one of `DAYS`, 0 where `first` and `last` were chosen.
    """

    first: date
    last: date
    days: int = 0
    channel: str = ""
    agent_id: int | None = None

    @classmethod
    def read(cls, query: Mapping[str, str], today: date) -> "Wish":
        """What an address asks for; whatever cannot be means the usual."""
        channel, agent = query.get("channel", "")[:40], query.get("agent", "")
        agent_id = int(agent) if agent.isascii() and agent.isdecimal() and len(agent) < 10 else None
        first, last = _date(query.get("from", "")), _date(query.get("to", ""))
        if first and last:
            first, last = min(first, last), min(max(first, last), today)
            first = max(min(first, last), last - (LONGEST - 1) * _DAY)
            length = (last - first).days + 1
            is_usual = last == today and length in DAYS
            return cls(first, last, length if is_usual else 0, channel, agent_id)
        wanted = query.get("days", "")
        days = next((one for one in DAYS if str(one) == wanted), USUAL)
        return cls(today - (days - 1) * _DAY, today, days, channel, agent_id)

    @property
    def query(self) -> dict[str, str]:
        """The wish as an address says it."""
        span = (
            {"days": str(self.days)}
            if self.days
            else {"from": self.first.isoformat(), "to": self.last.isoformat()}
        )
        channel = {"channel": self.channel} if self.channel else {}
        agent = {"agent": str(self.agent_id)} if self.agent_id is not None else {}
        return span | channel | agent

    @property
    def before(self) -> "Wish":
        """The same number of days just before."""
        length = (self.last - self.first) + _DAY
        return replace(self, first=self.first - length, last=self.first - _DAY, days=0)

    @property
    def dates(self) -> list[date]:
        """Every day of it."""
        return [self.first + number * _DAY for number in range((self.last - self.first).days + 1)]

    def scope(self, zone: ZoneInfo) -> Scope:
        """The same for the tables: where the clocks are moved a day has 23 or 25 hours."""
        begin, end = midnight(self.first, zone), midnight(self.last + _DAY, zone)
        return Scope(self.first, self.last, begin, end, self.channel, self.agent_id)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """When a day begins in `zone`; in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def _date(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 2000 <= found.year <= 2200 else None
