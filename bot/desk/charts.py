"""What ECharts draws on the numbers page: calm colours that are told apart in light and in dark."""

from collections.abc import Sequence
from typing import Any

from bot.desk.figures import Table

SOFT = "#8c8174"
"""Of axes and legends: readable on the page's paper and on its night."""
_LINE = "#8c817440"
COLOURS = {
    "days": ("#1f8a80", "#c98a1b", "#c2553b", "#8f6bb3", "#9a9187", "#cfc6b8"),
    "messages": ("#c98a1b", "#1f8a80", "#4c7fb8"),
}
_OTHERS = ("#1f8a80", "#c98a1b", "#4c7fb8", "#c2553b", "#8f6bb3", "#7a9a3a")


def bars(table: Table, labels: Sequence[str]) -> dict[str, Any]:
    """The table's columns, without the first and the total, as bars upon each other."""
    names = table.columns[1:-1]
    series = [
        {
            "type": "bar",
            "stack": "all",
            "name": name,
            "barMaxWidth": 28,
            "data": [int(row[number]) for row in table.rows],
        }
        for number, name in enumerate(names, 1)
    ]
    return {
        "color": list(COLOURS.get(table.key, _OTHERS)),
        "animation": False,
        "backgroundColor": "transparent",
        "textStyle": {"fontFamily": "inherit", "color": SOFT},
        "aria": {"enabled": True, "label": {"description": table.title}},
        "tooltip": {"trigger": "axis", "axisPointer": {"type": "shadow"}, "confine": True},
        "legend": {
            "type": "scroll",
            "top": 0,
            "left": 0,
            "textStyle": {"color": SOFT},
            "pageTextStyle": {"color": SOFT},
            "icon": "roundRect",
        },
        "grid": {"left": 4, "right": 8, "top": 34, "bottom": 4, "containLabel": True},
        "xAxis": {
            "type": "category",
            "data": list(labels),
            "axisLabel": {"color": SOFT, "hideOverlap": True},
            "axisLine": {"lineStyle": {"color": _LINE}},
            "axisTick": {"show": False},
        },
        "yAxis": {
            "type": "value",
            "minInterval": 1,
            "axisLabel": {"color": SOFT},
            "splitLine": {"lineStyle": {"color": _LINE}},
        },
        "series": series,
    }
