"""Draws whether a journey or a sending worked: by variant, beside those who were held out."""

from collections.abc import Sequence
from typing import Any

from nicegui import ui

from bot.care.outcomes import DAYS
from bot.care.overview import ReportLine
from bot.desk.care_say import CareSay
from bot.desk.charts import bars
from bot.desk.elements import text
from bot.desk.figures import Table
from bot.desk.forms import row, table
from bot.words.sandbox import money

SHARES = ("replied", "bought", "stopped")
"""What the chart shows, each as a share of those whom it reached."""
_HEADS = ("variant", "planned", "arrived", "replied", "stopped", "bought", "revenue", "lift")


def draw(say: CareSay, lines: Sequence[ReportLine], *, whole: bool) -> None:
    """The table, and a chart where there is something to compare; `whole`: of all times."""
    text(say("outcomes"), tag="h2")
    text(say("outcomes_hint_all" if whole else "outcomes_hint", days=DAYS), "d-small d-lead")
    if not lines:
        text(say("outcomes_none"), "d-empty")
        return
    heads = [say(f"o_{name}") for name in _HEADS]
    if not any(one.lift for one in lines):
        heads.pop()
    with table(heads):
        for one in lines:
            row(_cells(say, one)[: len(heads)], heads)
    if still := sum(one.figures.open for one in lines):
        text(say("open_days", count=still, days=DAYS), "d-small")
    reached = [one for one in lines if one.figures.arrived]
    if len(reached) > 1:
        text(say("chart"), "d-small")
        chart = ui.echart(_chart(say, reached), renderer="svg").classes("n-chart")
        chart.props["aria-hidden"] = "true"


def _name(say: CareSay, one: ReportLine) -> str:
    return say("v_held_out") if one.held_out else one.variant or say("v_all")


def _cells(say: CareSay, one: ReportLine) -> list[str]:
    found = one.figures
    shares = [
        _share(getattr(found, name), found.arrived) for name in ("replied", "stopped", "bought")
    ]
    amounts = [money(amount, currency or "CNY", say.language)
               for currency, amount in sorted(found.revenue.items())]  # fmt: skip
    lift = ""
    if one.lift:
        value, low, high = (f"{100 * part:+.1f}" for part in one.lift)
        lift = say("lift", value=value, low=low, high=high)
    return [_name(say, one), str(found.planned), str(found.arrived), *shares,
            " · ".join(amounts) or "–", lift or "–"]  # fmt: skip


def _share(part: int, of: int) -> str:
    return f"{part} ({100 * part / of:.0f}%)" if of else "–"


def _chart(say: CareSay, lines: Sequence[ReportLine]) -> dict[str, Any]:
    names = [_name(say, one) for one in lines]
    columns = (say("o_variant"), *(say(f"o_{name}") for name in SHARES), "")
    option = bars(Table("care", say("chart"), columns, ()), names)
    for name, series in zip(SHARES, option["series"], strict=True):
        del series["stack"]
        series["data"] = [
            round(100 * getattr(one.figures, name) / one.figures.arrived, 1) for one in lines
        ]
    return option
