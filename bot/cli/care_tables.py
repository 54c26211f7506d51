"""Journeys and sendings as the command shows them to people."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bot.cli.common import err, print_table

if TYPE_CHECKING:
    from bot.care.counting import Preview
    from bot.care.overview import JourneyLine, SendingLine
    from bot.care.say import Say

_JOURNEY = ("name", "state", "trigger", "purpose", "due", "written", "refused")
_SENDING = ("name", "state", "ready", "sent", "waiting", "not_sent", "failed", "uncertain")


def journeys(say: "Say", lines: "Sequence[JourneyLine]") -> None:
    """By the names that the other commands want."""
    print_table(
        [say(f"c_{one}") for one in _JOURNEY],
        [
            [
                one.name,
                say(f"state_{one.state}"),
                say.known("trigger", one.trigger),
                say(f"purpose_{one.purpose}"),
                *map(str, (one.due, one.written, one.refused)),
            ]
            for one in lines
        ],
    )


def sendings(say: "Say", lines: "Sequence[SendingLine]") -> None:
    """How far each is, and of which deliveries nobody knows."""
    rows = []
    for one in lines:
        counts = (one.ready, one.sent, one.waiting, one.refused, one.failed, one.uncertain)
        rows.append([one.name, say(f"state_{one.state}"), *map(str, counts)])
    print_table([say(f"c_{one}") for one in _SENDING], rows)
    for one in lines:
        if one.unknown:
            known = ", ".join(map(str, one.unknown))
            lead = say("unknown_lead", count=one.uncertain)
            err.print(f"{one.name}: {lead} {known}", markup=False)


def preview(say: "Say", one: "Preview") -> None:
    """How it reads for one customer, and what the guard says."""
    where = f"{one.name or f'#{one.customer_id}'} · {say.channel(one.channel)} · {one.language}"
    err.print(f"— {where} · {say.verdict(one.verdict, one.reason)}", style="bold", markup=False)
    if one.has_example:
        err.print(say("coupon_example"), markup=False)
    err.print(f"{one.text}\n", markup=False)
