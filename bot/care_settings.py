"""The `[care]` section of the configuration: what the shop tells customers by itself, and when."""

import re
from datetime import time
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from bot.core.errors import Misread
from bot.settings import Channel, Section

Consenting = Literal["opt_in", "opt_out"]
VoiceName = Literal["plain", "warm", "imperial"]
_HOURS = re.compile(r"(([01]\d|2[0-3]):[0-5]\d)-(([01]\d|2[0-3]):[0-5]\d)")


def _hours(text: str) -> str:
    """`21:30-08:30`, which may pass midnight, or nothing at all."""
    if text and not _HOURS.fullmatch(text):
        raise Misread(
            f"{text!r} 应写成 21:30-08:30，可以跨过零点；留空表示没有",
            f"{text!r} is not a span such as 21:30-08:30 (it may pass midnight); empty for none",
        )
    return text


class Care(Section):
    """What customers are told by itself; see docs/care.md.

    `marketing` is what holds for advertising where the ledger of consents has no entry: `opt_in`
    sends none, `opt_out` sends until they say stop. `quiet_hours` are the customer's own. The
    journeys in `enabled` and `disabled` are on or off whatever their files say. On the channels in
    `double_opt_in` a wish for offers has to be confirmed; with `ask_consent` customers are asked
    once, after a good rating, whether they want offers: see docs/consent.md.
    """

    voice: VoiceName = "warm"
    marketing: Consenting = "opt_in"
    marketing_by_channel: dict[Channel, Consenting] = Field(default_factory=dict)
    quiet_hours: Annotated[str, AfterValidator(_hours)] = "21:30-08:30"
    marketing_per_day: int = Field(default=1, ge=0, le=100)
    marketing_per_week: int = Field(default=2, ge=0, le=100)
    unhappy_days: int = Field(default=14, ge=0, le=365)
    holdout: float = Field(default=0.0, ge=0, le=0.9)
    enabled: tuple[str, ...] = ()
    disabled: tuple[str, ...] = ()
    double_opt_in: tuple[Channel, ...] = ()
    ask_consent: bool = False

    @property
    def quiet(self) -> tuple[time, time] | None:
        """When the quiet hours begin and end by the customer's clock; None without any."""
        begin, _, end = self.quiet_hours.partition("-")
        return (time.fromisoformat(begin), time.fromisoformat(end)) if begin != end else None
