"""A report as tables of words and numbers: what the numbers page shows and its exports hold."""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from io import StringIO

from babel.dates import format_date

from bot.answering.tables import neutral
from bot.core.messages import Author
from bot.desk.texts import Texts
from bot.insights.counting import Outcome
from bot.insights.report import Headline, Report, share
from storage.models.reports import Spread

HOURS = range(24)
AUTHORS = (Author.CUSTOMER, Author.BOT, Author.AGENT)
TARGETS = ("first", "next", "resolution")
_LOCALES = {"zh": "zh_Hans_CN", "en": "en_GB"}
_UNITS = ((60, 1, "seconds"), (3600, 60, "minutes"), (172800, 3600, "hours"))
"""Up to how many seconds a span is told in which unit of so many seconds."""
Title = Callable[[str], str]
"""Gives an FAQ entry's title by its id."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table by the name `key`; its cells are as people read them."""

    key: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Say:
    """The words of the numbers page in one language: `say("now")` gives the text `numbers.now`."""

    def __init__(self, texts: Texts) -> None:
        self.texts = texts
        self.language = texts.language

    def __call__(self, key: str, **values: object) -> str:
        return self.texts.voice.say(f"numbers.{key}", self.language, **values)

    def known(self, key: str, otherwise: str) -> str:
        """The text, or `otherwise` where nobody has written one."""
        try:
            return self(key)
        except KeyError:
            return otherwise

    def channel(self, name: str) -> str:
        """What a channel is called."""
        return self.texts.known(f"channel_{name}", name)

    def day(self, day: date) -> str:
        """A day, short: 6月3日, 3 Jun."""
        pattern = "M月d日" if self.language == "zh" else "d MMM"
        return str(format_date(day, pattern, locale=_LOCALES[self.language]))

    def span(self, seconds: float | None) -> str:
        """About how long: 45 s, 12 min, 3.4 h, 2.1 days; a dash for nothing."""
        if seconds is None:
            return self("none")
        for limit, unit, key in _UNITS:
            if seconds < limit:
                return self(key, count=_plain(seconds / unit, whole=unit < 3600))
        return self("days", count=_plain(seconds / 86400))

    def percent(self, part: float | None) -> str:
        """A share: 61%."""
        return self("none") if part is None else f"{100 * part:.0f}%"

    def average(self, value: float | None) -> str:
        """A rating: 4.36."""
        return self("none") if value is None else f"{value:.2f}"


def _plain(value: float, *, whole: bool = False) -> str:
    """A number without needless digits."""
    return str(round(value)) if whole else f"{value:.1f}".removesuffix(".0")


def tables(report: Report, say: Say, title: Title, names: Mapping[int, str]) -> list[Table]:
    """All tables of a report; `names` are the agents' names."""
    now, before = report.now, report.before
    return [
        _outcomes(report, say),
        _days(report, say),
        _messages(report, say),
        _hours("hours", report.visits_by_hour, say),
        _hours("message_hours", report.messages_by_hour, say),
        _handoffs(report, say),
        _times(now, before, say),
        _targets(now, before, say),
        _ratings(now, before, say),
        _agents(report, say, names),
        _topics(report, say, title),
        _gaps(report, say),
        _other(now, before, say),
    ]


def to_csv(table: Table) -> bytes:
    """The table for spreadsheets: UTF-8 with a mark of it; no cell is taken for a formula."""
    sheet = StringIO()
    writer = csv.writer(sheet)
    for row in (table.columns, *table.rows):
        writer.writerow([neutral(cell) for cell in row])
    return sheet.getvalue().encode("utf-8-sig")


def _outcomes(report: Report, say: Say) -> Table:
    now, before = report.now, report.before
    rows = []
    for one in Outcome:
        number, earlier = now.outcomes.get(one, 0), before.outcomes.get(one, 0)
        is_asked = one != Outcome.NOTHING
        of = say.percent(share(number, now.asked)) if is_asked else say("none")
        was = f" ({say.percent(share(earlier, before.asked))})" if is_asked and before.asked else ""
        rows.append((say(f"o_{one}"), str(number), of, f"{earlier}{was}"))
    columns = ("c_outcome", "c_number", "c_share", "c_before")
    return _table("outcomes", say, columns, rows)


def _days(report: Report, say: Say) -> Table:
    rows = [
        (day.isoformat(), *(str(found.get(one, 0)) for one in Outcome), str(sum(found.values())))
        for day, found in report.visits_by_day.items()
    ]
    heads = [say("c_day"), *(say(f"o_{one}") for one in Outcome), say("c_total")]
    return Table("days", say("t_days"), tuple(heads), tuple(rows))


def _messages(report: Report, say: Say) -> Table:
    rows = [
        (day.isoformat(), *(str(found.get(one, 0)) for one in AUTHORS),
         str(sum(found.get(one, 0) for one in AUTHORS)))
        for day, found in report.messages_by_day.items()
    ]  # fmt: skip
    heads = [say("c_day"), *(say(f"a_{one}") for one in AUTHORS), say("c_total")]
    return Table("messages", say("t_messages"), tuple(heads), tuple(rows))


def _hours(key: str, found: Mapping[str, Mapping[int, int]], say: Say) -> Table:
    rows = [
        (f"{hour:02d}:00", *(str(row.get(hour, 0)) for row in found.values()),
         str(sum(row.get(hour, 0) for row in found.values())))
        for hour in HOURS
    ]  # fmt: skip
    heads = [say("c_hour"), *(say.channel(name) for name in found), say("c_total")]
    return Table(key, say(f"t_{key}"), tuple(heads), tuple(rows))


def _handoffs(report: Report, say: Say) -> Table:
    rows = [
        (
            say.known(f"r_{reason}", reason),
            str(number),
            say.percent(share(number, report.now.asked)),
            str(report.handoffs_before.get(reason, 0)),
        )
        for reason, number in report.handoffs.items()
    ]
    return _table("handoffs", say, ("c_reason", "c_number", "c_share", "c_before"), rows)


def _times(now: Headline, before: Headline, say: Say) -> Table:
    rows = []
    for name in ("wait", "work", "whole"):
        spread: Spread = getattr(now, name)
        earlier: Spread = getattr(before, name)
        rows.append(
            (say(f"w_{name}"), str(spread.number), say.span(spread.median), say.span(spread.p90),
             say.span(earlier.median))
        )  # fmt: skip
    return _table("times", say, ("c_what", "c_number", "c_median", "c_p90", "c_before"), rows)


def _targets(now: Headline, before: Headline, say: Say) -> Table:
    rows = []
    for kind in TARGETS:
        if kind in now.targets or kind in before.targets:
            number, kept = now.targets.get(kind, (0, 0))
            earlier, earlier_kept = before.targets.get(kind, (0, 0))
            rows.append(
                (say(f"k_{kind}"), str(number), str(kept), say.percent(share(kept, number)),
                 say.percent(share(earlier_kept, earlier)))
            )  # fmt: skip
    return _table("targets", say, ("c_kind", "c_number", "c_kept", "c_share", "c_before"), rows)


def _ratings(now: Headline, before: Headline, say: Say) -> Table:
    rows = [
        ("★" * stars, str(now.stars.get(stars, 0)), say.percent(
            share(now.stars.get(stars, 0), now.rated)), str(before.stars.get(stars, 0)))
        for stars in range(5, 0, -1)
    ]  # fmt: skip
    return _table("ratings", say, ("c_stars", "c_number", "c_share", "c_before"), rows)


def _agents(report: Report, say: Say, names: Mapping[int, str]) -> Table:
    rows = [
        (names.get(one.id) or one.name, str(one.visits), str(one.ended), str(one.messages),
         say.span(one.wait), str(one.rated), say.average(one.csat))
        for one in report.agents
    ]  # fmt: skip
    columns = ("c_agent", "c_visits", "c_ended", "c_messages", "c_wait", "c_rated", "c_csat")
    return _table("agents", say, columns, rows)


def _topics(report: Report, say: Say, title: Title) -> Table:
    rows = [(title(name), str(number), str(before)) for name, number, before in report.topics]
    return _table("topics", say, ("c_topic", "c_number", "c_before"), rows)


def _gaps(report: Report, say: Say) -> Table:
    rows = [
        (say.known(f"g_{reason}", reason), str(number))
        for reason, number in sorted(report.gap_reasons.items(), key=lambda one: -one[1])
    ]
    return _table("gaps", say, ("c_reason", "c_number"), rows)


def _other(now: Headline, before: Headline, say: Say) -> Table:
    rows = [(say("opt_outs"), str(now.opt_outs), str(before.opt_outs))]
    return _table("other", say, ("c_what", "c_number", "c_before"), rows)


def _table(key: str, say: Say, columns: Sequence[str], rows: Sequence[tuple[str, ...]]) -> Table:
    return Table(key, say(f"t_{key}"), tuple(say(one) for one in columns), tuple(rows))


@dataclass(frozen=True, slots=True)
class Card:
    """A headline: what, how much, what it was before, and more in small."""

    label: str
    value: str
    before: str = ""
    details: tuple[str, ...] = ()


def cards(report: Report, say: Say) -> list[Card]:
    """The figures that stand above all else."""
    now, was = report.now, report.before

    def before(value: str, *, there: bool = True) -> str:
        return say("before", value=value) if there else ""

    of_asked = say("of_asked", count=now.asked)
    changing = say("provisional", count=now.provisional) if now.provisional else ""
    return [
        Card(say("h_visits"), str(now.visits), before(str(was.visits))),
        Card(say("h_messages"), str(now.messages), before(str(was.messages))),
        Card(say("h_resolved"), say.percent(now.resolution_rate),
             before(say.percent(was.resolution_rate)), _some(of_asked, changing)),
        Card(say("h_unknown"), say.percent(now.unknown_rate),
             before(say.percent(was.unknown_rate)), (of_asked,)),
        Card(say("h_person"), say.percent(now.handoff_rate),
             before(say.percent(was.handoff_rate)), (of_asked,)),
        Card(say("h_wait"), say.span(now.wait.median), before(say.span(was.wait.median)),
             _wait_details(now, say)),
        Card(say("h_met"), say.percent(now.met_share), before(say.percent(was.met_share))),
        Card(say("h_csat"), say.average(now.csat), before(say.average(was.csat)),
             (say("rated_detail", rated=now.rated, surveyed=now.surveyed),)),
    ]  # fmt: skip


def _wait_details(now: Headline, say: Say) -> tuple[str, ...]:
    if not now.wait.number:
        return ()
    median = say("wait_detail", p90=say.span(now.wait.p90))
    if now.work == now.wait:
        return (median,)
    return median, say("wait_work", value=say.span(now.work.median))


def _some(*texts: str) -> tuple[str, ...]:
    return tuple(text for text in texts if text)


def waited(since: datetime | None, at: datetime, say: Say) -> str:
    """How long since a moment; a dash for none."""
    return say.span(max(0.0, (at - since).total_seconds()) if since else None)
